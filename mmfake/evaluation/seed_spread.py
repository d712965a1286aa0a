"""Whether a difference exceeds what another seed would change."""

from __future__ import annotations

import math
from typing import Sequence, Tuple

from scipy.stats import t as student


def pooled_spread(groups: Sequence[Tuple[float, int]]) -> Tuple[float, int]:
    """Pool the spread over seeds of several regimes.

    With three seeds the spread of one regime is hardly known; that of all regimes together is. It
    is taken as the same in each, as R's ``pairwise.t.test`` does.

    Args:
        groups (Sequence[tuple[float, int]]): Standard deviation over seeds and number of seeds of
            each regime; those with one seed are ignored.

    Returns:
        tuple[float, int]: Pooled standard deviation and its degrees of freedom; NaN and 0 if no
        regime has two seeds.
    """
    groups = [(spread, n) for spread, n in groups if n > 1]
    freedom = sum(n - 1 for _, n in groups)
    if not freedom:
        return math.nan, 0
    return math.sqrt(sum((n - 1) * spread**2 for spread, n in groups) / freedom), freedom


def seed_test(difference: float, n_a: int, n_b: int, spread: float, freedom: int) -> float:
    """Student's t-test of the difference between two means over seeds.

    Args:
        difference (float): The difference.
        n_a (int): Seeds behind the one mean.
        n_b (int): Seeds behind the other.
        spread (float): Standard deviation over seeds, see :func:`pooled_spread`.
        freedom (int): Its degrees of freedom.

    Returns:
        float: Two-sided p-value; NaN where a side has one seed, or nothing varies: copies of one
        run, or networks that are all perfect, say nothing of how a seed matters.
    """
    if min(n_a, n_b) < 2 or not spread > 0:
        return math.nan
    return float(2 * student.sf(abs(difference) / (spread * math.sqrt(1 / n_a + 1 / n_b)), freedom))


def joint_test(
    difference: float, error: float, n_a: int, n_b: int, spread: float, freedom: int
) -> float:
    """Test the difference between two means over other videos and other seeds at once.

    The variances over videos and over seeds add up, and Student's t has the degrees of freedom of
    Welch and Satterthwaite, that over videos taken as known. Two separate tests would not do: a
    difference that passes each may still be one that other videos and other seeds explain together.
    The spread over seeds on the same videos holds a part of that over videos, which then counts
    twice: the test finds rather too little.

    Args:
        difference (float): The difference.
        error (float): Its standard error over videos, these networks given.
        n_a (int): Seeds behind the one mean.
        n_b (int): Seeds behind the other.
        spread (float): Standard deviation over seeds, see :func:`pooled_spread`.
        freedom (int): Its degrees of freedom.

    Returns:
        float: Two-sided p-value; NaN where :func:`seed_test` has none or ``error`` is NaN.
    """
    if min(n_a, n_b) < 2 or not spread > 0 or math.isnan(error):
        return math.nan
    over_seeds = spread**2 * (1 / n_a + 1 / n_b)
    variance = error**2 + over_seeds
    return float(
        2
        * student.sf(abs(difference) / math.sqrt(variance), freedom * (variance / over_seeds) ** 2)
    )
