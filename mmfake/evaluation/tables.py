"""Result tables: metrics of regimes by held-out manipulations, and their Markdown."""

from __future__ import annotations

import io
import math
from typing import Callable, Dict, Iterable, List, Mapping, Sequence

import numpy as np
import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from ..errors import MMFakeError
from .scores import RunScores
from .statistics import binary_metrics, has_single, joint_counts, replicate_metrics

MEAN = 'mean'
"""str: The column of the means over the hold-outs."""

COUNTS = ('n_expected', 'n_scored', 'n_original', 'n_manipulated')

HEADINGS = {
    'acc': 'accuracy at 0.5 (%)',
    'auc': 'video AUC',
    'bacc': 'balanced accuracy at 0.5 (%)',
    'acc_val': 'accuracy at the threshold (%)',
    'ap': 'average precision',
    'eer': 'equal error rate (%)',
    'tpr_fpr1': 'TPR at 1 % FPR (%)',
    'tpr_fpr5': 'TPR at 5 % FPR (%)',
}
"""dict[str, str]: Key of a metric -> its name and unit."""

FEW_ORIGINALS = (
    'TPR at 1 % FPR needs 100 originals to allow a single false alarm, TPR at 5 % FPR needs 20.'
)
"""str: What to know of these two where they are shown."""

# a narrow page, as a README is, breaks a cell before its interval and nowhere else
_SPACE = '\N{NO-BREAK SPACE}'
_PLUS_MINUS, _COMMA = f'{_SPACE}±{_SPACE}', f',{_SPACE}'


# --- the numbers ----------------------------------------------------------------------------------


def grid_table(
    runs: Sequence[RunScores],
    with_mean: bool = True,
    n_bootstrap: int = 1000,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Compute the metrics of each regime on each hold-out, and of the mean over hold-outs.

    A metric is the mean over seeds. Beside it stand, apart from each other, the spread over seeds
    and the uncertainty from the choice of videos: the standard deviation over seeds of the same
    videos' metric, and a percentile bootstrap interval over videos of the mean of these networks
    (see :func:`~mmfake.evaluation.statistics.joint_counts`).

    Args:
        runs (Sequence[RunScores]): The runs; rows and columns keep the order of first appearance.
        with_mean (bool): Whether a column ``mean`` follows. A row that lacks a hold-out has none,
            and its seeds are those that all its hold-outs have. Defaults to True.
        n_bootstrap (int): Replicates behind the intervals. Defaults to 1000.
        confidence (float): Level of the intervals. Defaults to 0.95.
        seed (int): Seed of the resampling. Defaults to 0.

    Returns:
        pandas.DataFrame: One row a cell: ``regime``, ``holdout``, ``seeds`` (such as ``'0 1 2'``),
        ``n_seeds``, :data:`COUNTS` (of the seed with the fewest scored videos; sums in column
        ``mean``), and for each metric ``x`` of
        :func:`~mmfake.evaluation.statistics.binary_metrics` ``x``, ``x_sd_seeds`` (NaN with one
        seed), ``x_low`` and ``x_high``.

    Raises:
        MMFakeError: There is no run, or a cell has a seed twice.
    """
    if not runs:
        raise MMFakeError('a table needs at least one run; give some scores')
    holdouts = list(dict.fromkeys(run.holdout for run in runs))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    rows = []
    for regime in dict.fromkeys(run.regime for run in runs):
        cells = {name: _cell(runs, regime, name) for name in holdouts}
        cells = {name: cell for name, cell in cells.items() if cell}
        for holdout, cell in cells.items():
            values = _values(cell)
            replicates = _replicates(cell, n_bootstrap, seed).groupby('replicate').mean()
            counts = min((run.counts() for run in cell), key=lambda count: count['n_scored'])
            seeds = [run.seed for run in cell]
            rows.append(_row(regime, holdout, seeds, counts, values, replicates, tails))
        if with_mean and len(cells) == len(holdouts):
            seeds = sorted(set.intersection(*({run.seed for run in cells[n]} for n in holdouts)))
            kept = [run for cell in cells.values() for run in cell if run.seed in seeds]
            if not kept:
                continue
            values = _values(kept).groupby('seed').agg(lambda value: value.mean(skipna=False))
            replicates = _replicates(kept, n_bootstrap, seed).groupby('replicate').mean()
            counts = {key: sum(row[key] for row in rows[-len(holdouts) :]) for key in COUNTS}
            rows.append(_row(regime, MEAN, seeds, counts, values, replicates, tails))
    return pd.DataFrame(rows)


def _cell(runs: Sequence[RunScores], regime: str, holdout: str) -> List[RunScores]:
    """The runs of one cell by seed."""
    cell = [run for run in runs if (run.regime, run.holdout) == (regime, holdout)]
    cell.sort(key=lambda run: run.seed)
    seeds = [run.seed for run in cell]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise MMFakeError(
            f'regime {regime}, hold-out {holdout}: seed {twice[0]} is there twice; keep one run'
        )
    return cell


def _values(runs: Sequence[RunScores]) -> pd.DataFrame:
    """Metrics of each run, indexed by its seed."""
    rows = []
    for run in runs:
        scored = run.scored
        arrays = scored['label'].to_numpy(), scored['score'].to_numpy()
        rows.append(binary_metrics(*arrays, run.threshold))
    return pd.DataFrame(rows, index=pd.Index([run.seed for run in runs], name='seed'))


def _replicates(runs: Sequence[RunScores], n_bootstrap: int, seed: int) -> pd.DataFrame:
    """Metrics of each run (B rows each), indexed by replicate; NaN where a class has one video."""
    frames = [run.scored for run in runs]
    index = pd.RangeIndex(n_bootstrap, name='replicate')
    parts = [
        pd.DataFrame(
            replicate_metrics(
                frame['label'].to_numpy(), frame['score'].to_numpy(), counts, run.threshold
            ),
            index=index,
        )
        for run, frame, counts in zip(runs, frames, joint_counts(frames, n_bootstrap, seed))
        if len(frame)
    ]
    if not parts:
        return pd.DataFrame(index=index)
    replicates = pd.concat(parts)
    return replicates * math.nan if any(has_single(one['label']) for one in frames) else replicates


def _row(
    regime: str,
    holdout: str,
    seeds: Sequence[int],
    counts: Dict[str, int],
    values: pd.DataFrame,
    replicates: pd.DataFrame,
    tails: Sequence[float],
) -> Dict[str, object]:
    row: Dict[str, object] = dict(regime=regime, holdout=holdout, seeds=' '.join(map(str, seeds)))
    row.update(n_seeds=len(seeds), **counts)
    for name in values:
        # a metric that one seed does not define is undefined, not the mean of the others
        row[name] = value = values[name].mean(skipna=False)
        row[f'{name}_sd_seeds'] = values[name].std(ddof=1, skipna=False)
        ends = [np.nan, np.nan] if np.isnan(value) else replicates[name].quantile(tails)
        row[f'{name}_low'], row[f'{name}_high'] = ends
    return row


# --- Markdown -------------------------------------------------------------------------------------


def grid_markdown(
    table: pd.DataFrame,
    metrics: Sequence[str] = ('acc', 'auc'),
    row_heading: str = 'regime',
    row_name: Callable[[str], str] = str,
    column_name: Callable[[str], str] = str.upper,
) -> str:
    """Lay out a table of runs in Markdown: a line for each regime and metric.

    With one metric there is no column that names it.

    Args:
        table (pandas.DataFrame): As :func:`grid_table` makes it.
        metrics (Sequence[str]): The metrics. Defaults to ``('acc', 'auc')``.
        row_heading (str): Heading of the first column. Defaults to ``'regime'``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.
        column_name (Callable): Gives the name of a hold-out. Defaults to the key in capitals.

    Returns:
        str: The table. A cell is ``mean ± SD [low, high]``, without ``± SD`` for a single seed; a
        cell without runs is ``-``. Headings give the number of original and manipulated videos
        where it is the same in all rows; else the cells of the first metric do.
    """
    holdouts = list(dict.fromkeys(table['holdout']))
    cells: Dict[tuple, pd.Series] = {
        (row['regime'], row['holdout']): row for _, row in table.iterrows()
    }
    named = len(metrics) > 1
    headings = [row_heading, 'metric'] if named else [row_heading]
    differing = set()  # columns whose rows have other numbers of videos
    for holdout in holdouts:
        name = MEAN if holdout == MEAN else column_name(holdout)
        counts = table.loc[table['holdout'] == holdout, ['n_original', 'n_manipulated']]
        if holdout != MEAN and len(counts.drop_duplicates()) == 1:
            name += ' (n = {:.0f} + {:.0f})'.format(*counts.iloc[0])
        elif holdout != MEAN:
            differing.add(holdout)
        headings.append(name)
    rows = []
    for regime in dict.fromkeys(table['regime']):
        for metric in metrics:
            texts = []
            for holdout in holdouts:
                row = cells.get((regime, holdout))
                texts.append('-' if row is None else cell_text(row, metric))
                if row is not None and holdout in differing and metric == metrics[0]:
                    n = f'(n = {row["n_original"]:.0f} + {row["n_manipulated"]:.0f})'
                    texts[-1] += f' {n.replace(" ", _SPACE)}'
            texts = [text.replace(' ± ', _PLUS_MINUS).replace(', ', _COMMA) for text in texts]
            rows.append([row_name(regime), *([HEADINGS[metric]] if named else []), *texts])
    return markdown_table(headings, rows, left=1 + named)


def method_rows_markdown(
    table: pd.DataFrame,
    metrics: Sequence[str],
    row_heading: str = 'file',
    column_name: Callable[[str], str] = str,
) -> str:
    """Lay out a table of many methods: a line for each method and row, a column for each metric."""
    several = table['regime'].nunique() > 1
    headings = ['method', *([row_heading] if several else []), 'n', *(HEADINGS[m] for m in metrics)]
    rows = []
    for holdout in dict.fromkeys(table['holdout']):
        for _, row in table[table['holdout'] == holdout].iterrows():
            names = [column_name(holdout), *([row['regime']] if several else [])]
            n = f'{row["n_original"]:.0f} + {row["n_manipulated"]:.0f}'
            rows.append([*names, n, *(cell_text(row, metric) for metric in metrics)])
    return markdown_table(headings, rows, left=1 + several)


def report_card(
    table: pd.DataFrame,
    row_heading: str = 'regime',
    row_name: Callable[[str], str] = str,
    column_name: Callable[[str], str] = str.upper,
    leave_out: Sequence[str] = (MEAN,),
) -> str:
    """Lay out the weakest and the strongest method of each row by AUC; ``''`` with one method."""
    rows = []
    for regime in dict.fromkeys(table['regime']):
        cells = table[(table['regime'] == regime) & ~table['holdout'].isin(leave_out)]
        cells = cells.dropna(subset=['auc']).sort_values('auc', kind='stable')
        if len(cells) > 1:
            ends = [cells.iloc[0], cells.iloc[-1]]
            texts = [f'{column_name(end["holdout"])}: {cell_text(end, "auc")}' for end in ends]
            rows.append([row_name(regime), *texts, f'{ends[1]["auc"] - ends[0]["auc"]:.3f}'])
    headings = [row_heading, 'weakest (AUC)', 'strongest (AUC)', 'spread']
    return markdown_table(headings, rows, left=3) if rows else ''


def cell_text(row: pd.Series, metric: str) -> str:
    """Write a metric of a row of :func:`grid_table`, such as ``85.2 ± 1.3 [81.0, 89.1]``.

    The spread is over seeds, the interval over videos; ``-`` where it is not there or undefined,
    ``[-]`` where there are too few videos for an interval.
    """
    value = row.get(metric, math.nan)
    if math.isnan(value):
        return '-'
    scale, form = (100, '.1f') if '%' in HEADINGS[metric] else (1, '.3f')
    parts = [value, row[f'{metric}_sd_seeds'], row[f'{metric}_low'], row[f'{metric}_high']]
    value, spread, low, high = (f'{scale * part:{form}}' for part in parts)
    text = value if row['n_seeds'] == 1 else f'{value} ± {spread}'
    return f'{text} [-]' if math.isnan(row[f'{metric}_low']) else f'{text} [{low}, {high}]'


def interval_text(row: Mapping[str, float], metric: str) -> str:
    """Write ``0.912 [0.857, 0.957]``: ``[-]`` where undefined, nothing where it is not there."""
    text, low = f'{row[metric]:.3f}', row.get(f'{metric}_low')
    if low is None:
        return text
    return f'{text} [-]' if math.isnan(low) else f'{text} [{low:.3f}, {row[f"{metric}_high"]:.3f}]'


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """Lay out an aligned table that is Markdown, too; all but the ``left`` columns are numbers."""
    table = Table(box=box.MARKDOWN)
    for place, heading in enumerate(headings):
        table.add_column(_escape(heading), justify='left' if place < left else 'right')
    for row in rows:
        table.add_row(*map(_escape, row))
    # a console of its own: no colours, no markup, and never folded to the width of a terminal
    console = Console(
        file=io.StringIO(),
        width=10000,
        color_system=None,
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(table)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    lines = [line for line in lines if line]
    rules = lines[1].split('|')  # '', one for each column, ''
    lines[1] = '|'.join(
        f'{rule[:-1]}:' if left < place <= len(headings) else rule
        for place, rule in enumerate(rules)
    )
    return '\n'.join(lines)


def _escape(text: str) -> str:
    return text.replace('|', '\\|')
