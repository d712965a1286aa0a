"""Seeded smooth noise: fields, drifts, bumps."""

from __future__ import annotations

import zlib

import cv2
import numpy as np


def rng_for(seed: int, *keys: object) -> np.random.Generator:
    """A generator of its own for one thing to draw, the same whatever was drawn before."""
    # crc32, not hash(): Python salts the hash of strings anew in every process.
    words = [zlib.crc32(str(key).encode()) for key in keys]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """Hermite ramp from 0 at ``low`` to 1 at ``high`` (``low > high`` gives a falling ramp)."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def bump(x: np.ndarray, y: np.ndarray, sigma_x: float, sigma_y: float) -> np.ndarray:
    """Gaussian hill of height 1 at the origin."""
    return np.exp(-0.5 * ((x / sigma_x) ** 2 + (y / sigma_y) ** 2))


def field(rng: np.random.Generator, height: int, width: int, cells: int) -> np.ndarray:
    """Smooth 2-D noise: unit variance on a grid of cells x cells, enlarged bicubically."""
    grid = rng.standard_normal((cells, cells), dtype=np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)


def drift(rng: np.random.Generator, frames: int, period: float) -> np.ndarray:
    """Smooth 1-D noise in time with independent values a period apart: (T,) float32, mean 0."""
    knots = rng.standard_normal(int(np.ceil(frames / period)) + 4)
    # Catmull-Rom spline: passes through the knots with a continuous speed, as a head moves.
    position = np.arange(frames) / period + rng.uniform()
    k = position.astype(int)
    t = position - k
    a, b, c, d = (knots[k + i] for i in range(4))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return curve.astype(np.float32)
