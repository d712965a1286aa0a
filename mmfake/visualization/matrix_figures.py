"""Figures of regimes by held-out manipulations: heat map, confidence intervals."""

from __future__ import annotations

import math
import textwrap
from typing import Callable, Dict, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluation.scores import RunScores
from ..evaluation.statistics import binary_metrics
from ..evaluation.tables import MEAN
from .style import (
    GREY,
    figure_style,
    hide_frame,
    letter,
    panel_grid,
    series_look,
    set_title,
    text_color,
)

_LABEL = 40  # letters in a line of the name of a row

# heading, scale and form of the numbers, value of a coin
_METRICS = {
    'acc': ('Accuracy at 0.5 (%)', 100, '.1f', 50),
    'auc': ('Video AUC', 1, '.3f', 0.5),
}


def draw_heat_map(
    table: pd.DataFrame,
    title: str = '',
    row_name: Callable[[str], str] = str,
    column_name: Callable[[str], str] = str.upper,
) -> Figure:
    """Draw accuracy and AUC of every cell, with the numbers in the cells.

    A number is the mean over seeds; below it stands the standard deviation over seeds, if there are
    several. The colours reach from chance to perfect, so equal colours mean equal values in every
    such figure. A cell without runs is white with a dash.

    Args:
        table (pandas.DataFrame): As :func:`~mmfake.evaluation.tables.grid_table` makes it.
        title (str): Title of the figure; seeds and number of videos follow it. Defaults to ``''``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.
        column_name (Callable): Gives the name of a hold-out. Defaults to the key in capitals.

    Returns:
        Figure: 7 inches wide.
    """
    regimes = list(dict.fromkeys(table['regime']))
    holdouts = list(dict.fromkeys(table['holdout']))
    cells = {(row['regime'], row['holdout']): row for _, row in table.iterrows()}
    with figure_style():
        figure, axes = panel_grid(2, 0.6 + 0.33 * len(regimes), sharey=True)
        for place, (ax, metric) in enumerate(zip(axes, _METRICS)):
            _heat_panel(ax, cells, regimes, holdouts, metric)
            ax.set_title(f'{letter(place)} {_METRICS[metric][0]}')
            names = [MEAN if name == MEAN else column_name(name) for name in holdouts]
            ax.set_xticks(range(len(holdouts)), names)
            ax.set_yticks(range(len(regimes)), [row_name(name) for name in regimes])
            ax.set_xlabel('Held-out manipulation')
        set_title(figure, ', '.join(filter(None, [title, _facts(table)])))
    return figure


def _heat_panel(ax: Axes, cells: Dict, regimes: list, holdouts: list, metric: str) -> None:
    _, scale, form, chance = _METRICS[metric]
    values = np.full((len(regimes), len(holdouts)), np.nan)
    for (regime, holdout), row in cells.items():
        values[regimes.index(regime), holdouts.index(holdout)] = scale * row[metric]
    image = ax.imshow(values, cmap='cividis', vmin=chance, vmax=scale, aspect='auto')
    for y, regime in enumerate(regimes):
        for x, holdout in enumerate(holdouts):
            row, value = cells.get((regime, holdout)), values[y, x]
            if math.isnan(value):
                ax.text(x, y, '–', ha='center', va='center')
                continue
            color = text_color(image.cmap(image.norm(value)))
            look = dict(ha='center', va='center', color=color)
            several = row['n_seeds'] > 1
            ax.text(x, y - 0.15 * several, f'{value:{form}}', fontsize=7, **look)
            if several:
                spread = scale * row[f'{metric}_sd_seeds']
                ax.text(x, y + 0.24, f'± {spread:{form}}', fontsize=5.5, **look)
    if MEAN in holdouts:
        ax.axvline(holdouts.index(MEAN) - 0.5, color='white', lw=2.5)
    hide_frame(ax)


def _facts(table: pd.DataFrame) -> str:
    """Seeds and numbers of videos of the cells."""
    cells = table[table['holdout'] != MEAN]
    parts = []
    for key, word in (('n_original', 'originals'), ('n_manipulated', 'manipulated')):
        low, high = int(cells[key].min()), int(cells[key].max())
        parts.append(f'{low} {word}' if low == high else f'{low} to {high} {word}')
    low, high = cells['n_seeds'].min(), cells['n_seeds'].max()
    seeds = f'{low}' if low == high else f'{low} to {high}'
    text = f'n = {" + ".join(parts)} a cell'
    return text if high == 1 else f'{text}, mean ± SD of {seeds} seeds'


def draw_intervals(
    table: pd.DataFrame,
    runs: Sequence[RunScores],
    metric: str = 'auc',
    title: str = '',
    row_name: Callable[[str], str] = str,
    column_name: Callable[[str], str] = str,
) -> Figure:
    """Draw each regime with its interval, one panel a hold-out.

    A dot is the mean over seeds, a line its 95 % interval over videos. Crosses are single seeds,
    where there are several: their spread is not part of the interval.

    Args:
        table (pandas.DataFrame): As :func:`~mmfake.evaluation.tables.grid_table` makes it.
        runs (Sequence[RunScores]): The runs that it was made of.
        metric (str): ``'auc'`` or ``'acc'``. Defaults to ``'auc'``.
        title (str): Title of the figure. Defaults to ``''``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.
        column_name (Callable): Gives the name of a hold-out. Defaults to the key.

    Returns:
        Figure: 7 inches wide.
    """
    scale = _METRICS[metric][1]
    regimes = list(dict.fromkeys(table['regime']))
    holdouts = list(dict.fromkeys(table['holdout']))
    with figure_style():
        figure, axes = panel_grid(len(holdouts), 0.8 + 0.2 * len(regimes), 3, sharey=True)
        for place, (ax, holdout) in enumerate(zip(axes, holdouts)):
            cells = table[table['holdout'] == holdout].set_index('regime')
            seeds = {
                regime: [run for run in runs if (run.regime, run.holdout) == (regime, holdout)]
                for regime in regimes
            }
            _interval_panel(ax, cells, regimes, seeds, metric)
            ax.set_title(f'{letter(place)} {_panel_title(cells, holdout, column_name)}', fontsize=7)
        low = min(ax.get_xlim()[0] for ax in axes)
        for ax in axes:  # alike, and the perfect end is always seen
            ax.set_xlim(low, 1.01 * scale)
        labels = [textwrap.fill(row_name(name), _LABEL) for name in regimes]
        axes[0].set_yticks(range(len(regimes)), labels)
        note = 'dot and line: mean and 95 % interval over videos'
        if (table['n_seeds'] > 1).any():
            note += '; crosses: single seeds'
        set_title(figure, title, note)
    return figure


def _interval_panel(
    ax: Axes,
    cells: pd.DataFrame,
    regimes: Sequence[str],
    seeds: Dict[str, Sequence[RunScores]],
    metric: str,
) -> None:
    heading, scale, _, chance = _METRICS[metric]
    for y, regime in enumerate(regimes):
        if regime not in cells.index:
            continue
        row, color = cells.loc[regime], series_look(y)['color']
        ends = [scale * row[f'{metric}_low'], scale * row[f'{metric}_high']]
        ax.plot(ends, [y, y], '-', color=color, lw=1.6)
        ax.plot([scale * row[metric]], [y], 'o', color=color, ms=3.2)
        if len(seeds[regime]) > 1:
            values = [scale * _metric_of(run, metric) for run in seeds[regime]]
            ax.plot(values, [y + 0.28] * len(values), 'kx', ms=2.5)
    ax.axvline(chance, color=GREY, lw=0.7, ls=':')
    ax.set_ylim(len(regimes) - 0.4, -0.6)
    ax.grid(axis='x', lw=0.3, color='#cccccc')
    ax.set_axisbelow(True)
    ax.set_xlabel(heading, fontsize=7)
    ax.tick_params(axis='x', labelsize=6.5)


def _metric_of(run: RunScores, metric: str) -> float:
    scored = run.scored
    return binary_metrics(scored['label'].to_numpy(), scored['score'].to_numpy())[metric]


def _panel_title(cells: pd.DataFrame, holdout: str, column_name: Callable[[str], str]) -> str:
    if holdout == MEAN:
        return 'Mean\n'
    numbers = cells[['n_original', 'n_manipulated']].drop_duplicates()
    n = 'n = {:.0f} + {:.0f}'.format(*numbers.iloc[0]) if len(numbers) == 1 else 'n differs'
    return f'{column_name(holdout)}\n{n}'
