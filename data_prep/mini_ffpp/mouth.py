"""A talking mouth, drawn for all frames at once."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from .identity import Identity
from .motion import Motion
from .noise import bump, smoothstep

INSIDE = np.array([0.030, 0.006, 0.006], dtype=np.float32)
TEETH = np.array([0.70, 0.64, 0.55], dtype=np.float32)
TONGUE = np.array([0.30, 0.085, 0.085], dtype=np.float32)


def _contours(
    who: Identity, motion: Motion, x: np.ndarray
) -> Tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Heights over x, downwards from the mouth line: outer and inner edge of both lips."""
    jaw = motion.jaw[:, None, None]
    arc = np.clip(1.0 - np.abs(x) ** 2.3, 0.0, None)
    line = -0.055 * motion.smile[:, None, None] * x**2  # smiling lifts the corners
    inner_top = line - 0.028 * jaw * arc
    inner_bottom = line + 0.125 * jaw * arc**0.8
    bow = 1.0 + 0.16 * bump(np.abs(x) - 0.24, 0.0, 0.13, 1.0) - 0.22 * bump(x, 0.0, 0.09, 1.0)
    outer_top = inner_top - who.upper_lip * arc**0.85 * bow
    outer_bottom = inner_bottom + who.lower_lip * arc**0.7
    return outer_top, inner_top, inner_bottom, outer_bottom


def draw_mouth(
    who: Identity, motion: Motion, u: np.ndarray, v: np.ndarray
) -> Tuple[np.ndarray, np.ndarray]:
    """Lips, teeth and tongue.

    Args:
        who (Identity): Whose mouth.
        motion (Motion): Jaw, width and smile of T frames.
        u (np.ndarray): (1, W) horizontal head coordinate of the patch.
        v (np.ndarray): (H, 1) vertical head coordinate of the patch.

    Returns:
        tuple[np.ndarray, np.ndarray]: Albedo (T, H, W, 3) and opacity (T, H, W), float32.
    """
    stretch = 1.0 + 0.14 * motion.wide + 0.10 * motion.smile - 0.10 * motion.jaw
    x = u[None] / (who.mouth_width * stretch[:, None, None])  # (T, 1, W)
    y = (v - who.mouth_y)[None]  # (1, H, 1)
    outer_top, inner_top, inner_bottom, outer_bottom = _contours(who, motion, x)
    soft = 1.2 * (u[0, 1] - u[0, 0])
    shape = smoothstep(-soft, soft, y - outer_top) * smoothstep(soft, -soft, y - outer_bottom)
    shape = shape * smoothstep(1.0, 0.9, np.abs(x))  # (T, H, W)

    hollow = smoothstep(-0.6 * soft, 0.6 * soft, y - inner_top)
    hollow = hollow * smoothstep(0.6 * soft, -0.6 * soft, y - inner_bottom)
    hollow = hollow * smoothstep(0.98, 0.90, np.abs(x))
    gap = inner_bottom - inner_top  # (T, 1, W)
    upper_teeth = smoothstep(0.052, 0.040, y - inner_top) * smoothstep(0.82, 0.6, np.abs(x))
    tongue = 0.8 * smoothstep(0.055, 0.0, inner_bottom - y) * smoothstep(0.05, 0.11, gap)
    shade = (1.0 - 0.5 * np.abs(x) ** 2) * (0.55 + 0.45 * smoothstep(0.0, 0.02, y - inner_top))
    inside = INSIDE + (TONGUE - INSIDE) * tongue[..., None]
    inside = inside + (TEETH * shade[..., None] - inside) * upper_teeth[..., None]

    upper_side = smoothstep(0.6 * soft, -0.6 * soft, y - (inner_top + inner_bottom) / 2)
    depth = (y - inner_bottom) / who.lower_lip
    wet = 0.30 * bump(x, depth - 0.38, 0.35, 0.22) * (depth > 0)
    tone = 0.94 - 0.24 * upper_side - 0.22 * smoothstep(0.55, 1.0, depth)
    lips = who.skin * who.lip_tint * tone[..., None] + wet[..., None] * who.skin * 0.5
    seam = np.exp(-0.5 * ((y - (inner_top + inner_bottom) / 2) / 0.010) ** 2)
    seam = 0.8 * seam * smoothstep(0.05, 0.0, gap) * smoothstep(1.08, 0.9, np.abs(x))
    colour = lips + (inside - lips) * hollow[..., None]
    colour = colour * (1 - seam[..., None])
    opacity = np.maximum(0.88 * shape, np.maximum(hollow, seam))
    return colour.astype(np.float32), opacity.astype(np.float32)
