"""The loss terms of a training run."""

from __future__ import annotations

import math
from typing import Optional

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .figure_style import BLUE, CYCLE, GREY, VERMILLION
from .line_labels import label_lines
from .training_log import TrainingLog

# A colour for each stream, a dash for each kind of loss, so that grey print tells them apart.
_TERMS = {
    'binary.loss_ce': ('Binary CE', BLUE, '-'),
    'binary.loss_contrast': ('Binary contrastive', BLUE, '--'),
    'multi.loss_ce': ('Multi CE', VERMILLION, '-'),
    'multi.loss_contrast': ('Multi contrastive', VERMILLION, '--'),
}


def epochs_of(log: TrainingLog) -> Optional[pd.Series]:
    """Place the logged iterations on an axis of epochs.

    Args:
        log (TrainingLog): The log.

    Returns:
        pandas.Series | None: For each training row the epochs done by then, 1.5 in the middle of
        epoch 2; None while the length of an epoch is not known, that is in the first.
    """
    ends = log.training.groupby('epoch')['step'].max().astype(float)
    if ends.index[-1] not in log.validation.index:  # this epoch may still be running
        if len(ends) == 1:
            return None
        length = ends.iloc[-2] / ends.index[-2]
        ends.iloc[-1] = max(ends.iloc[-1], length * ends.index[-1])
    places = np.interp(log.training['step'], [0, *ends], [0, *ends.index])
    return pd.Series(places, index=log.training.index)


def draw_losses(ax: Axes, log: TrainingLog) -> None:
    """Draw every loss term, and their sum if there are several.

    Dotted lines show the cross entropy of an even guess, the logarithm of the number of classes.
    The grey field marks the time in which the queue of a contrastive term was not yet full: the
    term grows with it.

    Args:
        ax (Axes): Where to draw.
        log (TrainingLog): The log.
    """
    training = log.training
    epochs = epochs_of(log)
    x = training['step'] if epochs is None else epochs
    terms = [key for key in training if 'loss' in key and key != 'loss']

    lines = []
    if len(terms) != 1:
        lines += ax.plot(x, training['loss'], color=GREY, lw=0.8, ls='-.', label='Sum')
    others = iter(CYCLE * (1 + len(terms)))
    for key in terms:
        name, color, dash = _TERMS.get(key) or (key, next(others), '-')
        lines += ax.plot(x, training[key], color=color, ls=dash, label=name)
        classes = _n_classes(log, key)
        if classes:
            ax.axhline(math.log(classes), color=color, lw=0.7, ls=':')
            ax.annotate(
                f'even guess, ln {classes}',
                xy=(0.99, math.log(classes)),
                xycoords=('axes fraction', 'data'),
                xytext=(0, 1.5),
                textcoords='offset points',
                ha='right',
                va='bottom',
                fontsize=6.5,
                color=color,
            )
    headroom = 1.08
    filling = _last_filling(training)
    if filling is not None:
        headroom = 1.2  # for the legend
        ax.axvspan(0, x[filling], color=GREY, alpha=0.2, lw=0, label='queue filling')
        ax.legend(handles=ax.patches[-1:], loc='upper right', fontsize=6.5, frameon=False)
    if len(training) == 1:  # a line of one point is not to be seen
        for line in lines:
            line.set_marker('o')

    ax.set_xlim(0, 1.03 * x.max())
    ax.set_ylim(0, headroom * ax.get_ylim()[1])
    ax.set_xlabel('Iteration' if epochs is None else 'Epoch')
    window = log.config.get('log_processor', {}).get('window_size') if log.config else None
    ax.set_ylabel('Loss (nats)')
    ax.set_title(
        f'(a) Training loss\nmean of the last {window} iterations'
        if window
        else '(a) Training loss'
    )
    label_lines(ax, lines)


def _n_classes(log: TrainingLog, term: str) -> Optional[int]:
    """The classes that a cross entropy tells apart, if the config says so."""
    stream, _, loss = term.partition('.')
    if loss != 'loss_ce' or log.config is None:
        return None
    return ((log.config.get('model', {}).get(stream) or {}).get('cls_head') or {}).get(
        'num_classes'
    )


def _last_filling(training: pd.DataFrame) -> Optional[int]:
    """The last row in which a queue was not full."""
    fills = training.filter(regex=r'(^|\.)queue_fill$').min(axis=1)
    filling = fills.index[fills < 1]
    return filling[-1] if len(filling) else None
