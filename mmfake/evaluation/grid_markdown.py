"""A table of runs to read."""

from __future__ import annotations

import math
from typing import Callable, Dict, Sequence

import pandas as pd

from .grid_table import MEAN
from .markdown_table import markdown_table

HEADINGS = {
    'acc': 'accuracy at 0.5 (%)',
    'auc': 'video AUC',
    'bacc': 'balanced accuracy at 0.5 (%)',
    'acc_val': 'accuracy at the threshold given (%)',
    'ap': 'average precision',
    'eer': 'equal error rate (%)',
}
"""dict[str, str]: Key of a metric -> its name and unit."""

# a narrow page, as a README is, breaks a cell before its interval and nowhere else
_PLUS_MINUS, _COMMA = '\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}', ',\N{NO-BREAK SPACE}'


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
        table (pandas.DataFrame): As :func:`~.grid_table.grid_table` makes it.
        metrics (Sequence[str]): The metrics. Defaults to ``('acc', 'auc')``.
        row_heading (str): Heading of the first column. Defaults to ``'regime'``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.
        column_name (Callable): Gives the name of a hold-out. Defaults to the key in capitals.

    Returns:
        str: The table. A cell is ``mean ± SD [low, high]``, without ``± SD`` for a single seed; a
        cell without runs is ``-``. Headings give the number of original and manipulated videos
        where it is the same in all rows.
    """
    holdouts = list(dict.fromkeys(table['holdout']))
    cells: Dict[tuple, pd.Series] = {
        (row['regime'], row['holdout']): row for _, row in table.iterrows()
    }
    named = len(metrics) > 1
    headings = [row_heading, 'metric'] if named else [row_heading]
    for holdout in holdouts:
        name = MEAN if holdout == MEAN else column_name(holdout)
        counts = table.loc[table['holdout'] == holdout, ['n_original', 'n_manipulated']]
        if holdout != MEAN and len(counts.drop_duplicates()) == 1:
            name += ' (n = {:.0f} + {:.0f})'.format(*counts.iloc[0])
        headings.append(name)
    rows = []
    for regime in dict.fromkeys(table['regime']):
        for metric in metrics:
            texts = [
                cell_text(cells[regime, holdout], metric) if (regime, holdout) in cells else '-'
                for holdout in holdouts
            ]
            texts = [text.replace(' ± ', _PLUS_MINUS).replace(', ', _COMMA) for text in texts]
            rows.append([row_name(regime), *([HEADINGS[metric]] if named else []), *texts])
    return markdown_table(headings, rows, left=1 + named)


def cell_text(row: pd.Series, metric: str) -> str:
    """Write a metric with its spread over seeds and its interval over videos.

    Args:
        row (pandas.Series): A row of :func:`~.grid_table.grid_table`.
        metric (str): Key of the metric.

    Returns:
        str: Such as ``85.2 ± 1.3 [81.0, 89.1]``, in percent, or ``0.912 [0.880, 0.941]`` for the
        AUC and the average precision; ``-`` where the metric is not there or undefined.
    """
    value = row.get(metric, math.nan)
    if math.isnan(value):
        return '-'
    scale, form = (100, '.1f') if '%' in HEADINGS[metric] else (1, '.3f')
    parts = [value, row[f'{metric}_sd_seeds'], row[f'{metric}_low'], row[f'{metric}_high']]
    value, spread, low, high = (f'{scale * part:{form}}' for part in parts)
    text = value if row['n_seeds'] == 1 else f'{value} ± {spread}'
    return f'{text} [{low}, {high}]'
