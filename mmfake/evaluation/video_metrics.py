"""Video metrics with intervals, overall and by manipulation, and their text table."""

from __future__ import annotations

from typing import Dict, List, Optional

import numpy as np
import pandas as pd

from ..errors import sample_of
from .scores import SCORED, id_parts, scored_only
from .statistics import binary_metrics, bootstrap_intervals
from .tables import interval_text, markdown_table

OVERALL = 'overall'

_EQUAL = 1e-6  # scores that differ by less order no videos

# heading -> key in a row of evaluate_videos
_METRICS = {
    'AUC': 'auc',
    'AP': 'ap',
    'EER': 'eer',
    'acc@0.5': 'acc',
    'balanced acc@0.5': 'bacc',
    'acc@val': 'acc_val',
}


def evaluate_videos(
    frame: pd.DataFrame,
    threshold: Optional[float] = None,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Dict[str, Dict[str, float]]:
    """Evaluate video scores, all together and each manipulation against all originals.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~mmfake.evaluation.scores.score_videos` makes
            them.
        threshold (float, optional): Threshold chosen on validation. Defaults to None.
        n_bootstrap (int): Replicates behind the intervals; 0 leaves them out. Defaults to 1000.
        confidence (float): Level of the intervals. Defaults to 0.95.
        seed (int): Seed of the resampling, the same for each row. Defaults to 0.

    Returns:
        dict[str, dict[str, float]]: ``'overall'``, then each manipulation by name -> ``n_expected``
        and ``n_scored`` videos, ``n_original`` and ``n_manipulated`` among the scored, and for each
        metric of :func:`~mmfake.evaluation.statistics.binary_metrics` ``x``, ``x_low`` and
        ``x_high``.
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


def format_table(rows: Dict[str, Dict[str, float]]) -> str:
    """Lay out what :func:`evaluate_videos` returns, a line for all videos and each manipulation.

    An undefined metric is ``nan``, one that was not asked for ``-``. The AUC is followed by its
    interval if there is one, or ``[-]`` where it is undefined.
    """
    lines = []
    for name, row in rows.items():
        cells = [f'{row[key]:.3f}' if key in row else '-' for key in _METRICS.values()]
        cells[0] = interval_text(row, 'auc')
        scored = f'{row["n_scored"]:.0f}/{row["n_expected"]:.0f}'
        counts = [f'{row[key]:.0f}' for key in ('n_original', 'n_manipulated')]
        lines.append([name, scored, *counts, *cells])
    return markdown_table(['videos', 'scored', 'original', 'manipulated', *_METRICS], lines)


def score_warnings(
    frame: pd.DataFrame, n_bootstrap: int = 1000, confidence: float = 0.95, seed: int = 0
) -> List[str]:
    """Say what makes scores suspicious, a line each.

    Equal scores (to a millionth), an AUC whose interval lies wholly below 0.5 or has no width,
    classes with a single video, and videos of several datasets or compressions whose ids tell.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~mmfake.evaluation.scores.score_videos` makes
            them.
        n_bootstrap (int): Replicates behind the interval; 0 leaves it out. Defaults to 1000.
        confidence (float): Level of the interval. Defaults to 0.95.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        list[str]: The lines.
    """
    scored = scored_only(frame).sort_values('video')
    labels, scores = scored['label'].to_numpy(), scored['score'].to_numpy()
    lines = []
    if len(scores) > 1 and np.ptp(scores) <= _EQUAL:
        lines.append(
            f'all {len(scores)} scores are equal ({scores[0]:.4f}): the detector does not tell '
            'videos apart, its output is constant'
        )
    if n_bootstrap and len(np.unique(labels)) == 2:
        auc = binary_metrics(labels, scores)['auc']
        interval = bootstrap_intervals(labels, scores, None, n_bootstrap, confidence, seed)
        low, high = interval['auc']
        if high < 0.5:
            lines.append(
                f'AUC {auc:.3f} [{low:.3f}, {high:.3f}] lies wholly below 0.5: are labels or '
                'scores turned round (1 is manipulated in both)?'
            )
        if low > 1 - 1e-9:  # and so is its other end
            lines.append(
                f'every fake of {len(scores)} videos has a higher score than every original: of '
                'such videos the bootstrap gives intervals without width, which do not say how far '
                'below 1 the AUC may be'
            )
    single = ['only 1 original'] if (labels == 0).sum() == 1 else []
    counts = scored.loc[labels == 1, 'method'].value_counts()
    single += [f'only 1 video of {name}' for name in sorted(counts.index[counts == 1])]
    if single:
        lines.append(f'{", ".join(single)}: too few for an interval, which needs 2 of each class')
    ids = [parts for parts in map(id_parts, scored['video'], scored['method']) if parts]
    for what, place in (('datasets', 0), ('compressions', 2)):
        kinds = sorted({parts[place] for parts in ids})
        if len(kinds) > 1:
            lines.append(
                f'the videos are of several {what} ({", ".join(kinds)}), and the metrics pool '
                'them: score each in a file of its own'
            )
    return lines


def format_summary(frame: pd.DataFrame) -> str:
    """Say in one line how many videos were scored, and why the others were not.

    Such as ``scored 278 of 280 videos; not scored: 2 (no prediction x 2: a, b)``, with at most five
    reasons and five names for each.
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
