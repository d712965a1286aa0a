"""Paired comparison of areas under ROC curves."""

from __future__ import annotations

import math
from typing import Sequence, Tuple

import numpy as np
from scipy.stats import norm, rankdata

# AUCs of up to 10,000 videos are further apart than this unless they are equal
_ROUNDING = 1e-12


def delong(labels: np.ndarray, scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """AUCs of several detectors on the same videos, and their covariance.

    DeLong et al., "Comparing the areas under two or more correlated receiver operating
    characteristic curves", Biometrics 44 (1988), by the ranks of Sun and Xu, IEEE SPL 21 (2014).
    Videos are taken as independent.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, both present, shape (N,).
        scores (np.ndarray): One row of scores a detector, shape (K, N).

    Returns:
        tuple[np.ndarray, np.ndarray]: AUCs, shape (K,), and covariance, shape (K, K); the latter is
        NaN unless there are two videos of each class.
    """
    manipulated, original = _components(labels, scores)
    count = [manipulated.shape[1], original.shape[1]]
    if min(count) < 2:
        covariance = np.full((len(scores), len(scores)), np.nan)
    else:
        covariance = np.atleast_2d(np.cov(manipulated)) / count[0]
        covariance += np.atleast_2d(np.cov(original)) / count[1]
    return manipulated.mean(axis=1), covariance


def delong_test(
    labels: np.ndarray, scores: np.ndarray, weights: Sequence[float], confidence: float = 0.95
) -> Tuple[float, float, float, float]:
    """Test whether a weighted sum of AUCs is zero, such as the difference of two.

    Several seeds a side: weights ``1/S`` for the one and ``-1/R`` for the other compare their mean
    AUCs on the same videos. How much another seed would change is not in it. The test is
    asymptotic and finds too little where few pairs are misjudged: at two AUCs of 0.92 it rejected a
    true null at 5 % in 0.8, 3.7 and 3.9 % of simulated tests with 10, 24 and 140 videos a class.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        scores (np.ndarray): One row of scores a detector, shape (K, N).
        weights (Sequence[float]): Weight of each AUC, adding up to 0, shape (K,).
        confidence (float): Level of the interval. Defaults to 0.95.

    Returns:
        tuple[float, float, float, float]: The sum, both ends of its interval and the two-sided
        p-value; all NaN with one class, all but the sum with one video of a class. Where the
        videos leave no variance, as with two perfect detectors, the interval is a point; if then
        the sum is not zero, every video speaks for the same side, and p is that of a sign test.
    """
    if len(np.unique(labels)) < 2:
        return (math.nan,) * 4
    aucs, covariance = delong(labels, scores)
    weights = np.asarray(weights, dtype=float)
    total, variance = float(weights @ aucs), float(weights @ covariance @ weights)
    if math.isnan(variance):
        return total, math.nan, math.nan, math.nan
    error = math.sqrt(variance) if variance > _ROUNDING**2 else 0.0
    reach = norm.ppf((1 + confidence) / 2) * error
    if abs(total) < _ROUNDING:
        p = 1.0
    else:
        p = float(2 * norm.sf(abs(total) / error)) if error else 2.0 ** (1 - len(labels))
    return total, total - reach, total + reach, p


def _components(labels: np.ndarray, scores: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Share of originals below each manipulated video, (K, M), and the reverse, (K, L)."""
    scores = np.atleast_2d(scores)
    is_manipulated = np.asarray(labels) == 1
    n_manipulated, n_original = is_manipulated.sum(), (~is_manipulated).sum()
    ranks = rankdata(scores, axis=1)  # ties share their mean rank
    among = rankdata(scores[:, is_manipulated], axis=1)
    manipulated = (ranks[:, is_manipulated] - among) / n_original
    among = rankdata(scores[:, ~is_manipulated], axis=1)
    original = 1 - (ranks[:, ~is_manipulated] - among) / n_manipulated
    return manipulated, original
