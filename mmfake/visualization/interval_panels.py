"""How sure a table is of its numbers."""

from __future__ import annotations

from typing import Callable, Sequence

import pandas as pd
from matplotlib.figure import Figure

from ..evaluation.binary_metrics import binary_metrics
from ..evaluation.grid_table import MEAN
from ..evaluation.run_scores import RunScores
from .figure_style import GREY, figure_style
from .looks import series_look
from .panel_grid import letter, panel_grid

_AXES = {'auc': ('Video AUC', 1, 0.5), 'acc': ('Accuracy at 0.5 (%)', 100, 50)}


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
        table (pandas.DataFrame): As :func:`~mmfake.evaluation.grid_table.grid_table` makes it.
        runs (Sequence[RunScores]): The runs that it was made of.
        metric (str): ``'auc'`` or ``'acc'``. Defaults to ``'auc'``.
        title (str): Title of the figure. Defaults to ``''``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.
        column_name (Callable): Gives the name of a hold-out. Defaults to the key.

    Returns:
        Figure: 7 inches wide.
    """
    heading, scale, chance = _AXES[metric]
    regimes = list(dict.fromkeys(table['regime']))
    holdouts = list(dict.fromkeys(table['holdout']))
    with figure_style():
        figure, axes = panel_grid(len(holdouts), 0.8 + 0.2 * len(regimes), 3, sharey=True)
        for place, (ax, holdout) in enumerate(zip(axes, holdouts)):
            cells = table[table['holdout'] == holdout].set_index('regime')
            for y, regime in enumerate(regimes):
                if regime not in cells.index:
                    continue
                row, color = cells.loc[regime], series_look(y)['color']
                ends = [scale * row[f'{metric}_low'], scale * row[f'{metric}_high']]
                ax.plot(ends, [y, y], '-', color=color, lw=1.6)
                ax.plot([scale * row[metric]], [y], 'o', color=color, ms=3.2)
                seeds = _seed_values(runs, regime, holdout, metric)
                if len(seeds) > 1:
                    ax.plot(
                        [scale * value for value in seeds], [y + 0.28] * len(seeds), 'kx', ms=2.5
                    )
            ax.axvline(chance, color=GREY, lw=0.7, ls=':')
            ax.set_title(f'{letter(place)} {_panel_title(cells, holdout, column_name)}', fontsize=7)
            ax.set_ylim(len(regimes) - 0.4, -0.6)
            ax.grid(axis='x', lw=0.3, color='#cccccc')
            ax.set_axisbelow(True)
            ax.set_xlabel(heading, fontsize=7)
            ax.tick_params(axis='x', labelsize=6.5)
        low = min(ax.get_xlim()[0] for ax in axes)
        for ax in axes:  # alike, and the perfect end is always seen
            ax.set_xlim(low, 1.01 * scale)
        axes[0].set_yticks(range(len(regimes)), [row_name(name) for name in regimes])
        note = 'dot and line: mean and 95 % interval over videos'
        if (table['n_seeds'] > 1).any():
            note += '; crosses: single seeds'
        figure.suptitle('\n'.join(filter(None, [title, note])), fontsize=8)
    return figure


def _seed_values(
    runs: Sequence[RunScores], regime: str, holdout: str, metric: str
) -> Sequence[float]:
    scored = [run.scored for run in runs if (run.regime, run.holdout) == (regime, holdout)]
    return [
        binary_metrics(one['label'].to_numpy(), one['score'].to_numpy())[metric] for one in scored
    ]


def _panel_title(cells: pd.DataFrame, holdout: str, column_name: Callable[[str], str]) -> str:
    if holdout == MEAN:
        return 'Mean\n'
    numbers = cells[['n_original', 'n_manipulated']].drop_duplicates()
    n = 'n = {:.0f} + {:.0f}'.format(*numbers.iloc[0]) if len(numbers) == 1 else 'n differs'
    return f'{column_name(holdout)}\n{n}'
