"""Metrics of one set of scored videos."""

from __future__ import annotations

import math
from typing import Dict, Optional

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    roc_auc_score,
    roc_curve,
)


def binary_metrics(
    labels: np.ndarray, scores: np.ndarray, threshold: Optional[float] = None
) -> Dict[str, float]:
    """Compute the metrics of a detector; manipulated is the positive class.

    A video counts as manipulated when its score is at least the threshold. What the videos at
    hand do not define is NaN: everything without videos, all but the accuracies with one class.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        scores (np.ndarray): Probability of being manipulated, shape (N,).
        threshold (float, optional): Threshold chosen on validation. Defaults to None.

    Returns:
        dict[str, float]: ``auc``, ``ap`` (average precision), ``eer`` (equal error rate), ``acc``
        and ``bacc`` (accuracy and balanced accuracy at 0.5), and ``acc_val`` (accuracy at
        ``threshold``) where one is given; all between 0 and 1.
    """
    names = ['auc', 'ap', 'eer', 'acc', 'bacc'] + ([] if threshold is None else ['acc_val'])
    metrics = dict.fromkeys(names, math.nan)
    if not len(labels):
        return metrics
    called = scores >= 0.5
    metrics['acc'] = float(accuracy_score(labels, called))
    if threshold is not None:
        metrics['acc_val'] = float(accuracy_score(labels, scores >= threshold))
    if len(np.unique(labels)) == 2:
        metrics['auc'] = float(roc_auc_score(labels, scores))
        metrics['ap'] = float(average_precision_score(labels, scores))
        metrics['eer'] = equal_error_rate(labels, scores)
        metrics['bacc'] = float(balanced_accuracy_score(labels, called))
    return metrics


def equal_error_rate(labels: np.ndarray, scores: np.ndarray) -> float:
    """Error rate where as large a share of originals as of manipulated videos is misjudged.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, both present, shape (N,).
        scores (np.ndarray): Probability of being manipulated, shape (N,).

    Returns:
        float: Between 0 and 1, on the straight line between the two nearest points of the curve.
    """
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    # fpr - fnr climbs from -1 to 1 along the curve
    return float(np.interp(0, fpr + tpr - 1, fpr))
