"""Eyes that blink and look around, drawn for all frames at once."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from .identity import Identity
from .motion import Motion
from .noise import smoothstep

LASH = np.array([0.012, 0.008, 0.007], dtype=np.float32)


def _lids(
    who: Identity, x: np.ndarray, blink: np.ndarray, wide: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Height of the upper and the lower lid edge over x; y grows downwards, unit half eye width."""
    arc = np.clip(1.0 - np.abs(x) ** 2.1, 0.0, None)
    tilt = -who.eye_tilt * x
    upper = -who.eye_height * (1 + 0.25 * wide) * arc**0.75 + tilt
    lower = 0.62 * who.eye_height * arc + tilt
    return upper + blink * (0.97 * (lower - upper)), lower


def draw_eye(
    who: Identity, motion: Motion, side: int, u: np.ndarray, v: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """One eye with lids, lashes, iris and catchlight.

    Args:
        who (Identity): Whose eye.
        motion (Motion): Blink, gaze and brow of T frames.
        side (int): -1 for the eye on the left of the picture, 1 for the right one.
        u (np.ndarray): (1, W) horizontal head coordinate of the patch.
        v (np.ndarray): (H, 1) vertical head coordinate of the patch.

    Returns:
        tuple[np.ndarray, np.ndarray]: Albedo (T, H, W, 3) and opacity (T, H, W), float32.
    """
    x = ((u - side * who.eye_x) / who.eye_width * side)[None]  # (1, 1, W), outwards positive
    y = ((v - who.eye_y) / who.eye_width)[None]  # (1, H, 1)
    blink = motion.blink[:, None, None]
    upper, lower = _lids(who, x, blink, motion.brow[:, None, None])  # (T, 1, W)
    edge = 0.6 * (u[0, 1] - u[0, 0]) / who.eye_width  # half a pixel or so
    opening = smoothstep(-edge, edge, y - upper) * smoothstep(edge, -edge, y - lower)
    opening = opening * smoothstep(1.02, 0.96, np.abs(x))  # (T, H, W)

    gaze_x = (motion.gaze_x * side)[:, None, None]
    radius = np.hypot(x - gaze_x, y - motion.gaze_y[:, None, None] + 0.06)  # (T, H, W)
    iris_radius = 0.46
    angle = np.arctan2(y + 0.06, x)
    fibres = 0.85 + 0.25 * np.cos(17 * angle) * np.cos(7 * angle + 1)
    ring = (0.35 + 0.9 * smoothstep(iris_radius, 0.25, radius)) * fibres
    inside = smoothstep(iris_radius + edge, iris_radius - edge, radius)
    pupil = smoothstep(0.19 + edge, 0.19 - edge, radius)
    shadow = 0.42 + 0.58 * smoothstep(0.0, 0.42, y - upper)
    white = np.array([0.56, 0.51, 0.48], np.float32) * (1.0 - 0.35 * np.abs(x[..., None]) ** 3)
    colour = white + (who.iris * ring[..., None] - white) * inside[..., None]
    colour = colour * (1.0 - 0.96 * pupil[..., None]) * shadow[..., None]
    # The lamp's reflection stays put while the eye turns.
    glint = np.exp(-0.5 * (((x + 0.14 * side) / 0.085) ** 2 + ((y + 0.20) / 0.085) ** 2))
    colour = colour + 1.6 * glint[..., None] * opening[..., None]

    within = smoothstep(1.12, 0.85, np.abs(x))
    lash = 0.9 * np.exp(-0.5 * ((y - upper + 0.02) / 0.065) ** 2) * within
    lower_lash = 0.28 * np.exp(-0.5 * ((y - lower) / 0.05) ** 2) * within
    crease = 0.38 * np.exp(-0.5 * ((y - upper * 0.8 + 0.26) / 0.05) ** 2) * within * (1 - blink)
    lash = np.clip(np.maximum(lash, lower_lash), 0.0, 1.0)
    dark = np.clip(np.maximum(lash, crease * (1 - opening)), 0.0, 1.0)
    opacity = np.maximum(opening, dark)
    crease_colour = np.where((crease > lash)[..., None], who.skin * 0.35, LASH)
    share = (dark / np.maximum(opacity, 1e-6))[..., None]
    colour = colour * (1 - share) + crease_colour * share
    return colour.astype(np.float32), opacity.astype(np.float32)
