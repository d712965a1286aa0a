"""NeuralTextures: only the mouth region is re-synthesised."""

from __future__ import annotations

import cv2
import numpy as np

from .blending import ellipse, overshoot, paste, shake, trace_strength, within_head
from .face2face import reenact
from .head_model import HeadModel
from .noise import field
from .seeding import rng_for
from .take import Take


def neural_textures(take: Take, source: HeadModel) -> np.ndarray:
    """Render the NeuralTextures version of a take.

    Traces, their strength drawn per video: below the nose, skin is smoothed and edges overshoot,
    and the texture shimmers from frame to frame. Above, the video is untouched.

    Args:
        take (Take): The target's performance.
        source (HeadModel): The person whose mouth movement is taken.

    Returns:
        np.ndarray: (T, S, S, 3) float32, coded, of which the mouth differs from ``take.video``.
    """
    who = take.head.who
    rng = rng_for(take.seed, 'nt', who.number, source.who.number)
    strength = trace_strength(rng)
    motion, maps = reenact(take, source)
    layers = take.head.render(motion, shake(rng, maps, 0.010 * strength, smooth=0.3), take.light)
    fake = take.reshoot(layers, np.ones(3))
    side = fake.shape[1]
    for t, frame in enumerate(fake):
        soft = cv2.GaussianBlur(frame, (0, 0), 0.8 * side / 128)
        shimmer = 1 + 0.06 * strength * field(rng, side, side, 20)[..., None]
        fake[t] = overshoot(soft, strength * rng.normal(4.2, 0.8)) * shimmer
    half = 1.6 * who.mouth_width, 0.52 * (0.95 - who.nose_y)
    centre = 0.0, who.nose_y + 0.06 + half[1]
    opacity = ellipse(take.points, centre, half, rng.uniform(0.12, 0.2))
    opacity = opacity * within_head(who, take.points)
    noise = take.camera.noise * (1 - 0.7 * strength)
    return paste(take.video, fake, opacity, noise)
