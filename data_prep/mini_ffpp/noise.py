"""Seeded smooth noise: fields, drifts, bumps."""

from __future__ import annotations

import zlib

import cv2
import numpy as np


def rng_for(seed: int, *keys: object) -> np.random.Generator:
    """A generator of its own for one thing to draw.

    Args:
        seed (int): Seed of the whole dataset.
        *keys (object): What it is for, e.g. ``('identity', '007')``. The same seed and keys give
            the same stream in every process and whatever was drawn before.

    Returns:
        np.random.Generator: The generator.
    """
    # crc32, not hash(): Python salts the hash of strings anew in every process.
    words = [zlib.crc32(str(key).encode()) for key in keys]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """Hermite ramp from 0 at ``low`` to 1 at ``high`` (``low > high`` gives a falling ramp).

    Args:
        low (float): Where the ramp is 0.
        high (float): Where the ramp is 1.
        x (np.ndarray): Any shape.

    Returns:
        np.ndarray: Same shape, values in [0, 1].
    """
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(x: np.ndarray, y: np.ndarray, sigma_x: float, sigma_y: float) -> np.ndarray:
    """Gaussian hill of height 1 at the origin.

    Args:
        x (np.ndarray): Horizontal distance to its centre.
        y (np.ndarray): Vertical distance to its centre; broadcast against ``x``.
        sigma_x (float): Horizontal standard deviation.
        sigma_y (float): Vertical standard deviation.

    Returns:
        np.ndarray: The hill.
    """
    return np.exp(-0.5 * ((x / sigma_x) ** 2 + (y / sigma_y) ** 2))


def field(rng: np.random.Generator, height: int, width: int, cells: int) -> np.ndarray:
    """Smooth 2-D noise of unit variance grid values, interpolated bicubically.

    Args:
        rng (np.random.Generator): Source of randomness.
        height (int): Rows of the result.
        width (int): Columns of the result.
        cells (int): Random values along each side: few give large blotches, many give grain.

    Returns:
        np.ndarray: (height, width) float32, mean about 0.
    """
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)


def drift(rng: np.random.Generator, frames: int, period: float) -> np.ndarray:
    """Smooth 1-D noise in time.

    Args:
        rng (np.random.Generator): Source of randomness.
        frames (int): Length T of the result.
        period (float): Frames between two independent values.

    Returns:
        np.ndarray: (T,) float32, mean about 0, standard deviation below 1.
    """
    knots = rng.standard_normal(int(np.ceil(frames / period)) + 4)
    # Catmull-Rom spline: passes through the knots with a continuous speed, as a head moves.
    position = np.arange(frames) / period + rng.uniform()
    k = position.astype(int)
    t = position - k
    a, b, c, d = (knots[k + i] for i in range(4))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return curve.astype(np.float32)
