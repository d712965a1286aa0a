"""Calibration of scores: temperature, ECE, Brier score, reliability, accuracy by coverage."""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import betaincinv, expit, logit

from .scores import RunScores
from .statistics import draw_counts, has_single, in_parts
from .tables import interval_text, markdown_table

N_BINS = 10
"""int: Bins of equal width between 0 and 1 behind ECE and reliability."""

COVERAGES = (50, 60, 70, 80, 90, 95)
"""tuple[int]: Per cent of the videos, for which validation notes the least confidence."""

_LEAST = 1e-6  # for the fit: one video that is wholly wrong must not decide it alone
_ENDS = (np.finfo(float).tiny, 1 - 2.0**-53)  # nearest to 0 and 1, which have no logit
_TEMPERATURES = (0.02, 50.0)  # where the best one is looked for


def temper(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Divide the logits of scores by a temperature; the order of the videos stays.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        scores (np.ndarray): From 0 to 1, shape (N,).
        temperature (float): Above 0; 1 leaves the scores as they are.

    Returns:
        np.ndarray: Probabilities, shape (N,).
    """
    return expit(logit(np.clip(scores, *_ENDS)) / temperature)


def class_weights(labels: np.ndarray, counts: Optional[np.ndarray] = None) -> np.ndarray:
    """Weights of videos with which each class counts half, summing to 1.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        counts (np.ndarray, optional): How often each replicate holds each video, (B, N). Defaults
            to None, each once.

    Returns:
        np.ndarray: Shape (N,), or (B, N); NaN where a class is absent.
    """
    counts = np.ones(len(labels)) if counts is None else counts
    original, manipulated = (2 * (counts @ (labels == label))[..., None] for label in (0, 1))
    if not (original.all() and manipulated.all()):
        return np.full(counts.shape, math.nan)
    return counts / np.where(labels == 1, manipulated, original)


def fit_temperature(labels: np.ndarray, scores: np.ndarray) -> float:
    """Find the temperature of the least negative log likelihood, each class counting half.

    The targets are Platt's (1999), ``(n + 1) / (n + 2)`` and ``1 / (n + 2)`` for n videos of a
    class in place of 1 and 0: videos that are told apart without an error would otherwise ask for
    endless confidence.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        scores (np.ndarray): From 0 to 1, shape (N,).

    Returns:
        float: The temperature, or NaN unless both classes are present.
    """
    if len(np.unique(labels)) < 2:
        return math.nan
    weights, logits = class_weights(labels), logit(np.clip(scores, _LEAST, 1 - _LEAST))
    n = np.bincount(labels, minlength=2)
    targets = np.where(labels == 1, (n[1] + 1) / (n[1] + 2), 1 / (n[0] + 2))

    def loss(log_temperature: float) -> float:
        z = logits * math.exp(-log_temperature)
        return float(weights @ (np.logaddexp(0, z) - targets * z))

    bounds = tuple(math.log(end) for end in _TEMPERATURES)
    found = minimize_scalar(loss, bounds=bounds, method='bounded', options=dict(xatol=1e-6))
    return float(math.exp(found.x))


def calibration_errors(
    labels: np.ndarray, probabilities: np.ndarray, counts: Optional[np.ndarray] = None
) -> Dict[str, np.ndarray]:
    """Expected calibration error and Brier score, each class counting half.

    ECE is the weighted mean over :data:`N_BINS` bins of equal width of the distance between the
    mean probability and the share of manipulated videos. On as many originals as manipulated videos
    both are the usual ones; on others they are what they would be if there were as many.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        probabilities (np.ndarray): Shape (N,).
        counts (np.ndarray, optional): How often each replicate holds each video, (B, N). Defaults
            to None, each once.

    Returns:
        dict[str, np.ndarray]: ``ece`` and ``brier``, shape () or (B,); NaN with one class.
    """
    weights = class_weights(labels, counts)
    member = _bins(probabilities)[:, None] == np.arange(N_BINS)  # (N, bins)
    # the distance of a bin times its weight
    distance = np.abs((weights * (probabilities - labels)) @ member)
    brier = (weights * (probabilities - labels) ** 2).sum(axis=-1)
    return dict(ece=distance.sum(axis=-1), brier=brier)


def _bins(probabilities: np.ndarray) -> np.ndarray:
    """Number of the bin of each probability; 1 is in the last."""
    return np.minimum((probabilities * N_BINS).astype(int), N_BINS - 1)


def calibration_table(
    labels: np.ndarray,
    probabilities: np.ndarray,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Dict[str, float]:
    """Give ``ece``, ``brier`` and their ends ``x_low`` and ``x_high``.

    The intervals are percentiles of a stratified bootstrap over videos. ECE is not below 0 and
    biased upwards with few videos, which its interval shows: it may lie wholly above the value.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        probabilities (np.ndarray): Shape (N,).
        n_bootstrap (int): Replicates; 0 leaves the intervals out. Defaults to 1000.
        confidence (float): Level of the intervals. Defaults to 0.95.
        seed (int): Seed of the draws. Defaults to 0.

    Returns:
        dict[str, float]: NaN where undefined.
    """
    values = calibration_errors(labels, probabilities)
    found = {name: float(value) for name, value in values.items()}
    if n_bootstrap and (len(np.unique(labels)) < 2 or has_single(labels)):
        found.update({f'{name}_{end}': math.nan for name in values for end in ('low', 'high')})
    elif n_bootstrap:
        tails = [(1 - confidence) / 2, (1 + confidence) / 2]
        counts = draw_counts(labels, n_bootstrap, np.random.default_rng(seed))
        drawn_errors = in_parts(
            lambda part: calibration_errors(labels, probabilities, part), counts
        )
        for name, drawn in drawn_errors.items():
            found[f'{name}_low'], found[f'{name}_high'] = map(float, np.quantile(drawn, tails))
    return found


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Of each bin that holds videos: what was said and what was so.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,), both present.
        probabilities (np.ndarray): Shape (N,).

    Returns:
        pandas.DataFrame: ``probability`` (mean), ``share`` of manipulated videos, each class
        counting half, ``low`` and ``high`` of its 95 % interval (Clopper and Pearson on the plain
        share, moved by the same weights), and ``n`` videos.
    """
    weights, bins = class_weights(labels), _bins(probabilities)
    odds = (labels == 0).sum() / (labels == 1).sum()  # what a manipulated video counts
    rows = []
    for number in np.unique(bins):
        mine = bins == number
        n, manipulated = int(mine.sum()), int(labels[mine].sum())
        low, high = (float(odds * p / (odds * p + 1 - p)) for p in _exact_ends(manipulated, n))
        total = weights[mine].sum()
        rows.append(
            dict(
                probability=weights[mine] @ probabilities[mine] / total,
                share=weights[mine] @ labels[mine] / total,
                low=low,
                high=high,
                n=n,
            )
        )
    return pd.DataFrame(rows)


def confidence_of(scores: np.ndarray, threshold: float, temperature: float) -> np.ndarray:
    """Calibrated probability of what each video is called: below 0.5 where the two disagree."""
    probabilities = temper(scores, temperature)
    return np.where(scores >= threshold, probabilities, 1 - probabilities)


def coverage_curve(
    labels: np.ndarray, scores: np.ndarray, threshold: float, temperature: float = 1.0
) -> pd.DataFrame:
    """Accuracy on the most confident videos, by how many of them are judged.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        scores (np.ndarray): From 0 to 1, shape (N,).
        threshold (float): A score of at least this is called manipulated.
        temperature (float): Of the confidence. Defaults to 1.0.

    Returns:
        pandas.DataFrame: From the most confident on, videos of equal confidence together:
        ``coverage`` (share of all), ``accuracy`` with ``low`` and ``high`` of its exact 95 %
        interval, ``confidence`` (the least of those judged) and ``n``.
    """
    confidence = confidence_of(scores, threshold, temperature)
    right = (scores >= threshold) == (labels == 1)
    order = np.argsort(-confidence, kind='stable')
    confidence, right = confidence[order], right[order]
    last = np.flatnonzero(np.r_[confidence[1:] != confidence[:-1], True])
    n, hits = last + 1, right.cumsum()[last]
    low, high = _exact_ends(hits, n)
    curve = dict(coverage=n / len(labels), accuracy=hits / n, low=low, high=high)
    return pd.DataFrame(dict(curve, confidence=confidence[last], n=n))


def _exact_ends(hits: np.ndarray, n: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Ends of the exact 95 % intervals (Clopper and Pearson) of shares ``hits / n``."""
    hits, n = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    # at no hit and at nothing but hits an end is 0 or 1, which the formula does not give
    low = np.where(hits > 0, betaincinv(np.maximum(hits, 1), n - hits + 1, 0.025), 0.0)
    high = np.where(hits < n, betaincinv(hits + 1, np.maximum(n - hits, 1), 0.975), 1.0)
    return low, high


def validation_calibration(
    labels: np.ndarray, scores: np.ndarray, threshold: float
) -> Dict[str, float]:
    """What of the validation scores a checkpoint keeps to calibrate others.

    Args:
        labels (np.ndarray): 0 original, 1 manipulated, shape (N,).
        scores (np.ndarray): From 0 to 1, shape (N,).
        threshold (float): Chosen on them.

    Returns:
        dict[str, float]: ``temperature``, and for each of :data:`COVERAGES` ``confidence_at_90``:
        as many per cent of these videos are at least as confident. NaN with one class.
    """
    temperature = fit_temperature(labels, scores)
    names = [f'confidence_at_{percent}' for percent in COVERAGES]
    if math.isnan(temperature):
        return dict.fromkeys(['temperature', *names], math.nan)
    confidence = confidence_of(scores, threshold, temperature)
    ends = np.quantile(confidence, [1 - percent / 100 for percent in COVERAGES])
    return dict(temperature=temperature, **dict(zip(names, map(float, ends))))


# --- files of scores ------------------------------------------------------------------------------


def calibration_rows(
    runs: Sequence[RunScores],
    temperatures: Mapping[str, Optional[float]],
    n_bootstrap: int = 1000,
    seed: int = 0,
) -> List[Dict[str, object]]:
    """Calibration errors of some detectors: of their scores, and with their temperatures.

    Args:
        runs (Sequence[RunScores]): One a detector; those without both classes are left out.
        temperatures (Mapping[str, float | None]): ``regime`` -> temperature of validation.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        list[dict]: ``name``, ``temperature`` (1 for the scores as they are), the counts ``n_...``
        and what :func:`calibration_table` gives.
    """
    rows: List[Dict[str, object]] = []
    for run in runs:
        labels, scores = run.scored['label'].to_numpy(), run.scored['score'].to_numpy()
        if len(np.unique(labels)) < 2:
            continue
        for temperature in dict.fromkeys([1.0, temperatures.get(run.regime) or 1.0]):
            probabilities = scores if temperature == 1 else temper(scores, temperature)
            found = calibration_table(labels, probabilities, n_bootstrap, seed=seed)
            row = dict(name=run.regime, temperature=temperature, **run.counts())
            rows.append(dict(row, **found))
    return rows


def calibration_markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """Lay out what :func:`calibration_rows` gives."""
    lines = []
    for row in rows:
        given = row['temperature'] == 1
        cells = [interval_text(row, metric) for metric in ('ece', 'brier')]
        n = f'{row["n_original"]} + {row["n_manipulated"]}'
        name = 'as given' if given else f'temperature {row["temperature"]:.3g}'
        lines.append([str(row['name']), name, n, *cells])
    return markdown_table(['file', 'scores', 'n', 'ECE', 'Brier score'], lines, left=2)
