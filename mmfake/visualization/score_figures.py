"""Figures of scored videos: ROC curves, score histograms, confusion matrices."""

from __future__ import annotations

import textwrap
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.metrics import roc_auc_score, roc_curve

from ..datasets.manipulations import ORIGINAL, method_name
from ..evaluation.scores import RunScores
from .style import (
    BLACK,
    GREY,
    figure_style,
    hide_frame,
    letter,
    method_look,
    panel_grid,
    series_look,
    set_title,
    text_color,
)

_BINS = np.linspace(0, 1, 21)
_LONG_NAME = 36  # letters; of longer names one is as wide as the figure

_Shares = Tuple[str, int, np.ndarray]  # method, number of videos, percentage of them in each bin
_Calls = Tuple[str, float, float]  # name, videos called original, videos called manipulated


def draw_roc_curves(
    runs: Sequence[RunScores],
    title: str = '',
    row_name: Callable[[str], str] = str,
    column_name: Callable[[str], str] = str,
) -> Figure:
    """Draw the ROC curve of each regime, one panel a hold-out.

    With several seeds it is the mean of their curves at equal false positive rates. The AUCs
    are means over seeds. A dot marks the run's threshold, 0.5 where it has none, with one seed.

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
            _roc_panel(ax, found, regimes, row_name)
            counts = {tuple(run.counts().values())[2:] for run in found}
            n = 'n = {} + {}'.format(*counts.pop()) if len(counts) == 1 else 'n differs'
            ax.set_title(f'{letter(place)} {column_name(holdout)}, {n}')
        if len(regimes) > 1:
            short = max(len(row_name(regime)) for regime in regimes) <= _LONG_NAME
            handles = [
                Line2D([], [], label=row_name(regime), **series_look(place))
                for place, regime in enumerate(regimes)
            ]
            figure.legend(
                handles=handles,
                loc='outside lower center',
                ncols=min(len(regimes), 3 if len(holdouts) > 1 else 2) if short else 1,
                fontsize=7,
                frameon=False,
                handlelength=2.6,
            )
        alone = len({(run.regime, run.holdout) for run in runs}) == len(runs)
        note = 'dot: the threshold from validation or given, 0.5 where there is none'
        set_title(figure, title, note if alone else '')
    return figure


def _roc_panel(
    ax: Axes, runs: Sequence[RunScores], regimes: List[str], row_name: Callable[[str], str]
) -> None:
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
        (line,) = ax.plot(*_mean_curve(pairs), **series_look(place))
        lines[line] = np.mean([roc_auc_score(*pair) for pair in pairs])
        if len(pairs) == 1:
            labels, scores = pairs[0]
            (run,) = (run for run in runs if run.regime == regime)
            called = scores >= _level(run)
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


def _level(run: RunScores, threshold: Optional[float] = None) -> float:
    """The threshold given, else the run's own, else 0.5."""
    level = run.threshold if threshold is None else threshold
    return 0.5 if level is None else level


def _mean_curve(pairs: Sequence[Tuple[np.ndarray, np.ndarray]]) -> Tuple[np.ndarray, np.ndarray]:
    """False and true positive rates of the mean curve of some (labels, scores)."""
    curves = [roc_curve(*pair)[:2] for pair in pairs]
    if len(curves) == 1:
        return curves[0]
    grid = np.linspace(0, 1, 501)
    mean = np.mean([np.interp(grid, *curve) for curve in curves], axis=0)
    return np.r_[0, grid], np.r_[0, mean]  # the step at 0 stays


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
            _histogram_panel(ax, rows, highest, others)
            ax.axvline(0.5, color=GREY, lw=0.7, ls=':')
            if run.threshold is not None:
                ax.axvline(run.threshold, color=BLACK, lw=0.7, ls='--')
            ax.set_title(f'{letter(place)} {row_name(run.regime)}', fontsize=7)
            ax.set_xlabel('Score (1: manipulated)', fontsize=7)
        note = f'share of the videos of a method (n in brackets); a row is {highest:.0f} % high'
        set_title(figure, title, note)
    return figure


def _shares(run: RunScores) -> List[_Shares]:
    """Method, number of videos and percentage of them in each bin; originals first."""
    scored = run.scored
    rows = []
    for label, method in sorted(set(zip(scored['label'], scored['method']))):
        mine = (scored['method'] == method) & (scored['label'] == label)
        counts = np.histogram(scored.loc[mine, 'score'], _BINS)[0]
        rows.append((method, int(mine.sum()), 100 * counts / mine.sum()))
    return rows


def _histogram_panel(
    ax: Axes, rows: Sequence[_Shares], highest: float, others: Dict[str, int]
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


def draw_confusion(
    runs: Sequence[RunScores],
    threshold: Optional[float] = 0.5,
    title: str = '',
    row_name: Callable[[str], str] = str,
) -> Figure:
    """Draw the confusion by method, one panel a regime.

    The rows of a panel are the methods of its runs, and its originals: of each hold-out where the
    networks differ (a cross-manipulation table), once where all methods were judged by one network.
    A number is the videos so called, the mean over seeds; the colour is their share of the row.

    Args:
        runs (Sequence[RunScores]): The runs.
        threshold (float, optional): A video whose score is at least this is called manipulated;
            None for the threshold of each run, which the titles of the panels then say.
            Defaults to 0.5.
        title (str): Title of the figure. Defaults to ``''``.
        row_name (Callable): Gives the name of a regime. Defaults to the key.

    Returns:
        Figure: 7 inches wide, or 4.3 with a single panel.
    """
    regimes = list(dict.fromkeys(run.regime for run in runs))
    calls = {
        regime: _calls([run for run in runs if run.regime == regime], threshold)
        for regime in regimes
    }
    longest = max(map(len, calls.values()))
    with figure_style():
        figure, axes = panel_grid(len(regimes), 0.75 + 0.19 * longest, 3)
        for place, (ax, regime) in enumerate(zip(axes, regimes)):
            _confusion_panel(ax, calls[regime])
            name = f'{letter(place)} {row_name(regime)}'
            if threshold is None:
                (level,) = {_level(run) for run in runs if run.regime == regime}
                name += f', threshold {level:.4g}'
            ax.set_title(textwrap.fill(name, 26), fontsize=7)  # as wide as the panel
        note = 'videos by true method (rows) and what they are called'
        note += '' if threshold is None else f' at threshold {threshold:g}'
        set_title(figure, title, note)
    return figure


def _calls(runs: Sequence[RunScores], threshold: Optional[float]) -> List[_Calls]:
    """Of each hold-out and method the videos called original and manipulated, mean over seeds."""
    holdouts = list(dict.fromkeys(run.holdout for run in runs))
    rows: List[_Calls] = []
    for holdout in holdouts:
        mine = [run for run in runs if run.holdout == holdout]
        frames, levels = [run.scored for run in mine], [_level(run, threshold) for run in mine]
        methods = {pair for one in frames for pair in zip(one['label'], one['method'])}
        for label, method in sorted(methods):
            called = [
                one.loc[(one['method'] == method) & (one['label'] == label), 'score'] >= level
                for one, level in zip(frames, levels)
            ]
            name = method_name(method)
            if method == ORIGINAL and len(holdouts) > 1:
                name = f'{name} (beside {holdout.upper()})'
            originals, fakes = [(~one).sum() for one in called], [one.sum() for one in called]
            rows.append((name, np.mean(originals), np.mean(fakes)))
    return rows


def _confusion_panel(ax: Axes, rows: Sequence[_Calls]) -> None:
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
    hide_frame(ax)
