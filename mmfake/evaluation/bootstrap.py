"""Confidence intervals by resampling videos."""

from __future__ import annotations

import math
from typing import Dict, Optional, Tuple

import numpy as np

from .binary_metrics import binary_metrics


def bootstrap_intervals(
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: Optional[float] = None,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Dict[str, Tuple[float, float]]:
    """Percentile bootstrap intervals of :func:`~.binary_metrics.binary_metrics`.

    Stratified: originals and manipulated videos are drawn separately with replacement, so each
    replicate has the class counts of the test set. Videos are taken as independent.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        scores (np.ndarray): Probability of being manipulated, shape (N,).
        threshold (float, optional): Threshold of ``acc_val``. Defaults to None.
        n_bootstrap (int): Number of replicates B. Defaults to 1000.
        confidence (float): Share of the replicates inside the interval. Defaults to 0.95.
        seed (int): Seed of the draws. Defaults to 0.

    Returns:
        dict[str, tuple[float, float]]: Lower and upper end for each metric; NaN if undefined.
    """
    if not len(labels):
        return dict.fromkeys(binary_metrics(labels, scores, threshold), (math.nan, math.nan))
    counts = draw_counts(labels, n_bootstrap, np.random.default_rng(seed))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    replicates = replicate_metrics(labels, scores, counts, threshold)
    ends = {name: np.quantile(values, tails) for name, values in replicates.items()}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}


def draw_counts(labels: np.ndarray, n_bootstrap: int, rng: np.random.Generator) -> np.ndarray:
    """Draw videos with replacement, each class by itself.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        n_bootstrap (int): Number of replicates B.
        rng (np.random.Generator): Where the draws come from.

    Returns:
        np.ndarray: How often each replicate holds each video, shape (B, N).
    """
    counts = np.zeros((n_bootstrap, len(labels)))
    for label in (0, 1):
        members = np.flatnonzero(labels == label)
        if len(members):
            counts[:, members] = _draw(len(members), n_bootstrap, rng)
    return counts


def replicate_metrics(
    labels: np.ndarray, scores: np.ndarray, counts: np.ndarray, threshold: Optional[float] = None
) -> Dict[str, np.ndarray]:
    """Compute the metrics of all replicates at once.

    scikit-learn needs about 3 ms per replicate for these, this 0.1 ms. Repeating a video and
    weighting it are the same, so one sort serves all replicates.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        scores (np.ndarray): Probability of being manipulated, shape (N,).
        counts (np.ndarray): How often each replicate holds each video, shape (B, N).
        threshold (float, optional): Threshold of ``acc_val``. Defaults to None.

    Returns:
        dict[str, np.ndarray]: Name of the metric -> its values, shape (B,).
    """
    order = np.argsort(-scores, kind='stable')
    labels, scores, counts = labels[order], scores[order], counts[:, order]
    # a threshold cannot part equal scores: each run of them is one step of the curve
    starts = np.flatnonzero(np.r_[True, scores[1:] != scores[:-1]])  # (U,)
    tp = _climb(counts * (labels == 1), starts)  # (B, U + 1)
    fp = _climb(counts * (labels == 0), starts)
    right_at_half = (scores >= 0.5) == (labels == 1)
    n_manipulated, n_original = tp[:, -1:], fp[:, -1:]  # (B, 1)
    with np.errstate(invalid='ignore'):  # 0 / 0 is the NaN of an undefined metric
        tpr, fpr = tp / n_manipulated, fp / n_original
        recall = [
            (counts * (right_at_half & (labels == label))).sum(axis=1) / total[:, 0]
            for label, total in ((1, n_manipulated), (0, n_original))
        ]
        metrics = {
            'auc': (np.diff(fpr) * (tpr[:, 1:] + tpr[:, :-1]) / 2).sum(axis=1),
            'ap': _average_precision(tp, fp),
            'eer': _equal_error_rate(tpr, fpr),
            'acc': counts @ right_at_half / counts.sum(axis=1),
            'bacc': (recall[0] + recall[1]) / 2,
        }
    if threshold is not None:
        right = (scores >= threshold) == (labels == 1)
        metrics['acc_val'] = counts @ right / counts.sum(axis=1)
    return metrics


def _draw(n: int, n_bootstrap: int, rng: np.random.Generator) -> np.ndarray:
    """Counts of n draws with replacement from n videos, (B, n)."""
    drawn = rng.integers(n, size=(n_bootstrap, n))
    flat = drawn + n * np.arange(n_bootstrap)[:, None]
    return np.bincount(flat.ravel(), minlength=n_bootstrap * n).reshape(n_bootstrap, n)


def _climb(counts: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Videos called manipulated after each step of the threshold, from none to all, (B, U + 1)."""
    steps = np.add.reduceat(counts, starts, axis=1).cumsum(axis=1)
    return np.pad(steps, ((0, 0), (1, 0)))


def _average_precision(tp: np.ndarray, fp: np.ndarray) -> np.ndarray:
    called = tp[:, 1:] + fp[:, 1:]
    # before the first drawn video nothing is called and no recall is gained: any value serves
    precision = tp[:, 1:] / np.maximum(called, 1)
    average = (np.diff(tp) / tp[:, -1:] * precision).sum(axis=1)
    return np.where(fp[:, -1] > 0, average, np.nan)


def _equal_error_rate(tpr: np.ndarray, fpr: np.ndarray) -> np.ndarray:
    excess = fpr + tpr - 1  # (B, U + 1): false positive minus false negative rate, from -1 to 1
    after = np.maximum((excess >= 0).argmax(axis=1), 1)[:, None]
    x0, x1 = (np.take_along_axis(excess, at, axis=1)[:, 0] for at in (after - 1, after))
    y0, y1 = (np.take_along_axis(fpr, at, axis=1)[:, 0] for at in (after - 1, after))
    return y0 - x0 * (y1 - y0) / (x1 - x0)
