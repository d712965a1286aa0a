"""Correction for many comparisons."""

from __future__ import annotations

from typing import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p-values for their number by Holm's step-down procedure.

    Calling significant what is adjusted to at most alpha keeps the chance of one or more false
    calls in the family at most alpha, however the tests depend on each other. Holm, "A simple
    sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979).

    Args:
        p_values (Sequence[float]): p-values of one family, shape (K,). NaN is no test: it stays NaN
            and does not count.

    Returns:
        np.ndarray: Adjusted p-values in the same order, at most 1, shape (K,).
    """
    p_values = np.asarray(p_values, dtype=float)
    adjusted = np.full(p_values.shape, np.nan)
    tests = np.flatnonzero(~np.isnan(p_values))
    order = tests[np.argsort(p_values[tests], kind='stable')]
    factors = np.arange(len(order), 0, -1)  # the smallest is one of K, the next one of K - 1 ...
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1)
    return adjusted
