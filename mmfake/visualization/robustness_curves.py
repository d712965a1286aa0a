"""Robustness curves: AUC by level of degradation, one panel a kind."""

from __future__ import annotations

from typing import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..evaluation.robustness_table import CLEAN, MEAN
from .style import GREY, figure_style, letter, panel_grid, series_look, set_title


def draw_robustness_curves(table: pd.DataFrame, kinds: Sequence[str], title: str = '') -> Figure:
    """Draw the AUC of each detector from the clean videos, level 0, to the strongest level.

    Bands are 95 % intervals over videos. The dotted line is chance.

    Args:
        table (pandas.DataFrame): As
            :func:`~mmfake.evaluation.robustness_table.robustness_table` makes it.
        kinds (Sequence[str]): One panel each.
        title (str): Title of the figure. Defaults to ``''``.

    Returns:
        Figure: 7 inches wide, or 4.3 with a single panel.
    """
    detectors = list(dict.fromkeys(table['detector']))
    cells = table[table['level'] != MEAN].assign(at=lambda rows: rows['level'].astype(int))
    lowest = min(0.45, cells['low'].min(), cells['value'].min())
    with figure_style():
        figure, axes = panel_grid(len(kinds), 1.9, 4, sharey=True)
        for place, (ax, kind) in enumerate(zip(axes, kinds)):
            ax.axhline(0.5, color=GREY, lw=0.7, ls=':')
            for number, detector in enumerate(detectors):
                mine = cells[(cells['detector'] == detector) & cells['kind'].isin([CLEAN, kind])]
                mine = mine.sort_values('at')
                look = series_look(number)
                ax.plot(mine['at'], mine['value'], marker='o', **look)
                band = mine['at'], mine['low'], mine['high']
                ax.fill_between(*band, color=look['color'], alpha=0.12, lw=0)
            ax.set_title(f'{letter(place)} {kind}')
            ax.set_xticks(sorted(cells['at'].unique()))
            ax.set_ylim(max(0, lowest - 0.02), 1.005)
            ax.set_xlabel('Level (0: clean)')
        axes[0].set_ylabel('Video AUC')
        handles = [
            Line2D([], [], label=name, marker='o', **series_look(number))
            for number, name in enumerate(detectors)
        ]
        legend = dict(loc='outside lower center', fontsize=7, frameon=False, handlelength=2.6)
        figure.legend(handles=handles, ncols=min(len(detectors), 3), **legend)
        set_title(figure, title, 'bands: 95 % intervals over videos')
    return figure
