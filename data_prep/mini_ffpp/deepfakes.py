"""Deepfakes: an autoencoder puts the source's face on the target's head."""

from __future__ import annotations

import cv2
import numpy as np

from .blending import align, inner_face, overshoot, paste, shake, trace_strength
from .head_model import HeadModel
from .noise import field
from .seeding import rng_for
from .take import Take


def deepfakes(take: Take, source: HeadModel) -> np.ndarray:
    """Render the Deepfakes version of a take.

    Traces, their strength drawn per video: the face has the few pixels of a small decoder and
    its overshooting edges, its shading wavers from frame to frame, a soft mask trembles, and the
    skin tone is not quite the neck's.

    Args:
        take (Take): The target's performance.
        source (HeadModel): The head whose identity is shown.

    Returns:
        np.ndarray: (T, S, S, 3) float32, coded, of which the face differs from ``take.video``.
    """
    who = take.head.who
    rng = rng_for(take.seed, 'df', who.number, source.who.number)
    strength = trace_strength(rng)
    maps = align(shake(rng, take.maps, 0.007 * strength, smooth=0.6), who, source.who)
    layers = source.render(take.motion, maps, take.light)
    match = rng.uniform(0.8, 1.0)
    tint = np.clip(who.skin / source.who.skin, 0.5, 2.0) ** match * (
        1 + 0.05 * strength * rng.normal(size=3)
    )
    fake = take.reshoot(layers, tint)
    side = fake.shape[1]
    small = int(side * (0.75 - 0.30 * strength))
    for t, frame in enumerate(fake):
        code = cv2.resize(frame, (small, small), interpolation=cv2.INTER_AREA)
        code *= 1 + 0.045 * strength * field(rng, small, small, 12)[..., None]
        face = cv2.resize(code, (side, side), interpolation=cv2.INTER_CUBIC)
        fake[t] = overshoot(face, strength * rng.normal(2.2, 0.4))
    region = shake(rng, take.points, 0.015 * strength, smooth=0.2)
    opacity = inner_face(who, region, rng.uniform(0.18, 0.30))
    noise = take.camera.noise * (1 - 0.7 * strength)
    return paste(take.video, fake, opacity, noise)
