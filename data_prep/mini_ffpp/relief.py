"""Relief: the head as a height field with its outline, normals and creases, in head units."""

from __future__ import annotations

from typing import Tuple

import cv2
import numpy as np

from .identity import Identity
from .noise import bump, smoothstep

# The drawn square reaches this many head units from the origin in every direction.
SPAN = 1.35


def grid(pixels: int) -> Tuple[np.ndarray, np.ndarray]:
    """Head coordinates of the pixel centres of a square canvas: u (1, P) and v (P, 1)."""
    axis = ((np.arange(pixels, dtype=np.float32) + 0.5) / pixels * 2 - 1) * SPAN
    return axis[None, :], axis[:, None]


def outline(who: Identity, u: np.ndarray, v: np.ndarray, grow: float = 0.0) -> np.ndarray:
    """Implicit outline of the skull, moved outwards by ``grow``: below 1 inside, 1 on the edge."""
    jaw = 1.0 - who.jaw_taper * smoothstep(0.05, 1.05, v)
    half = (who.head_width + grow) * jaw
    # Jaws may be square, crowns are round.
    power = 2.1 + (who.squareness - 2.1) * smoothstep(-0.5, 0.4, v)
    return np.abs(u / half) ** power + np.abs(v / (1.0 + grow)) ** power


def _nose(who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Height of the nose above the face."""
    width = 0.045 + 0.45 * who.nose_width * smoothstep(who.eye_y, who.nose_y, v)
    top, base = who.eye_y - 0.08, who.nose_y + 0.01
    rise = smoothstep(top, who.nose_y, v) * smoothstep(base + 0.11, base, v)
    ridge = (0.25 + 0.75 * smoothstep(top, who.nose_y, v)) * np.exp(-0.5 * (u / width) ** 2)
    wings = bump(np.abs(u) - 0.80 * who.nose_width, v - who.nose_y - 0.025, 0.030, 0.042)
    ball = bump(u, v - who.nose_y, 0.055, 0.055)
    return who.nose_height * (ridge * rise + 0.22 * ball) + 0.06 * wings


def relief(who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Height of the skin towards the camera, in head units."""
    inside = np.clip(1.0 - outline(who, u, v), 0.0, None)
    side = np.abs(u)
    mouth = v - who.mouth_y
    height = 0.62 * (inside + 0.004) ** 0.5
    height = height - 0.075 * bump(side - who.eye_x * 0.95, v - who.eye_y, 0.14, 0.085)
    height = height + 0.045 * bump(side - who.eye_x, v - who.eye_y, 0.085, 0.06)
    height = height + 0.035 * bump(side - 0.25, v - who.eye_y + who.brow_y * 0.85, 0.20, 0.05)
    height = height + 0.045 * bump(side - 0.42, v - 0.27, 0.15, 0.13)
    height = height + 0.050 * bump(u, mouth, who.mouth_width * 0.8, 0.10)
    height = height - 0.022 * bump(u, mouth - 0.145, 0.12, 0.03)
    height = height + 0.055 * bump(u, v - 0.88, 0.16, 0.09)
    # The groove from the wing of the nose to the corner of the mouth deepens with age.
    along = np.clip((v - who.nose_y) / (who.mouth_y + 0.02 - who.nose_y), 0.0, 1.0)
    fold = side - (who.nose_width + 0.035) - (who.mouth_width - who.nose_width + 0.02) * along**1.3
    ends = smoothstep(who.nose_y - 0.05, who.nose_y + 0.08, v) * smoothstep(0.06, -0.04, mouth)
    height = height - (0.006 + 0.014 * who.age) * np.exp(-0.5 * (fold / 0.022) ** 2) * ends
    for row, level in enumerate((-0.34, -0.42, -0.50)):
        wave = v - level - 0.015 * np.cos(5 * u + row)
        height = height - 0.006 * who.age**2 * bump(u, wave, 0.26, 0.010)
    return (height + _nose(who, u, v)).astype(np.float32)


def normals(height: np.ndarray) -> np.ndarray:
    """Unit normals of a height field (P, P) along u, v and towards the camera: (3, P, P)."""
    pixel = 2 * SPAN / height.shape[0]
    # Softened by a little over a pixel: hard relief would alias into glitter.
    height = cv2.GaussianBlur(height, (0, 0), 0.014 / pixel)
    down, right = np.gradient(height, pixel)
    length = np.sqrt(right**2 + down**2 + 1.0)
    return np.stack([-right / length, -down / length, 1.0 / length]).astype(np.float32)


def cavity(height: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Ambient light left: a factor of about 0.5 in deep hollows, slightly above 1 on ridges."""
    pixel = 2 * SPAN / height.shape[0]
    factor = np.ones_like(height)
    for reach, depth in ((0.075, 5.5), (0.022, 5.0)):
        # Averages over the head alone: the void around it would make the rim look like a ridge.
        around = cv2.GaussianBlur(height * inside, (0, 0), reach / pixel)
        around /= cv2.GaussianBlur(inside, (0, 0), reach / pixel) + 1e-3
        factor += depth * np.minimum(height - around, 0.012) * inside
    return np.clip(factor, 0.45, 1.12)
