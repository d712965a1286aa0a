"""Binary metrics (AUC, EER, AP, accuracy, TPR at fixed FPR), threshold, bootstrap intervals."""

from __future__ import annotations

import math
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd

from .scores import id_parts

FALSE_ALARMS = {'tpr_fpr1': 0.01, 'tpr_fpr5': 0.05}
"""dict[str, float]: Metric -> the share of originals that may be called manipulated for it."""

_ROUNDING = 1e-9  # a share of originals is a ratio of whole numbers
_AT_ONCE = 1 << 20  # videos of all replicates: larger arrays do not fit into the cache


# --- metrics --------------------------------------------------------------------------------------


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
        ``threshold``) where one is given, ``tpr_fpr1`` and ``tpr_fpr5`` (share of the manipulated
        videos found where at most 1 or 5 % of the originals are called manipulated: none of fewer
        than 100, or 20); all between 0 and 1.
    """
    names = ['auc', 'ap', 'eer', 'acc', 'bacc'] + ([] if threshold is None else ['acc_val'])
    names += FALSE_ALARMS
    metrics = dict.fromkeys(names, math.nan)
    if not len(labels):
        return metrics
    from sklearn.metrics import (  # not before: half a second, which detection does without
        accuracy_score,
        average_precision_score,
        balanced_accuracy_score,
        roc_auc_score,
        roc_curve,
    )

    called = scores >= 0.5
    metrics['acc'] = float(accuracy_score(labels, called))
    if threshold is not None:
        metrics['acc_val'] = float(accuracy_score(labels, scores >= threshold))
    if len(np.unique(labels)) == 2:
        metrics['auc'] = float(roc_auc_score(labels, scores))
        metrics['ap'] = float(average_precision_score(labels, scores))
        metrics['eer'] = equal_error_rate(labels, scores)
        metrics['bacc'] = float(balanced_accuracy_score(labels, called))
        fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
        for name, most in FALSE_ALARMS.items():
            metrics[name] = float(tpr[fpr <= most + _ROUNDING].max())
    return metrics


def equal_error_rate(labels: np.ndarray, scores: np.ndarray) -> float:
    """Error rate (EER) where as large a share of originals as of manipulated videos is misjudged.

    It lies on the straight line between the two nearest points of the curve.
    """
    from sklearn.metrics import roc_curve  # not before, as above

    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    # fpr - fnr climbs from -1 to 1 along the curve
    return float(np.interp(0, fpr + tpr - 1, fpr))


def best_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """Choose the threshold with the highest balanced accuracy.

    A video counts as manipulated when its score is at least the threshold. The candidates are the
    midpoints between neighbouring scores, which leave a margin to both sides. Of equally good ones
    the nearest to 0.5 is taken, then the lower. To call every video manipulated, by a threshold
    below all scores, or none, by one above them, has a balanced accuracy of 0.5: where no candidate
    does better, as with equal scores or an inverted detector, the answer is 0.5.

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
    candidates = np.r_[0.0, middle]  # 0 calls everything manipulated
    right_original = np.searchsorted(original, candidates)
    right_manipulated = len(manipulated) - np.searchsorted(manipulated, candidates)
    # balanced accuracy times 2 * |O| * |M|: whole numbers, so that ties are exact
    merit = right_original * len(manipulated) + right_manipulated * len(original)
    if merit.max() == len(original) * len(manipulated):  # that of a coin
        return 0.5
    return float(candidates[np.lexsort((candidates, abs(candidates - 0.5), -merit))[0]])


# --- bootstrap intervals --------------------------------------------------------------------------


def bootstrap_intervals(
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: Optional[float] = None,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Dict[str, Tuple[float, float]]:
    """Percentile bootstrap intervals of :func:`binary_metrics`.

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
        dict[str, tuple[float, float]]: Lower and upper end for each metric; NaN if undefined, and
        if a class has a single video, which every replicate would repeat.
    """
    if not len(labels) or has_single(labels):
        return dict.fromkeys(binary_metrics(labels, scores, threshold), (math.nan, math.nan))
    counts = draw_counts(labels, n_bootstrap, np.random.default_rng(seed))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    replicates = replicate_metrics(labels, scores, counts, threshold)
    ends = {name: np.quantile(values, tails) for name, values in replicates.items()}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}


def has_single(labels: np.ndarray) -> bool:
    """Whether a class has one video: resampling it tells nothing of how others would be judged."""
    return 1 in np.bincount(np.asarray(labels, dtype=int), minlength=2)


def draw_counts(labels: np.ndarray, n_bootstrap: int, rng: np.random.Generator) -> np.ndarray:
    """Draw videos with replacement, each class by itself: how often each is drawn, (B, N)."""
    counts = np.zeros((n_bootstrap, len(labels)))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        for row in counts:
            drawn = members[rng.integers(len(members), size=len(members))]
            row += np.bincount(drawn, minlength=len(row))
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
    labels, scores = labels[order], scores[order]
    return in_parts(lambda part: _metrics_of(labels, scores, part[:, order], threshold), counts)


def in_parts(
    metrics: Callable[[np.ndarray], Dict[str, np.ndarray]], counts: np.ndarray
) -> Dict[str, np.ndarray]:
    """Compute ``metrics`` of some replicates (of the rows of ``counts``, (B, N)) at a time."""
    rows = max(1, _AT_ONCE // max(1, counts.shape[1]))
    parts = [metrics(counts[first : first + rows]) for first in range(0, max(1, len(counts)), rows)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _metrics_of(
    labels: np.ndarray, scores: np.ndarray, counts: np.ndarray, threshold: Optional[float]
) -> Dict[str, np.ndarray]:
    """Metrics of some replicates, of videos from the highest score down."""
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
        for name, most in FALSE_ALARMS.items():
            found = np.where(fpr <= most + _ROUNDING, tpr, 0).max(axis=1)
            metrics[name] = np.where(np.isnan(tpr[:, 0] + fpr[:, 0]), np.nan, found)
    if threshold is not None:
        right = (scores >= threshold) == (labels == 1)
        metrics['acc_val'] = counts @ right / counts.sum(axis=1)
    return metrics


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


# --- joint bootstrap of several runs --------------------------------------------------------------


def joint_counts(
    frames: Sequence[pd.DataFrame], n_bootstrap: int = 1000, seed: int = 0
) -> List[np.ndarray]:
    """Draw videos with replacement, alike in every run.

    Runs are judged on the same originals and, across hold-outs, on fakes of the same people: where
    one run has a video twice, all have. So the replicates may be averaged over seeds and hold-outs
    without taking the runs for independent. Originals and manipulated videos are drawn separately,
    and those of each dataset: a mean over several is of as many videos of each in every replicate.
    Fakes that differ by nothing but their method (same file name) go together across runs, unless
    a run itself has several methods.

    Args:
        frames (Sequence[pandas.DataFrame]): Scored videos of each run, sorted by video, with the
            columns ``video``, ``method`` and ``label``.
        n_bootstrap (int): Number of replicates B. Defaults to 1000.
        seed (int): Seed of the draws. Defaults to 0.

    Returns:
        list[np.ndarray]: For each run how often each replicate holds each of its videos, (B, N). Of
        a single run, or of runs on the same videos, of one dataset they are those of
        :func:`bootstrap_intervals`.
    """
    units = [_units(frame) for frame in frames]
    # every unit once, sorted, with its label
    all_units = pd.concat(
        [
            pd.DataFrame(dict(unit=unit, label=frame['label'], dataset=_datasets(frame)))
            for unit, frame in zip(units, frames)
        ]
    )
    all_units = all_units.drop_duplicates(['unit', 'label'])
    all_units = all_units.sort_values(['unit', 'label'], ignore_index=True)
    strata = all_units.groupby(['dataset', 'label']).ngroup().to_numpy()
    counts = draw_counts(strata, n_bootstrap, np.random.default_rng(seed))
    index = pd.MultiIndex.from_frame(all_units[['unit', 'label']])
    return [
        counts[:, index.get_indexer(pd.MultiIndex.from_arrays([unit, frame['label']]))]
        for unit, frame in zip(units, frames)
    ]


def _datasets(frame: pd.DataFrame) -> List[str]:
    """The dataset of each video of ours, ``DATASET/METHOD/COMPRESSION/STEM``; else ``''``."""
    ids = map(id_parts, frame['video'], frame['method'])
    return [parts[0] if parts else '' for parts in ids]


def _units(frame: pd.DataFrame) -> List[str]:
    """What is drawn: a video, or all fakes of one file name."""
    if frame.loc[frame['label'] == 1, 'method'].nunique() != 1:
        return list(frame['video'])
    return [
        '/'.join('*' if part == method else part for part in video.split('/'))
        for video, method in zip(frame['video'], frame['method'])
    ]
