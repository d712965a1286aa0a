"""Gradient conflict: cosine and ratio of the gradients of the losses on the encoder."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from .style import GREY, figure_style, letter, series_look
from .training_curves import TrainingLog, epochs_of

_PANELS = {
    'conflict/cos/': 'Cosine of the gradients',
    'conflict/ratio/': 'Ratio of the gradient norms',
}


def has_conflict(log: TrainingLog) -> bool:
    """Tell whether a run had a ``GradientConflictHook`` and measured a pair of losses."""
    return any(key.startswith(tuple(_PANELS)) for key in log.training)


def draw_gradient_conflict(log: TrainingLog, name: str) -> Figure:
    """Draw what ``GradientConflictHook`` measured, over training.

    Panel (a) has the cosine of the gradients of each pair of losses on the encoder: below 0 they
    conflict. Panel (b) has the ratio of their norms: at 1 both pull equally hard. A row of the log
    holds the latest measurement, so that equal neighbours may be the same one.

    Args:
        log (TrainingLog): The log, with at least one measurement.
        name (str): Name of the run in the title.

    Returns:
        Figure: 7.1 inches wide.
    """
    training = log.training
    epochs = epochs_of(log)
    x = training['step'] if epochs is None else epochs
    with figure_style():
        figure = Figure(figsize=(7.1, 2.7), layout='constrained')
        axes = figure.subplots(1, 2)
        for place, (ax, (prefix, title)) in enumerate(zip(axes, _PANELS.items())):
            pairs = [key for key in training if key.startswith(prefix)]
            even = 0 if place == 0 else 1
            ax.axhline(even, color=GREY, lw=0.7, ls=':')
            for number, key in enumerate(pairs):
                a, b = key[len(prefix) :].split(',')
                label = f'{a} and {b}' if place == 0 else f'{a} / {b}'
                ax.step(x, training[key], where='post', label=label, **series_look(number))
            if place == 0:
                ax.set_ylim(-1.02, 1.02)
                values = training[pairs]
                below = 100 * (values < 0).sum().sum() / values.notna().sum().sum()
                title = f'{title}, {below:.0f} % below 0'
            else:
                ax.set_yscale('log')
                ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                ax.yaxis.set_major_formatter('{x:g}')
                ax.yaxis.set_minor_formatter(NullFormatter())
            ax.set_title(f'{letter(place)} {title}')
            ax.set_xlabel('Iteration' if epochs is None else 'Epoch')
            ax.legend(fontsize=6.5, frameon=False, loc='best')
        figure.suptitle(f'{name}: gradients on the encoder', fontsize=8, fontweight='bold')
    return figure
