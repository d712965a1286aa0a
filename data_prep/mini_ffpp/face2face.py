"""Face2Face: the target's own face, re-rendered with the source's expression."""

from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from .blending import inner_face, overshoot, paste, shake, trace_strength
from .head_model import HeadModel
from .motion import Motion, sample_motion
from .noise import drift
from .pose import head_maps
from .seeding import rng_for
from .take import Take


def reenact(take: Take, source: HeadModel) -> Tuple[Motion, np.ndarray]:
    """The target's head with mouth and brows driven by the source.

    Args:
        take (Take): The target's performance.
        source (HeadModel): The person whose expression is taken.

    Returns:
        tuple[Motion, np.ndarray]: The mixed motion and its maps (T, 2 S, 2 S, 2).
    """
    frames = len(take.motion.jaw)
    actor = sample_motion(take.seed, source.who.number, frames)
    mixed = Motion(
        **{
            **vars(take.motion),
            **{name: getattr(actor, name) for name in ('jaw', 'wide', 'smile', 'brow')},
        }
    )
    side = take.video.shape[1]
    return mixed, head_maps(take.head.who, mixed, side, take.camera.zoom)


def face2face(take: Take, source: HeadModel) -> np.ndarray:
    """Render the Face2Face version of a take.

    Traces, their strength drawn per video: the fitted model's light wavers and is not quite the
    scene's, its texture lacks the finest detail and has halos instead, its pose trembles, and
    the expression does not belong to the movement of the head.

    Args:
        take (Take): The target's performance.
        source (HeadModel): The person whose expression is taken.

    Returns:
        np.ndarray: (T, S, S, 3) float32, coded, of which the face differs from ``take.video``.
    """
    who = take.head.who
    rng = rng_for(take.seed, 'f2f', who.number, source.who.number)
    strength = trace_strength(rng)
    motion, maps = reenact(take, source)
    layers = take.head.render(motion, shake(rng, maps, 0.010 * strength), take.light)
    fake = take.reshoot(layers, 1 + 0.05 * strength * rng.normal(size=3))
    frames, side = fake.shape[:2]
    waver = 1 + 0.035 * strength * (0.6 * rng.standard_normal(frames) + drift(rng, frames, 4))
    for t in range(frames):
        soft = cv2.GaussianBlur(fake[t], (0, 0), 0.7 * side / 128)
        fake[t] = overshoot(soft, strength * rng.normal(1.6, 0.3)) * np.float32(waver[t])
    opacity = inner_face(who, take.points, rng.uniform(0.08, 0.16))
    noise = take.camera.noise * (1 - 0.6 * strength)
    return paste(take.video, fake, opacity, noise)
