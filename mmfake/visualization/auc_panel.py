"""The validation AUC of a training run."""

from __future__ import annotations

from typing import Optional

from matplotlib.axes import Axes
from mmengine.config import Config

from ..datasets.manipulations import get_manipulation
from .figure_style import BLACK, GREY
from .line_labels import label_lines
from .looks import method_look
from .training_log import TrainingLog

_SUFFIX = '/auc'


def draw_auc(ax: Axes, log: TrainingLog) -> None:
    """Draw the AUC by epoch: all seen methods with their interval, and each method.

    The best epoch, the first one with the highest AUC, is marked, and the title says its AUC: that
    checkpoint is kept as long as ``default_hooks.checkpoint.save_best='deepfake/auc'``.

    Args:
        ax (Axes): Where to draw.
        log (TrainingLog): The log.

    Raises:
        MMFakeError: If the table of manipulations lacks a method of the log.
    """
    ax.set_title('(b) Validation AUC')
    frame = log.validation
    if 'auc' not in frame or frame['auc'].isna().all():
        reason = 'No validation yet' if frame.empty else 'AUC is undefined: one class only'
        ax.text(0.5, 0.5, reason, transform=ax.transAxes, ha='center', color=GREY)
        ax.set_axis_off()
        return

    marker = 'o' if len(frame) == 1 else None
    lines = []
    for key in (key for key in frame if key.endswith(_SUFFIX)):
        method = get_manipulation(key[: -len(_SUFFIX)])
        # a method looks the same in every figure, whichever is held out
        look = method_look(method.key, {})
        lines += ax.plot(
            frame.index,
            frame[key],
            lw=0.8,
            color=look['color'],
            ls=look['linestyle'],
            marker=marker,
            label=method.name,
        )
    lines += ax.plot(
        frame.index, frame['auc'], color=BLACK, lw=1.6, marker=marker, label='All seen methods'
    )
    has_interval = 'auc_low' in frame
    if has_interval and len(frame) == 1:
        sizes = [frame['auc'] - frame['auc_low'], frame['auc_high'] - frame['auc']]
        ax.errorbar(frame.index, frame['auc'], yerr=sizes, color=GREY, lw=0.8, capsize=2)
    elif has_interval:
        ax.fill_between(
            frame.index, frame['auc_low'], frame['auc_high'], color=BLACK, alpha=0.12, lw=0
        )
    ax.axhline(0.5, color=GREY, lw=0.7, ls=':')
    ax.annotate(
        'chance',
        xy=(0.01, 0.5),
        xycoords=('axes fraction', 'data'),
        xytext=(0, -1.5),
        textcoords='offset points',
        va='top',
        fontsize=6.5,
        color=GREY,
    )
    _mark_best(ax, log)

    ax.set_xlim(0, 1.03 * max(frame.index.max(), log.training['epoch'].max()))
    ax.set_ylim(min(0.4, ax.get_ylim()[0]), 1.01)
    ax.set_xlabel('Epoch')
    ax.set_ylabel('AUC')
    label_lines(ax, lines)


def _mark_best(ax: Axes, log: TrainingLog) -> None:
    frame = log.validation
    epoch = frame['auc'].idxmax()
    best = frame.loc[epoch]
    ax.axvline(epoch, color=BLACK, lw=0.6, ls='--')
    ax.plot([epoch], [best['auc']], 'o', ms=5, mfc='white', mec=BLACK, clip_on=False, zorder=3)
    title, number = '(b) Validation AUC', f'{best["auc"]:.3f}'
    if 'auc_low' in frame:
        title += f', {100 * _confidence(log.config):g} % interval in grey'
        number += f' [{best["auc_low"]:.3f}, {best["auc_high"]:.3f}]'
    ax.set_title(f'{title}\nbest: epoch {epoch}, {number}')


def _confidence(config: Optional[Config]) -> float:
    """The level of the intervals: what the config says, or else the metric's own."""
    evaluators = (config or {}).get('val_evaluator') or []
    evaluators = evaluators if isinstance(evaluators, (list, tuple)) else [evaluators]
    return next((one['confidence'] for one in evaluators if 'confidence' in one), 0.95)
