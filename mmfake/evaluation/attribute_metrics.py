"""Metrics per attribute: how well the prompts of a detector tell what of a face was altered."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterable, List

from ..datasets.manipulations import ATTRIBUTES
from .scores import SampleScore, score_videos, scored_only
from .statistics import best_threshold, binary_metrics, bootstrap_intervals
from .tables import interval_text, markdown_table

COUNTS = ('n_unaltered', 'n_altered')
"""tuple[str]: Numbers of videos behind the metrics of an attribute."""


def evaluate_attributes(
    samples: Iterable[SampleScore], n_bootstrap: int, confidence: float, seed: int
) -> Dict[str, Dict[str, float]]:
    """Judge the probability of each attribute against what the methods of the videos alter.

    Videos with the attribute stand against all others, original or manipulated. Left out are
    videos of which nobody knows what was altered, and attributes that no or every video has.

    Args:
        samples (Iterable[SampleScore]): With ``prompts`` and ``attributes``, in any order.
        n_bootstrap (int): Replicates behind the interval; 0 leaves it out.
        confidence (float): Level of the interval.
        seed (int): Seed of the resampling.

    Returns:
        dict[str, dict[str, float]]: Attribute -> ``auc``, ``auc_low``, ``auc_high``,
        ``threshold_bacc`` (of the best balanced accuracy) and :data:`COUNTS`.
    """
    known = [sample for sample in samples if sample.prompts and sample.attributes is not None]
    rows: Dict[str, Dict[str, float]] = {}
    for place, attribute in enumerate(ATTRIBUTES):
        # the videos again, with another label and another score
        turned: List[SampleScore] = [
            replace(one, label=one.attributes[place], score=one.prompts[attribute])
            for one in known
            if attribute in one.prompts
        ]
        frame = scored_only(score_videos(turned))
        labels, scores = frame['label'].to_numpy(), frame['score'].to_numpy()
        counts = [float((labels == value).sum()) for value in (0, 1)]
        if not all(counts):
            continue
        row = dict(auc=binary_metrics(labels, scores)['auc'], **dict(zip(COUNTS, counts)))
        if n_bootstrap:
            ends = bootstrap_intervals(labels, scores, None, n_bootstrap, confidence, seed)['auc']
            row['auc_low'], row['auc_high'] = ends
        row['threshold_bacc'] = best_threshold(labels, scores)
        rows[attribute] = row
    return rows


def format_attributes(rows: Dict[str, Dict[str, float]]) -> str:
    """Lay out what :func:`evaluate_attributes` returns, a line for each attribute."""
    lines = []
    for attribute, row in rows.items():
        counts = [f'{row[name]:.0f}' for name in COUNTS]
        lines.append([attribute, *counts, interval_text(row, 'auc')])
    return markdown_table(['altered', 'unaltered videos', 'altered videos', 'AUC'], lines)
