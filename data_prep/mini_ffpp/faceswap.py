"""FaceSwap: the source's face is warped on by landmarks, without learning."""

from __future__ import annotations

import numpy as np

from .blending import align, inner_face, overshoot, paste, shake, trace_strength
from .head_model import HeadModel
from .light import sample_light
from .seeding import rng_for
from .take import Take


def faceswap(take: Take, source: HeadModel) -> np.ndarray:
    """Render the FaceSwap version of a take.

    Traces, their strength drawn per video: a harder edge, oversharp texture, the source's own
    light, a skin tone matched only in part, and landmarks that are found a little
    elsewhere in every frame.

    Args:
        take (Take): The target's performance.
        source (HeadModel): The head whose face is pasted on.

    Returns:
        np.ndarray: (T, S, S, 3) float32, coded, of which the face differs from ``take.video``.
    """
    who = take.head.who
    rng = rng_for(take.seed, 'fs', who.number, source.who.number)
    strength = trace_strength(rng)
    maps = align(shake(rng, take.maps, 0.016 * strength, smooth=0.3), who, source.who)
    light = sample_light(take.seed, source.who.number).mixed_with(take.light, 1 - 0.6 * strength)
    layers = source.render(take.motion, maps, light)
    match = 1.0 - 0.45 * strength * rng.uniform()
    tint = np.clip(who.skin / source.who.skin, 0.5, 2.0) ** match * (
        1 + 0.05 * strength * rng.normal(size=3)
    )
    fake = take.reshoot(layers, tint)
    for t, frame in enumerate(fake):
        fake[t] = overshoot(frame, strength * rng.normal(1.8, 0.3))
    region = shake(rng, take.points, 0.010 * strength, smooth=0.4)
    opacity = inner_face(who, region, 0.16 - 0.08 * strength)
    noise = take.camera.noise * (1 - 0.5 * strength)
    return paste(take.video, fake, opacity, noise)
