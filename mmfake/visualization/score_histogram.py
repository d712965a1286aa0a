"""How scores are spread."""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..evaluation.run_scores import RunScores
from .figure_style import BLACK, GREY, figure_style
from .looks import method_look, method_name
from .panel_grid import letter, panel_grid

_BINS = np.linspace(0, 1, 21)


def draw_score_histogram(
    runs: Sequence[RunScores],
    title: str = '',
    row_name: Callable[[str], str] = str,
) -> Figure:
    """Draw a histogram of the scores of each method, one panel a run.

    The height is the share of the method's own videos, so that methods with few are seen as well;
    the scale is the same in the whole figure, which says how high a row is. A dotted line marks
    0.5, a dashed one the run's own threshold.

    Args:
        runs (Sequence[RunScores]): The runs, each with any number of methods.
        title (str): Title of the figure. Defaults to ``''``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.

    Returns:
        Figure: 7 inches wide, or 4.3 with a single panel.
    """
    shares = [_shares(run) for run in runs]
    highest = max(max(heights) for rows in shares for _, _, heights in rows)
    n_rows = max(map(len, shares))
    others: Dict[str, int] = {}
    with figure_style():
        figure, axes = panel_grid(len(runs), 0.75 + 0.3 * n_rows, 3)
        for place, (ax, run, rows) in enumerate(zip(axes, runs, shares)):
            _draw_panel(ax, rows, highest, others)
            ax.axvline(0.5, color=GREY, lw=0.7, ls=':')
            if run.threshold is not None:
                ax.axvline(run.threshold, color=BLACK, lw=0.7, ls='--')
            ax.set_title(f'{letter(place)} {row_name(run.regime)}', fontsize=7)
            ax.set_xlabel('Score (1: manipulated)', fontsize=7)
        note = f'share of the videos of a method (n in brackets); a row is {highest:.0f} % high'
        figure.suptitle('\n'.join(filter(None, [title, note])), fontsize=8)
    return figure


def _shares(run: RunScores) -> List[Tuple[str, int, np.ndarray]]:
    """Method, number of videos and percentage of them in each bin; originals first."""
    scored = run.scored
    rows = []
    for label, method in sorted(set(zip(scored['label'], scored['method']))):
        mine = (scored['method'] == method) & (scored['label'] == label)
        counts = np.histogram(scored.loc[mine, 'score'], _BINS)[0]
        rows.append((method, int(mine.sum()), 100 * counts / mine.sum()))
    return rows


def _draw_panel(
    ax: Axes,
    rows: Sequence[Tuple[str, int, np.ndarray]],
    highest: float,
    others: Dict[str, int],
) -> None:
    for y, (method, _, heights) in enumerate(rows):
        color = method_look(method, others)['color']
        # rows grow upwards from their line; 0.9 leaves a gap to the next one
        ax.stairs(y - 0.9 * heights / highest, _BINS, baseline=y, fill=True, color=color)
        ax.axhline(y, color=GREY, lw=0.4)
    ax.set_yticks(
        [y - 0.3 for y in range(len(rows))],
        [f'{method_name(method)} ({n})' for method, n, _ in rows],
        fontsize=6.5,
    )
    ax.tick_params(axis='y', length=0)
    ax.spines['left'].set_visible(False)
    ax.set_xlim(0, 1)
    ax.set_ylim(len(rows) - 0.9, -1)
