"""The threshold that a validation run hands to the test."""

from __future__ import annotations

import math

import numpy as np


def best_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """Choose the threshold with the highest balanced accuracy.

    A video counts as manipulated when its score is at least the threshold. The candidates are the
    midpoints between neighbouring scores, which leave a margin to both sides, and 0, which calls
    everything manipulated. Of equally good ones the nearest to 0.5 is taken, then the lower.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        scores (np.ndarray): Probability of being manipulated, shape (N,).

    Returns:
        float: The threshold, or NaN unless both classes are present.
    """
    original, manipulated = np.sort(scores[labels == 0]), np.sort(scores[labels == 1])
    if not len(original) or not len(manipulated):
        return math.nan
    distinct = np.unique(scores)
    middle = (distinct[1:] + distinct[:-1]) / 2
    # between two neighbouring floats the midpoint may round down onto the lower one
    middle = np.where(middle > distinct[:-1], middle, distinct[1:])
    candidates = np.r_[0.0, middle]
    right_original = np.searchsorted(original, candidates)
    right_manipulated = len(manipulated) - np.searchsorted(manipulated, candidates)
    # balanced accuracy times 2 * |O| * |M|: whole numbers, so that ties are exact
    merit = right_original * len(manipulated) + right_manipulated * len(original)
    return float(candidates[np.lexsort((candidates, abs(candidates - 0.5), -merit))[0]])
