"""Who is paired with whom, and in which split."""

from __future__ import annotations

from typing import Dict, List

import numpy as np

from .identity import sample_identity
from .seeding import rng_for

Splits = Dict[str, List[List[str]]]


def pair_up(seed: int, pairs: int) -> Splits:
    """Pair ids and share the pairs out, so that no identity is in two splits.

    A sixth of the pairs validates and a quarter tests: 28, 8 and 12 of the default 48, so that a
    test of one manipulation compares 24 originals with 24 manipulated videos.

    Args:
        seed (int): Seed of the dataset.
        pairs (int): Number of pairs; the ids are 000 to ``2 * pairs - 1``.

    Returns:
        dict[str, list[list[str]]]: 'train', 'val', 'test' to pairs of zero-padded ids, as in the
        split files of FaceForensics++.
    """
    rng = rng_for(seed, 'pairs')
    numbers = [f'{k:03d}' for k in range(2 * pairs)]
    # Similar skin is paired with similar skin, as the makers of FaceForensics++ paired similar
    # faces; a face of another tone would give every swap away at first glance.
    tone = [sample_identity(seed, n).skin.mean() * np.exp(0.05 * rng.normal()) for n in numbers]
    ranked = [numbers[k] for k in np.argsort(tone)]
    couples = [sorted(ranked[k : k + 2]) for k in range(0, 2 * pairs, 2)]
    couples = [couples[k] for k in rng.permutation(pairs)]
    val, test = max(1, pairs // 6), max(1, pairs // 4)
    train = pairs - val - test
    return {
        'train': sorted(couples[:train]),
        'val': sorted(couples[train : train + val]),
        'test': sorted(couples[train + val :]),
    }
