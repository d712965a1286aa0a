"""Our accuracies beside those of the paper, where both are of FaceForensics++."""

from __future__ import annotations

import math
from typing import Dict, List, Optional, Sequence

import pandas as pd

from .grid_markdown import cell_text
from .grid_table import MEAN
from .markdown_table import markdown_table
from .paper_compat import paper_compat
from .paper_figures import PAPER, PAPER_FIGURES, PaperFigures, regime_name
from .run_scores import RunScores

_N = 140  # originals, and manipulated videos, of the official test split
_EXPLANATION = (
    f'Accuracy at 0.5. The figures of {PAPER} (Tables 2 and 3) are FaceForensics++ figures. Ours: '
    'mean over seeds ± standard deviation over seeds [95 % interval over videos]. "Paper '
    'protocol": the last incomplete batch of 32 is dropped, which leaves 256 of 280 videos '
    '(inferred); in brackets, where 95 % of all orders of the videos would put it. A mean in '
    'parentheses is recomputed from Table 2, because the printed one does not follow from it.'
)


def paper_comparison(runs: Sequence[RunScores], table: pd.DataFrame) -> str:
    """Write ``comparison.md``: our table beside the paper's Tables 2 and 3.

    The paper's figures are FaceForensics++ figures. A cell is compared with them only where the
    dataset of its runs is ``'ffpp'`` and their protocol has 140 originals and 140 manipulated
    videos; otherwise the page says why not.

    Args:
        runs (Sequence[RunScores]): The runs.
        table (pandas.DataFrame): Their :func:`~.grid_table.grid_table`.

    Returns:
        str: The page in Markdown.
    """
    cells = {(row['regime'], row['holdout']): row for _, row in table.iterrows()}
    regimes = list(dict.fromkeys(table['regime']))
    obstacles = {(regime, holdout): _obstacle(runs, regime, holdout) for regime, holdout in cells}
    rows, reasons = [], {}
    for regime in [*regimes, *(key for key in PAPER_FIGURES if key not in regimes)]:
        paper = PAPER_FIGURES.get(regime)
        for holdout in [*dict.fromkeys(key for key in _holdouts(table)), MEAN]:
            row, obstacle = cells.get((regime, holdout)), obstacles.get((regime, holdout))
            printed = _printed(paper, holdout)
            if row is None and not printed:
                continue
            if row is not None and obstacle:
                reasons.setdefault(obstacle, []).append(f'{regime}/{holdout}')
            compared = row is not None and not obstacle
            rows.append(
                [
                    regime_name(regime),
                    holdout if holdout == MEAN else holdout.upper(),
                    printed or '-',
                    cell_text(row, 'acc') if compared else '-' if row is None else 'not compared',
                    _kept(runs, regime, holdout) if compared else '-',
                    _place(paper, holdout, row) if compared else '-',
                ]
            )
    headings = ['regime', 'held out', f'{PAPER}, FF++ (%)', 'ours (%)']
    headings += ['ours, paper protocol (%)', 'the printed figure']
    return (
        '\n\n'.join(
            [
                '# Beside the paper',
                _EXPLANATION,
                markdown_table(headings, rows, left=2),
                *(
                    f'Not compared with the paper: {_cells_text(names)}: {reason}.'
                    for reason, names in reasons.items()
                ),
            ]
        )
        + '\n'
    )


def _holdouts(table: pd.DataFrame) -> List[str]:
    ours = [name for name in table['holdout'] if name != MEAN]
    return ours + list(next(iter(PAPER_FIGURES.values())).acc)


def _obstacle(runs: Sequence[RunScores], regime: str, holdout: str) -> Optional[str]:
    """Why a cell cannot stand beside the paper's, or None."""
    cell = [run for run in runs if run.regime == regime and holdout in (MEAN, run.holdout)]
    if holdout == MEAN and {run.holdout for run in cell} != set(PAPER_FIGURES['bin_ce'].acc):
        return "the mean is not over the paper's four hold-outs"
    for run in cell:
        if run.dataset != 'ffpp':
            return f'the dataset is {run.dataset or "unknown"!r}, not FaceForensics++'
        manipulated = int((run.frame['label'] == 1).sum())
        original = len(run.frame) - manipulated
        if (original, manipulated) != (_N, _N):
            return f'the test has {original} + {manipulated} videos, not {_N} + {_N}'
    return None if regime in PAPER_FIGURES else 'the paper has no such regime'


def _printed(paper: Optional[PaperFigures], holdout: str) -> str:
    if paper is None:
        return ''
    if holdout != MEAN:
        return f'{paper.acc[holdout]:.2f}' if holdout in paper.acc else ''
    follows = abs(paper.printed_mean - paper.mean) < 0.0051
    return f'{paper.printed_mean:.2f}' + ('' if follows else f' ({paper.mean:.2f})')


def _kept(runs: Sequence[RunScores], regime: str, holdout: str) -> str:
    """Mean over the runs of a cell under the paper's protocol."""
    found: List[Dict[str, float]] = [
        paper_compat(run.frame, order=run.test_order)
        for run in runs
        if run.regime == regime and run.holdout == holdout
    ]
    if not found:  # the mean column
        return '-'
    acc, low, high = (
        100 * sum(one[key] for one in found) / len(found)
        for key in ('acc_kept', 'acc_kept_low', 'acc_kept_high')
    )
    return '-' if math.isnan(acc) else f'{acc:.2f} [{low:.2f}, {high:.2f}]'


def _place(paper: PaperFigures, holdout: str, row: pd.Series) -> str:
    figure = paper.mean if holdout == MEAN else paper.acc[holdout]
    inside = 100 * row['acc_low'] <= figure <= 100 * row['acc_high']
    return f'{"inside" if inside else "outside"} our interval'


def _cells_text(names: Sequence[str]) -> str:
    return (
        ', '.join(names) if len(names) <= 6 else f'{", ".join(names[:6])} and {len(names) - 6} more'
    )
