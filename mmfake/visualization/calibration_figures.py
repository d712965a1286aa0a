"""Calibration figures: reliability diagram, and accuracy by coverage."""

from __future__ import annotations

from typing import Mapping, Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluation.calibration import coverage_curve, reliability, temper
from ..evaluation.scores import RunScores
from .style import BLUE, GREY, VERMILLION, figure_style, letter, panel_grid, series_look, set_title

_AS_GIVEN = dict(color=VERMILLION, marker='o')
_TEMPERED = dict(color=BLUE, marker='s', ls='--')


def draw_reliability(
    runs: Sequence[RunScores], temperatures: Mapping[str, Optional[float]], title: str = ''
) -> Figure:
    """Draw reliability diagrams, one panel a run: before and after the temperature.

    A point is a bin of a tenth; its bar is the 95 % interval of the share of manipulated videos,
    each class counting half. The number above is how many videos the bin holds, as given.

    Args:
        runs (Sequence[RunScores]): The runs, each with both classes.
        temperatures (Mapping[str, float | None]): ``regime`` -> temperature of validation.
        title (str): Title of the figure. Defaults to ''.

    Returns:
        Figure: 7 inches wide, or 4.3 with a single panel.
    """
    with figure_style():
        figure, axes = panel_grid(len(runs), 2.7, 2)
        for place, (ax, run) in enumerate(zip(axes, runs)):
            labels, scores = run.scored['label'].to_numpy(), run.scored['score'].to_numpy()
            ax.plot([0, 1], [0, 1], color=GREY, lw=0.7, ls=':')
            _points(ax, labels, scores, 'scores as given', numbered=True, **_AS_GIVEN)
            temperature = temperatures.get(run.regime)
            if temperature is not None:
                name = f'temperature {temperature:.3g}'
                _points(ax, labels, temper(scores, temperature), name, **_TEMPERED)
            counts = run.counts()
            n = f'n = {counts["n_original"]} + {counts["n_manipulated"]}'
            ax.set_title(f'{letter(place)} {run.regime}, {n}', fontsize=7)
            ax.set_xlim(0, 1)
            ax.set_ylim(0, 1.04)
            ax.set_aspect('equal')
            ax.set_xlabel('Probability said')
            ax.set_ylabel('Share that is manipulated')
            ax.legend(fontsize=6.5, framealpha=0.9, edgecolor='none', loc='lower right')
        set_title(figure, title, 'each class counts half; bars: 95 % intervals')
    return figure


def _points(
    ax: Axes,
    labels: np.ndarray,
    probabilities: np.ndarray,
    name: str,
    numbered: bool = False,
    **look: str,
) -> None:
    table = reliability(labels, probabilities)
    ends = np.array([table['share'] - table['low'], table['high'] - table['share']]).clip(0)
    ax.errorbar(
        table['probability'], table['share'], yerr=ends, label=name, lw=1, elinewidth=0.6, **look
    )
    for row in table.to_dict('records') if numbered else ():
        place = row['probability'], 1.01
        ax.annotate(str(row['n']), place, fontsize=5.5, ha='center', color=look['color'])


def draw_coverage(
    runs: Sequence[RunScores], temperatures: Mapping[str, Optional[float]], title: str = ''
) -> Figure:
    """Draw the accuracy on the most confident videos by the share of videos that is judged.

    A video is called at the threshold of its run, 0.5 where there is none. Bands are exact 95 %
    intervals.

    Args:
        runs (Sequence[RunScores]): The runs.
        temperatures (Mapping[str, float | None]): ``regime`` -> temperature of validation.
        title (str): Title of the figure. Defaults to ''.

    Returns:
        Figure: 4.3 inches wide.
    """
    with figure_style():
        figure, (ax,) = panel_grid(1, 2.9)
        for place, run in enumerate(runs):
            arrays = run.scored['label'].to_numpy(), run.scored['score'].to_numpy()
            level = 0.5 if run.threshold is None else run.threshold
            curve = coverage_curve(*arrays, level, temperatures.get(run.regime) or 1.0)
            look = series_look(place)
            n = f'{run.regime} (n = {len(arrays[0])})'
            ax.plot(curve['coverage'], curve['accuracy'], label=n, **look)
            band = curve['coverage'], curve['low'], curve['high']
            ax.fill_between(*band, color=look['color'], alpha=0.12, lw=0)
        ax.set_xlim(0, 1)
        ax.set_ylim(min(0.45, ax.get_ylim()[0]), 1.01)
        ax.set_xlabel('Coverage (share of the videos that is judged, the most confident first)')
        ax.set_ylabel('Accuracy of these')
        ax.legend(fontsize=6.5, frameon=False, loc='lower left')
        set_title(figure, title, 'bands: 95 % intervals')
    return figure
