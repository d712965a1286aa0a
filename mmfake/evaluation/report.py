"""The metrics as plain text for a log file."""

from __future__ import annotations

from typing import Dict

import pandas as pd

from ..errors import sample_of
from .markdown_table import markdown_table
from .video_scores import SCORED, scored_only

# heading -> key in a row of evaluate_videos
_METRICS = {
    'AUC': 'auc',
    'AP': 'ap',
    'EER': 'eer',
    'acc@0.5': 'acc',
    'balanced acc@0.5': 'bacc',
    'acc@val': 'acc_val',
}


def format_table(rows: Dict[str, Dict[str, float]]) -> str:
    """Lay out the metrics, one line for all videos and one for each manipulation.

    Args:
        rows (dict[str, dict[str, float]]): As :func:`~.evaluate_videos.evaluate_videos` returns.

    Returns:
        str: An aligned table in plain text (Markdown). An undefined metric is ``nan``, one that
        was not asked for ``-``. The AUC is followed by its interval if there is one.
    """
    lines = []
    for name, row in rows.items():
        cells = [f'{row[key]:.3f}' if key in row else '-' for key in _METRICS.values()]
        if 'auc_low' in row:
            cells[0] += f' [{row["auc_low"]:.3f}, {row["auc_high"]:.3f}]'
        scored = f'{row["n_scored"]:.0f}/{row["n_expected"]:.0f}'
        counts = [f'{row[key]:.0f}' for key in ('n_original', 'n_manipulated')]
        lines.append([name, scored, *counts, *cells])
    return markdown_table(['videos', 'scored', 'original', 'manipulated', *_METRICS], lines)


def format_summary(frame: pd.DataFrame) -> str:
    """Say in one line how many videos were scored and why the others were not.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~.video_scores.score_videos` makes them.

    Returns:
        str: Such as ``scored 278 of 280 videos; not scored: 2 (no prediction x 2: a, b)``, with at
        most five reasons and five names for each.
    """
    lost = frame[frame['status'] != SCORED]
    text = f'scored {len(frame) - len(lost)} of {len(frame)} videos; not scored: {len(lost)}'
    if len(lost):
        groups = sorted(
            ((reason, sorted(group['video'])) for reason, group in lost.groupby('reason')),
            key=lambda pair: (-len(pair[1]), pair[0]),
        )
        shown = [f'{reason} x {len(names)}: {sample_of(names)}' for reason, names in groups[:5]]
        if len(groups) > 5:
            shown.append(f'{len(groups) - 5} more reasons')
        text += f' ({"; ".join(shown)})'
    partly = int((scored_only(frame)['reason'] != '').sum())
    if partly:
        text += f'; scored from part of their samples: {partly}'
    return text
