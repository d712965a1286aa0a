"""Paired comparison of accuracies."""

from __future__ import annotations

from typing import Tuple

import numpy as np
from scipy.stats import binomtest


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> Tuple[int, int, float]:
    """McNemar's exact test of two detectors on the same videos.

    Under the null hypothesis a video that only one of them judges rightly is as likely to be A's as
    B's. Videos are taken as independent.

    Args:
        right_a (np.ndarray): Whether A judges a video rightly, bool, shape (N,).
        right_b (np.ndarray): The same of B.

    Returns:
        tuple[int, int, float]: Videos that only A judges rightly, those that only B does, and the
        two-sided p-value, 1 if there are none.
    """
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    p = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return only_a, only_b, float(p)


def sign_flip(right_a: np.ndarray, right_b: np.ndarray) -> float:
    """Extend McNemar's exact test to several trained networks (seeds) a side.

    The statistic is the difference between the mean accuracies. Under the null hypothesis the two
    sides may be exchanged in any video; the test counts all 2 ** N exchanges exactly. With one
    network a side its p-value is McNemar's. It says something of these networks on other videos;
    how much another seed would change is not in it.

    Args:
        right_a (np.ndarray): Whether each network of A judges a video rightly, bool, shape (S, N).
        right_b (np.ndarray): The same of B, shape (R, N).

    Returns:
        float: Two-sided p-value.
    """
    # whole numbers, so that ties are exact: S * R times the difference of the means, (N,)
    gains = len(right_b) * right_a.sum(axis=0) - len(right_a) * right_b.sum(axis=0)
    sizes = np.abs(gains)
    total = int(sizes.sum())
    chances = np.zeros(2 * total + 1)  # of each sum from -total to total
    chances[total] = 1
    for size in sizes[sizes > 0]:  # no sum reaches the edge before the last, so nothing wraps
        chances = (np.roll(chances, size) + np.roll(chances, -size)) / 2
    sums = np.arange(-total, total + 1)
    return float(min(chances[np.abs(sums) >= abs(gains.sum())].sum(), 1))
