"""ROC curves."""

from __future__ import annotations

from typing import Callable, List, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.metrics import roc_auc_score, roc_curve

from ..evaluation.run_scores import RunScores
from .figure_style import GREY, figure_style
from .looks import series_look
from .panel_grid import letter, panel_grid


def draw_roc_curves(
    runs: Sequence[RunScores],
    title: str = '',
    row_name: Callable[[str], str] = str,
    column_name: Callable[[str], str] = str,
) -> Figure:
    """Draw the ROC curve of each regime, one panel a hold-out.

    With several seeds it is the mean of their curves at equal false positive rates. The AUCs
    are means over seeds. A dot marks the threshold 0.5, with one seed.

    Args:
        runs (Sequence[RunScores]): The runs.
        title (str): Title of the figure. Defaults to ``''``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.
        column_name (Callable): Gives the name of a hold-out. Defaults to the key.

    Returns:
        Figure: 7 inches wide, or 4.3 with a single panel.
    """
    holdouts = list(dict.fromkeys(run.holdout for run in runs))
    regimes = list(dict.fromkeys(run.regime for run in runs))
    with figure_style():
        figure, axes = panel_grid(len(holdouts), 2.9, 2)
        for place, (ax, holdout) in enumerate(zip(axes, holdouts)):
            found = [run for run in runs if run.holdout == holdout]
            _draw_panel(ax, found, regimes, row_name)
            counts = {tuple(run.counts().values())[2:] for run in found}
            n = 'n = {} + {}'.format(*counts.pop()) if len(counts) == 1 else 'n differs'
            ax.set_title(f'{letter(place)} {column_name(holdout)}, {n}')
        if len(regimes) > 1:
            handles = [
                Line2D([], [], label=row_name(regime), **series_look(place))
                for place, regime in enumerate(regimes)
            ]
            figure.legend(
                handles=handles,
                loc='outside lower center',
                ncols=min(len(regimes), 3 if len(holdouts) > 1 else 2),
                fontsize=7,
                frameon=False,
                handlelength=2.6,
            )
        if title:
            figure.suptitle(title, fontsize=8)
    return figure


def _draw_panel(
    ax: Axes, runs: Sequence[RunScores], regimes: List[str], row_name: Callable[[str], str]
) -> None:
    grid = np.linspace(0, 1, 501)
    ax.plot([0, 1], [0, 1], color=GREY, lw=0.7, ls=':')
    lines, undefined = {}, []
    for place, regime in enumerate(regimes):
        pairs = [
            (run.scored['label'].to_numpy(), run.scored['score'].to_numpy())
            for run in runs
            if run.regime == regime
        ]
        if not pairs:
            continue
        if any(len(np.unique(labels)) < 2 for labels, _ in pairs):
            undefined.append(row_name(regime))
            continue
        auc = np.mean([roc_auc_score(*pair) for pair in pairs])
        curves = [roc_curve(*pair)[:2] for pair in pairs]
        if len(curves) == 1:
            fpr, tpr = curves[0]
        else:
            fpr = np.r_[0, grid]  # the step at 0 stays
            tpr = np.r_[0, np.mean([np.interp(grid, *curve) for curve in curves], axis=0)]
        (line,) = ax.plot(fpr, tpr, **series_look(place))
        lines[line] = auc
        if len(pairs) == 1:
            labels, scores = pairs[0]
            called = scores >= 0.5
            point = [called[labels == 0].mean()], [called[labels == 1].mean()]
            ax.plot(*point, 'o', ms=4, mfc='white', mec=line.get_color(), clip_on=False, zorder=3)
    ordered = sorted(lines, key=lines.get, reverse=True)
    ax.legend(
        ordered,
        [f'{lines[line]:.3f}' for line in ordered],
        title='AUC' + ''.join(f'\n{name}: one class only' for name in undefined),
        title_fontsize=6.5,
        fontsize=6.5,
        loc='lower right',
        frameon=False,
        handlelength=2.6,
        alignment='left',
    )
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.005)
    ax.set_aspect('equal')
    ax.set_xlabel('False positive rate (originals called manipulated)')
    ax.set_ylabel('True positive rate')
