"""Colour of the bare head: skin, blush, pores, freckles, beard shadow, ears, nostrils."""

from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from .identity import Identity
from .noise import bump, field, smoothstep
from .relief import SPAN, outline


def coverage(implicit: np.ndarray, pixels: int) -> np.ndarray:
    """Anti-aliased inside of an implicit outline that is 1 on the edge.

    Args:
        implicit (np.ndarray): (P, P) implicit function.
        pixels (int): Side of the canvas, P.

    Returns:
        np.ndarray: (P, P) float32 in [0, 1].
    """
    down, right = np.gradient(implicit)
    slope = np.maximum(np.hypot(down, right), 1e-4)
    # Distance to the edge in pixels, spread over two of them; finer canvases keep the softness.
    return np.clip(0.5 + (1.0 - implicit) / slope / (pixels / 128), 0.0, 1.0).astype(np.float32)


def ears(who: Identity, u: np.ndarray, v: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Both ears, which lie behind the cheeks.

    Args:
        who (Identity): Whose head.
        u (np.ndarray): (1, P) horizontal head coordinate.
        v (np.ndarray): (P, 1) vertical head coordinate.

    Returns:
        tuple[np.ndarray, np.ndarray]: Implicit outline (P, P), and the shading factor inside it.
    """
    x = (np.abs(u) - who.head_width - 0.005) / (0.085 * who.ear_size)
    y = (v - who.eye_y - 0.12) / (0.19 * who.ear_size)
    shape = (x - 0.25 * y * (y < 0)) ** 2 + y**2
    bowl = 1.0 - 0.45 * np.exp(-0.5 * (((x - 0.15) / 0.4) ** 2 + ((y + 0.05) / 0.5) ** 2))
    return shape, bowl * (0.72 + 0.2 * smoothstep(0.2, 0.9, shape))


def _blemishes(rng: np.random.Generator, who: Identity, pixels: int) -> np.ndarray:
    """Factor of pores, blotches and freckles."""
    pores = 0.030 * field(rng, pixels, pixels, int(pixels * 0.55))
    blotches = 0.035 * field(rng, pixels, pixels, 14) + 0.03 * field(rng, pixels, pixels, 6)
    spots = np.clip(field(rng, pixels, pixels, int(pixels * 0.38)) - 1.6, 0.0, 1.0)
    return 1.0 + pores + blotches - 0.35 * who.freckles * spots


def _whiskers(rng: np.random.Generator, who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Where and how densely a beard grows, 0..1."""
    side, mouth = np.abs(u), v - who.mouth_y
    cheek = smoothstep(0.10, 0.34, v - 0.55 + 0.95 * side**1.5)
    lips = bump(u, mouth - 0.01, who.mouth_width * 0.75, 0.055)
    moustache = bump(u, mouth + 0.125, who.mouth_width * 0.75, 0.035)
    patchy = 1 + 0.25 * field(rng, v.size, u.size, 24)
    below_nose = smoothstep(who.nose_y + 0.02, who.nose_y + 0.1, v)
    density = np.clip(cheek * below_nose + moustache - 1.3 * lips, 0.0, 1.0)
    return np.clip(density * patchy, 0.0, 1.0)


def skin_colour(
    rng: np.random.Generator, who: Identity, u: np.ndarray, v: np.ndarray
) -> np.ndarray:
    """Albedo of the head without eyes, brows, lips and scalp hair.

    Args:
        rng (np.random.Generator): Source of randomness.
        who (Identity): Whose head.
        u (np.ndarray): (1, P) horizontal head coordinate.
        v (np.ndarray): (P, 1) vertical head coordinate.

    Returns:
        np.ndarray: (P, P, 3) float32, linear light.
    """
    pixels = u.size
    side = np.abs(u)
    red = 0.9 * who.blush * bump(side - 0.40, v - 0.30, 0.15, 0.12)
    red = red + 0.8 * bump(u, v - who.nose_y, 0.10, 0.08) + 0.25 * bump(u, v - 0.9, 0.12, 0.08)
    under_eye = (0.35 + 0.5 * who.age) * bump(side - who.eye_x, v - who.eye_y - 0.10, 0.10, 0.035)
    colour = who.skin * np.ones((pixels, pixels, 1), np.float32)  # (P, P, 3)
    colour *= 1 + red[..., None] * np.array([0.06, -0.13, -0.12])
    colour *= 1 - under_eye[..., None] * np.array([0.14, 0.17, 0.10])
    colour *= _blemishes(rng, who, pixels)[..., None]
    nostril = bump(side - 0.45 * who.nose_width, v - who.nose_y - 0.068, 0.022, 0.012)
    colour *= 1 - 0.75 * nostril[..., None]
    whiskers = _whiskers(rng, who, u, v)[..., None]
    grain = 0.75 + 0.5 * rng.random((pixels, pixels, 1), dtype=np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.006 * pixels / SPAN / 2)[..., None]
    strength = np.clip(0.35 * who.stubble + 0.9 * who.beard, 0.0, 0.92)
    colour += (0.85 * who.hair * grain - colour) * whiskers * strength
    ear, bowl = ears(who, u, v)
    on_ear = (outline(who, u, v) > 1.0) & (ear < 1.3)
    reddish = np.where(on_ear, bowl, 1.0)[..., None] ** np.array([0.8, 1.15, 1.1])
    return (colour * reddish).astype(np.float32)
