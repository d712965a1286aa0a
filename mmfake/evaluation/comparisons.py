"""Paired comparisons of runs and regimes: differences, intervals, p-values (Holm), verdicts."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from ..errors import MMFakeError, sample_of
from .scores import RunScores, scored_only
from .significance import (
    delong,
    delong_test,
    holm,
    joint_test,
    mcnemar,
    pooled_spread,
    seed_test,
    sign_flip,
)
from .statistics import draw_counts, has_single

RESOLVED, UNRESOLVED, UNDEFINED = 'resolved', 'not resolved', 'undefined'
NETWORKS = 'these networks differ'

Scores = Union[pd.DataFrame, Sequence[pd.DataFrame]]


@dataclass(frozen=True)
class PairedDifference:
    """How much better A is than B in one metric, on the videos that both have scored.

    Args:
        a (float): Mean of A's networks (seeds).
        b (float): Mean of B's.
        difference (float): ``a - b``.
        low (float): Lower end of the interval of the difference, over videos, these networks given.
        high (float): Upper end.
        p (float): Two-sided p-value over videos, these networks given.
        sd_seeds_a (float): Standard deviation of A's networks on the same videos; NaN for one.
        sd_seeds_b (float): That of B's.
        p_seeds (float): Two-sided p-value over seeds, these videos given, by Student's t-test; NaN
            where a side has one seed or nothing varies.
        p_holm (float): ``p`` corrected for the number of pairs. Defaults to NaN, not done.
        p_seeds_holm (float): ``p_seeds`` corrected likewise. Defaults to NaN.
        error (float): Standard error over videos, these networks given. Defaults to NaN.
        p_joint (float): Two-sided p-value over videos and seeds at once, see
            :func:`~mmfake.evaluation.significance.joint_test`. Defaults to NaN.
        p_joint_holm (float): ``p_joint`` corrected likewise. Defaults to NaN.
    """

    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    sd_seeds_a: float
    sd_seeds_b: float
    p_seeds: float
    p_holm: float = math.nan
    p_seeds_holm: float = math.nan
    error: float = math.nan
    p_joint: float = math.nan
    p_joint_holm: float = math.nan


@dataclass(frozen=True)
class Comparison:
    """Paired comparison of two detectors, or of two regimes with several seeds each.

    Args:
        name_a (str): Name of A.
        name_b (str): Name of B.
        n_seeds_a (int): Networks of A.
        n_seeds_b (int): Networks of B.
        n_original (int): Originals that every network of both has scored: the only ones used.
        n_manipulated (int): Manipulated videos likewise.
        n_left_out (int): Videos that some network has scored, but not all.
        acc (PairedDifference): Accuracy at a threshold; p by McNemar's exact test.
        auc (PairedDifference): Area under the ROC curve; p and interval by DeLong.
        only_a (int, optional): Videos that only A judges rightly; None with several seeds.
        only_b (int, optional): Videos that only B judges rightly.
    """

    name_a: str
    name_b: str
    n_seeds_a: int
    n_seeds_b: int
    n_original: int
    n_manipulated: int
    n_left_out: int
    acc: PairedDifference
    auc: PairedDifference
    only_a: Optional[int] = None
    only_b: Optional[int] = None


# --- two detectors --------------------------------------------------------------------------------


def compare_runs(
    scores_a: Scores,
    scores_b: Scores,
    names: Tuple[str, str] = ('A', 'B'),
    thresholds: Tuple[float, float] = (0.5, 0.5),
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Compare two detectors on the videos that both have scored.

    Accuracy: McNemar's exact test (sign flips with several seeds) and a paired, stratified
    percentile bootstrap interval. AUC: DeLong's test and interval.

    Args:
        scores_a (pandas.DataFrame | Sequence[pandas.DataFrame]): Rows as
            :func:`~mmfake.evaluation.scores.score_videos` makes them, one frame a seed.
        scores_b (pandas.DataFrame | Sequence[pandas.DataFrame]): The same of B.
        names (tuple[str, str]): Their names. Defaults to ``('A', 'B')``.
        thresholds (tuple[float, float]): Threshold of A's and of B's accuracy.
            Defaults to (0.5, 0.5).
        n_bootstrap (int): Replicates behind the interval; 0 leaves it out. Defaults to 1000.
        confidence (float): Level of the intervals. Defaults to 0.95.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        Comparison: What came out; NaN where the common videos do not define it.

    Raises:
        MMFakeError: No video is common, or one has two labels.
    """
    frames_a, frames_b = _as_list(scores_a), _as_list(scores_b)
    labels, scores, n_left_out = _common([*frames_a, *frames_b], names)
    split = len(frames_a)
    right_a = (scores[:split] >= thresholds[0]) == labels  # (S, N)
    right_b = (scores[split:] >= thresholds[1]) == labels  # (R, N)

    gains = right_a.mean(axis=0) - right_b.mean(axis=0)  # (N,)
    low = high = math.nan
    if n_bootstrap and not has_single(labels):
        counts = draw_counts(labels, n_bootstrap, np.random.default_rng(seed))
        tails = [(1 - confidence) / 2, (1 + confidence) / 2]
        low, high = np.quantile(counts @ gains / len(labels), tails)
    acc = _difference(
        right_a.mean(axis=1),
        right_b.mean(axis=1),
        (low, high, sign_flip(right_a, right_b)),
        _error_of_mean(gains, labels),
    )

    two_classes = len(np.unique(labels)) == 2
    aucs = np.array([roc_auc_score(labels, row) if two_classes else math.nan for row in scores])
    weights = np.r_[np.full(split, 1 / split), np.full(len(frames_b), -1 / len(frames_b))]
    _, *rest = delong_test(labels, scores, weights, confidence)
    auc_error = math.nan
    if two_classes:
        auc_error = math.sqrt(max(weights @ delong(labels, scores)[1] @ weights, 0.0))
    single = (None, None)
    if len(scores) == 2:
        single = mcnemar(right_a[0], right_b[0])[:2]
    return Comparison(
        *names,
        split,
        len(frames_b),
        int((labels == 0).sum()),
        int((labels == 1).sum()),
        n_left_out,
        acc,
        _difference(aucs[:split], aucs[split:], rest, auc_error),
        *single,
    )


def _as_list(scores: Scores) -> List[pd.DataFrame]:
    return [scores] if isinstance(scores, pd.DataFrame) else list(scores)


def _common(
    frames: Sequence[pd.DataFrame], names: Tuple[str, str]
) -> Tuple[np.ndarray, np.ndarray, int]:
    """Labels (N,) and scores (networks, N) of the videos all have scored; how many are left out."""
    frames = [scored_only(frame).set_index('video') for frame in frames]
    labels: Dict[str, int] = {}
    torn = set()
    for frame in frames:
        for video, label in frame['label'].items():
            if labels.setdefault(video, label) != label:
                torn.add(video)
    if torn:
        raise MMFakeError(
            f'{names[0]} and {names[1]} disagree on the label of {len(torn)} videos '
            f'({sample_of(sorted(torn))}); 0 is original, 1 manipulated, in every file'
        )
    videos = sorted(set.intersection(*(set(frame.index) for frame in frames)))
    if not videos:
        raise MMFakeError(
            f'{names[0]} and {names[1]} have no scored video in common; compare scores of the same '
            'videos under the same names'
        )
    scores = np.array([frame.loc[videos, 'score'].to_numpy() for frame in frames])
    return np.array([labels[video] for video in videos]), scores, len(labels) - len(videos)


def _error_of_mean(gains: np.ndarray, labels: np.ndarray) -> float:
    """Standard error of the mean of all videos, with as many of each class again."""
    classes = [gains[labels == label] for label in np.unique(labels)]
    if min(map(len, classes)) < 2:
        return math.nan
    return math.sqrt(sum(len(one) * np.var(one, ddof=1) for one in classes)) / len(gains)


def _difference(
    values_a: np.ndarray, values_b: np.ndarray, over_videos: Sequence[float], error: float
) -> PairedDifference:
    """Put together what was found; ``over_videos`` is the interval and its p-value."""
    spread_a, spread_b = (
        float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        for values in (values_a, values_b)
    )
    a, b = float(values_a.mean()), float(values_b.mean())
    counts = len(values_a), len(values_b)
    spread = pooled_spread([(spread_a, counts[0]), (spread_b, counts[1])])
    low, high, p = map(float, over_videos)
    return PairedDifference(
        *(a, b, a - b, low, high, p, spread_a, spread_b),
        p_seeds=seed_test(a - b, *counts, *spread),
        error=error,
        p_joint=joint_test(a - b, error, *counts, *spread),
    )


# --- every two regimes ----------------------------------------------------------------------------

# p-value -> its correction for the number of pairs
_P_VALUES = dict(p='p_holm', p_seeds='p_seeds_holm', p_joint='p_joint_holm')


def compare_regimes(
    runs: Sequence[RunScores],
    thresholds: Optional[Dict[str, float]] = None,
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> Dict[str, List[Comparison]]:
    """Compare every two regimes on each hold-out, corrected for the number of pairs.

    The pairs of one hold-out and one metric are a family for Holm's correction: over videos, over
    seeds, and over both at once, with the spread over seeds pooled over the regimes.

    Args:
        runs (Sequence[RunScores]): The runs; several of one cell are its seeds.
        thresholds (dict[str, float], optional): Threshold of the accuracy of each regime.
            Defaults to None, 0.5 for all.
        n_bootstrap (int): Replicates behind the intervals of the accuracy. Defaults to 1000.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        dict[str, list[Comparison]]: Hold-out -> its pairs, in the order of the runs; empty where
        there is one regime only.

    Raises:
        MMFakeError: Two regimes have no scored video of a hold-out in common, or contradict each
            other on a label.
    """
    result = {}
    for holdout in dict.fromkeys(run.holdout for run in runs):
        cells: Dict[str, List[RunScores]] = {}
        for run in runs:
            if run.holdout == holdout:
                cells.setdefault(run.regime, []).append(run)
        comparisons = []
        for pair in combinations(cells, 2):
            frames = [[run.frame for run in cells[name]] for name in pair]
            levels = tuple((thresholds or {}).get(name, 0.5) for name in pair)
            comparisons.append(
                compare_runs(*frames, pair, levels, n_bootstrap=n_bootstrap, seed=seed)
            )
        result[holdout] = _correct(comparisons)
    return result


def _correct(comparisons: List[Comparison]) -> List[Comparison]:
    """Pool the spread over seeds of a hold-out, then correct for the number of pairs."""
    for metric in ('acc', 'auc'):
        groups = {}
        for one in comparisons:
            found = getattr(one, metric)
            groups[one.name_a] = found.sd_seeds_a, one.n_seeds_a
            groups[one.name_b] = found.sd_seeds_b, one.n_seeds_b
        spread = pooled_spread(list(groups.values()))
        pairs = [_over_seeds(getattr(one, metric), one, spread) for one in comparisons]
        corrected = zip(*(holm([getattr(pair, p) for pair in pairs]) for p in _P_VALUES))
        comparisons = [
            replace(one, **{metric: replace(pair, **dict(zip(_P_VALUES.values(), map(float, ps))))})
            for one, pair, ps in zip(comparisons, pairs, corrected)
        ]
    return comparisons


def _over_seeds(
    pair: PairedDifference, one: Comparison, spread: Tuple[float, int]
) -> PairedDifference:
    """Test a pair with the pooled spread."""
    counts = one.n_seeds_a, one.n_seeds_b
    return replace(
        pair,
        p_seeds=seed_test(pair.difference, *counts, *spread),
        p_joint=joint_test(pair.difference, pair.error, *counts, *spread),
    )


# --- what came out --------------------------------------------------------------------------------


def verdict(comparison: Comparison, metric: str, alpha: float = 0.05) -> str:
    """Judge the difference of one metric, ``'auc'`` or ``'acc'``, by its corrected p-values.

    ``'resolved'`` is one over videos and seeds at once; ``'these networks differ'`` over videos
    alone, or with one seed only; else ``'not resolved'``, or ``'undefined'``.
    """
    found: PairedDifference = getattr(comparison, metric)
    if math.isnan(found.p_holm):
        return UNDEFINED
    if found.p_holm > alpha:
        return UNRESOLVED
    return RESOLVED if found.p_joint_holm <= alpha else NETWORKS  # a NaN is no proof
