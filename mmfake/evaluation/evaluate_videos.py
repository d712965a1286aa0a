"""Metrics with intervals, overall and for each manipulation."""

from __future__ import annotations

from typing import Dict, Optional

import pandas as pd

from .binary_metrics import binary_metrics
from .bootstrap import bootstrap_intervals
from .video_scores import scored_only

OVERALL = 'overall'


def evaluate_videos(
    frame: pd.DataFrame,
    threshold: Optional[float] = None,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Dict[str, Dict[str, float]]:
    """Evaluate video scores, all together and each manipulation against all originals.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~.video_scores.score_videos` or
            :func:`~.scores_file.read_scores_file` makes them.
        threshold (float, optional): Threshold chosen on validation. Defaults to None.
        n_bootstrap (int): Replicates behind the intervals; 0 leaves them out. Defaults to 1000.
        confidence (float): Level of the intervals. Defaults to 0.95.
        seed (int): Seed of the resampling, the same for each row. Defaults to 0.

    Returns:
        dict[str, dict[str, float]]: ``'overall'``, then each manipulation by name -> ``n_expected``
        and ``n_scored`` videos, ``n_original`` and ``n_manipulated`` among the scored, and for each
        metric of :func:`~.binary_metrics.binary_metrics` ``x``, ``x_low`` and ``x_high``.
    """
    frame = frame.sort_values('video', ignore_index=True)  # a resampling depends on the order
    groups = {OVERALL: frame}
    for method in sorted(frame.loc[frame['label'] == 1, 'method'].unique()):
        groups[method] = frame[(frame['label'] == 0) | (frame['method'] == method)]

    rows = {}
    for name, group in groups.items():
        scored = scored_only(group)
        labels, scores = scored['label'].to_numpy(), scored['score'].to_numpy()
        row = {
            'n_expected': float(len(group)),
            'n_scored': float(len(scored)),
            'n_original': float((labels == 0).sum()),
            'n_manipulated': float((labels == 1).sum()),
        }
        intervals = {}
        if n_bootstrap:
            intervals = bootstrap_intervals(
                labels, scores, threshold, n_bootstrap, confidence, seed
            )
        for metric, value in binary_metrics(labels, scores, threshold).items():
            row[metric] = value
            if metric in intervals:
                row[f'{metric}_low'], row[f'{metric}_high'] = intervals[metric]
        rows[name] = row
    return rows
