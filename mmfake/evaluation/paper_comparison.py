"""Our accuracies beside the paper's protocol, and beside its figures where both are of FF++."""

from __future__ import annotations

import math
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import pandas as pd

from .grid_markdown import cell_text
from .grid_table import MEAN
from .markdown_table import markdown_table
from .paper_compat import paper_compat
from .paper_figures import PAPER, PAPER_FIGURES, PaperFigures, regime_name
from .run_scores import RunScores

_N = 140  # originals, and manipulated videos, of the official test split
_EXPLANATION = (
    'Accuracy at 0.5. Ours: mean over seeds ± standard deviation over seeds [95 % interval over '
    'videos]. "Paper protocol": the same scores, less the last incomplete batch of 32, which '
    'leaves 256 of the 280 videos of FaceForensics++ (inferred); in brackets, where 95 % of all '
    'orders of the videos would put it.'
)
_PRINTED = (
    f'The figures of {PAPER} (Tables 2 and 3) are FaceForensics++ figures. A mean in parentheses '
    'is recomputed from Table 2, because the printed one does not follow from it.'
)
_HIDDEN = (
    f'The figures of {PAPER} are FaceForensics++ figures, and are shown beside such data only.'
)


def paper_comparison(runs: Sequence[RunScores], table: pd.DataFrame) -> str:
    """Write ``comparison.md``: our table beside the paper's Tables 2 and 3.

    Every cell of ours also stands there as the paper's protocol would have it. The paper's figures
    are FaceForensics++ figures: they are shown only if some run of ours is of the dataset
    ``'ffpp'``, and a cell is compared with them only where all its runs are, and their protocol has
    140 originals and 140 manipulated videos; otherwise the page says why not.

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
    beside = any(run.dataset == 'ffpp' for run in runs)
    others = [key for key in PAPER_FIGURES if key not in regimes] if beside else []
    for regime in [*regimes, *others]:
        paper = PAPER_FIGURES.get(regime)
        for holdout in [*dict.fromkeys(key for key in _holdouts(table)), MEAN]:
            row, obstacle = cells.get((regime, holdout)), obstacles.get((regime, holdout))
            shown = beside if row is None else _is_ffpp(runs, row)
            printed = _printed(paper, holdout) if shown else ''
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
                    '-' if row is None else cell_text(row, 'acc'),
                    *(('-', '-') if row is None else _kept(runs, row)),
                    _place(paper, holdout, row) if compared else '-',
                ]
            )
    headings = ['regime', 'held out', f'{PAPER}, FF++ (%)', 'ours (%)']
    headings += ['ours, paper protocol (%)', 'videos kept', 'the printed figure']
    if not beside:
        headings, rows = _without(headings, rows, 2, 6)
    return (
        '\n\n'.join(
            [
                '# Beside the paper',
                f'{_EXPLANATION} {_PRINTED if beside else _HIDDEN}',
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


def _without(headings: List[str], rows: List[List[str]], *places: int) -> tuple:
    """The table without some columns."""
    cut = [[part for at, part in enumerate(row) if at not in places] for row in (headings, *rows)]
    return cut[0], cut[1:]


def _is_ffpp(runs: Sequence[RunScores], row: pd.Series) -> bool:
    return all(run.dataset == 'ffpp' for run in _runs_of(runs, row))


def _runs_of(runs: Sequence[RunScores], row: pd.Series) -> List[RunScores]:
    """The runs that a row of the table is made of."""
    seeds = row['seeds'].split()  # the mean is over those that all its hold-outs have
    return [
        run
        for run in runs
        if run.regime == row['regime']
        and row['holdout'] in (MEAN, run.holdout)
        and str(run.seed) in seeds
    ]


def _obstacle(runs: Sequence[RunScores], regime: str, holdout: str) -> Optional[str]:
    """Why a cell cannot stand beside the paper's, or None."""
    cell = [run for run in runs if run.regime == regime and holdout in (MEAN, run.holdout)]
    for run in cell:
        if run.dataset != 'ffpp':
            return f'the dataset is {run.dataset or "unknown"!r}, not FaceForensics++'
    if holdout == MEAN and {run.holdout for run in cell} != set(PAPER_FIGURES['bin_ce'].acc):
        return "the mean is not over the paper's four hold-outs"
    for run in cell:
        manipulated = int((run.frame['label'] == 1).sum())
        original = len(run.frame) - manipulated
        if (original, manipulated) != (_N, _N):
            return f'the test has {original} + {manipulated} videos, not {_N} + {_N}'
    if regime not in PAPER_FIGURES:
        return 'the paper has no such regime'
    if holdout != MEAN and holdout not in PAPER_FIGURES[regime].acc:
        return 'the paper has no such hold-out'
    return None


def _printed(paper: Optional[PaperFigures], holdout: str) -> str:
    if paper is None:
        return ''
    if holdout != MEAN:
        return f'{paper.acc[holdout]:.2f}' if holdout in paper.acc else ''
    follows = abs(paper.printed_mean - paper.mean) < 0.0051
    return f'{paper.printed_mean:.2f}' + ('' if follows else f' ({paper.mean:.2f})')


def _kept(runs: Sequence[RunScores], row: pd.Series) -> Tuple[str, str]:
    """Accuracy of the runs of a cell under the paper's protocol, and how many videos it keeps."""
    found: Dict[str, List[Dict[str, float]]] = {}
    for run in _runs_of(runs, row):
        kept = paper_compat(run.frame, order=run.test_order)
        found.setdefault(run.holdout, []).append(kept)
    acc, low, high = (
        100 * np.mean([np.mean([one[key] for one in cell]) for cell in found.values()])
        for key in ('acc_kept', 'acc_kept_low', 'acc_kept_high')
    )
    if row['holdout'] == MEAN:  # the orders of several tests together are another question
        return '-' if math.isnan(acc) else f'{acc:.2f}', '-'
    counts = sorted({f'{one["n_kept"]} of {one["n"]}' for cell in found.values() for one in cell})
    kept = ', '.join(counts)
    return ('-' if math.isnan(acc) else f'{acc:.2f} [{low:.2f}, {high:.2f}]'), kept


def _place(paper: PaperFigures, holdout: str, row: pd.Series) -> str:
    figure = paper.mean if holdout == MEAN else paper.acc[holdout]
    inside = 100 * row['acc_low'] <= figure <= 100 * row['acc_high']
    return f'{"inside" if inside else "outside"} our interval'


def _cells_text(names: Sequence[str]) -> str:
    return (
        ', '.join(names) if len(names) <= 6 else f'{", ".join(names[:6])} and {len(names) - 6} more'
    )
