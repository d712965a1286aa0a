"""Who is taken for what."""

from __future__ import annotations

import textwrap
from typing import Callable, List, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..datasets.manipulations import ORIGINAL
from ..evaluation.run_scores import RunScores
from .figure_style import figure_style
from .looks import method_name, text_color
from .panel_grid import letter, panel_grid

_Row = Tuple[str, float, float]  # name, videos called original, videos called manipulated


def draw_confusion(
    runs: Sequence[RunScores],
    threshold: float = 0.5,
    title: str = '',
    row_name: Callable[[str], str] = str,
) -> Figure:
    """Draw the confusion by method, one panel a regime.

    The rows of a panel are the methods of its runs, and its originals: of each hold-out where the
    networks differ (a cross-manipulation table), once where all methods were judged by one network.
    A number is the videos so called, the mean over seeds; the colour is their share of the row.

    Args:
        runs (Sequence[RunScores]): The runs.
        threshold (float): A video whose score is at least this is called manipulated.
            Defaults to 0.5.
        title (str): Title of the figure. Defaults to ``''``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.

    Returns:
        Figure: 7 inches wide, or 4.3 with a single panel.
    """
    regimes = list(dict.fromkeys(run.regime for run in runs))
    rows = {
        regime: _rows([run for run in runs if run.regime == regime], threshold)
        for regime in regimes
    }
    longest = max(map(len, rows.values()))
    with figure_style():
        figure, axes = panel_grid(len(regimes), 0.75 + 0.19 * longest, 3)
        for place, (ax, regime) in enumerate(zip(axes, regimes)):
            _draw_panel(ax, rows[regime])
            name = textwrap.fill(f'{letter(place)} {row_name(regime)}', 26)  # as wide as the panel
            ax.set_title(name, fontsize=7)
        note = f'videos by true method (rows) and what they are called at threshold {threshold:g}'
        figure.suptitle('\n'.join(filter(None, [title, note])), fontsize=8)
    return figure


def _rows(runs: Sequence[RunScores], threshold: float) -> List[_Row]:
    holdouts = list(dict.fromkeys(run.holdout for run in runs))
    rows: List[_Row] = []
    for holdout in holdouts:
        frames = [run.scored for run in runs if run.holdout == holdout]
        methods = sorted(
            {(label, name) for one in frames for label, name in zip(one['label'], one['method'])}
        )
        for label, method in methods:
            called = [
                one.loc[(one['method'] == method) & (one['label'] == label), 'score'] >= threshold
                for one in frames
            ]
            name = method_name(method)
            if method == ORIGINAL and len(holdouts) > 1:
                name = f'{name} (beside {holdout.upper()})'
            rows.append(
                (
                    name,
                    np.mean([(~one).sum() for one in called]),
                    np.mean([one.sum() for one in called]),
                )
            )
    return rows


def _draw_panel(ax: Axes, rows: Sequence[_Row]) -> None:
    counts = np.array([row[1:] for row in rows])  # (rows, 2)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
    image = ax.imshow(shares, cmap='Blues', vmin=0, vmax=1, aspect='auto')
    for y, x in np.ndindex(*counts.shape):
        number = f'{counts[y, x]:.1f}'.replace('.0', '')
        text = f'{number} ({100 * shares[y, x]:.0f} %)'
        color = text_color(image.cmap(image.norm(shares[y, x])))
        ax.text(x, y, text, ha='center', va='center', fontsize=6, color=color)
    ax.set_xticks([0, 1], ['called\noriginal', 'called\nmanipulated'], fontsize=6.5)
    ax.set_yticks(range(len(rows)), [row[0] for row in rows], fontsize=6.5)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)
