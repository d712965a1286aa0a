"""Random generators that depend on names, never on the order of work."""

from __future__ import annotations

import zlib

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
