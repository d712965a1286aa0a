"""From picture to head: which point of the head every pixel sees."""

from __future__ import annotations

import cv2
import numpy as np

from .identity import Identity
from .motion import Motion
from .noise import bump, smoothstep
from .relief import outline

# The mapping is smooth, so it is computed on a coarse grid and enlarged.
KNOTS = 56


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Rotation from head axes to camera axes (right, down, towards the camera).

    Args:
        yaw (float): Turn to the right of the picture, radians.
        pitch (float): Nod downwards, radians.
        roll (float): Tilt clockwise, radians.

    Returns:
        np.ndarray: (3, 3) matrix acting on column vectors.
    """
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ nod @ turn


def _depth(who: Identity, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Smooth depth for parallax: unlike the relief, not steep at the rim, where it would fold."""
    dome = 0.55 * np.clip(1.25 - outline(who, u, v), 0.0, None)
    return dome + 1.1 * who.nose_height * bump(u, v - who.nose_y + 0.04, 0.09, 0.12)


def picture_grid(pixels: int, zoom: float) -> np.ndarray:
    """Unposed head coordinates of the pixel centres of a picture.

    Args:
        pixels (int): Side of the picture.
        zoom (float): Side of the picture in head units.

    Returns:
        np.ndarray: (pixels, pixels, 2) float32; the middle of the picture is (0, 0.06).
    """
    axis = ((np.arange(pixels, dtype=np.float32) + 0.5) / pixels - 0.5) * zoom
    return np.dstack(np.meshgrid(axis, axis + np.float32(0.06)))


def head_maps(who: Identity, motion: Motion, side: int, zoom: float) -> np.ndarray:
    """Head coordinates seen by every pixel of every frame.

    Args:
        who (Identity): Whose head: its depth makes the parallax.
        motion (Motion): Pose, jaw and brow of T frames.
        side (int): Side S of the picture in pixels.
        zoom (float): Side of the picture in head units.

    Returns:
        np.ndarray: (T, 2 S, 2 S, 2) float32, at twice the resolution of the picture.
    """
    coarse = picture_grid(KNOTS, zoom)
    maps = np.empty((len(motion.yaw), 2 * side, 2 * side, 2), np.float32)
    for t in range(len(maps)):
        matrix = rotation(motion.yaw[t], motion.pitch[t], motion.roll[t])
        x = (coarse[..., 0] - motion.x[t]) / motion.scale[t]
        y = (coarse[..., 1] - motion.y[t]) / motion.scale[t]
        inverse = np.linalg.inv(matrix[:2, :2])
        u, v = x, y
        for _ in range(4):  # solve x = R (u, v, depth(u, v)) for u, v by fixed-point steps
            depth = _depth(who, u, v)
            flat_x, flat_y = x - matrix[0, 2] * depth, y - matrix[1, 2] * depth
            u = inverse[0, 0] * flat_x + inverse[0, 1] * flat_y
            v = inverse[1, 0] * flat_x + inverse[1, 1] * flat_y
        chin = smoothstep(who.mouth_y + 0.02, who.mouth_y + 0.20, v) * smoothstep(1.35, 1.0, v)
        chin = chin * smoothstep(1.0, 0.5, np.abs(u))
        brow = bump(np.abs(u) - who.eye_x, v - who.eye_y + who.brow_y, 0.2, 0.07)
        v = v - 0.09 * motion.jaw[t] * chin + 0.035 * motion.brow[t] * brow
        knots = np.dstack([u, v]).astype(np.float32)
        # resize, not remap: remap rounds positions to a 32nd of a knot, which would show as steps
        maps[t] = cv2.resize(knots, (2 * side, 2 * side), interpolation=cv2.INTER_LINEAR)
    return maps
