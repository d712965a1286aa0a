"""The figure of a training run: losses and validation AUC."""

from __future__ import annotations

import json
import logging
import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from mmengine.config import Config
from mmengine.logging import print_log

from ..datasets.protocol import get_manipulation
from ..errors import MMFakeError
from .style import (
    BLACK,
    BLUE,
    CYCLE,
    GREY,
    VERMILLION,
    figure_style,
    label_lines,
    method_look,
    save_figure,
)

_PREFIX = 'deepfake/'  # of every result of DeepfakeMetric
_LOGS = '*/vis_data/[0-9]*.json'  # beside each stands scalars.json, a second copy


@dataclass(frozen=True)
class TrainingLog:
    """The scalars of one training run, resumed or not.

    Args:
        training (pandas.DataFrame): A row per logged iteration, sorted by its column ``step`` (from
            1) and with the columns ``epoch``, ``loss`` and whatever else the model logs.
        validation (pandas.DataFrame): A row per validation, indexed by the epoch (from 1) that it
            followed; columns as :class:`mmfake.DeepfakeMetric` names its results, without its
            prefix: ``auc``, ``auc_low``, ``df/auc``. Empty if there was none.
        config (Config, optional): The config of the run. Defaults to None, not kept with the log.
    """

    training: pd.DataFrame
    validation: pd.DataFrame
    config: Optional[Config] = None


def read_training_log(work_dir: Union[str, Path]) -> TrainingLog:
    """Read the log of a work dir as mmengine's ``LocalVisBackend`` writes it.

    Each start of the training has a folder of its own, named by its time. They are joined in this
    order, and where one begins at or before what an earlier one reached, the later one counts. A
    last line that a kill has cut short is left out with a note.

    Args:
        work_dir (str | Path): Folder of a training run.

    Returns:
        TrainingLog: At least one training row.

    Raises:
        MMFakeError: There is no log, no training line in it, a broken line in the middle of it, or
            the config beside it cannot be read.
    """
    work_dir = Path(work_dir)
    files = sorted(work_dir.glob(_LOGS))
    if not files:
        raise MMFakeError(
            f'{work_dir}: no training log ({_LOGS}) in this folder; '
            'give the work dir of a run of tools/train.py'
        )
    training: List[Dict[str, Any]] = []
    validation: List[Dict[str, Any]] = []
    last = None
    for file in files:
        lines = _read_lines(file)
        steps = [line for line in lines if 'loss' in line]
        if not steps:  # killed before its first line, or a validation of some checkpoint
            continue
        if any('epoch' not in line for line in steps):
            raise MMFakeError(
                f'{file}: a training line without epoch; set log_processor.by_epoch=True and an '
                'EpochBasedTrainLoop'
            )
        last, first = file, steps[0]
        training = [line for line in training if line['step'] < first['step']] + steps
        # a validation follows the last step of its epoch, so that this epoch has been replaced too
        validation = [line for line in validation if line['step'] < first['epoch']]
        validation += [line for line in lines if f'{_PREFIX}auc' in line]
    if last is None:
        raise MMFakeError(
            f'{files[-1]}: no training line yet; wait for the first one '
            '(default_hooks.logger.interval iterations)'
        )
    return TrainingLog(_training_frame(training), _validation_frame(validation), _config_of(last))


def _training_frame(lines: List[Dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(lines).drop_duplicates('step', keep='last')
    return frame.sort_values('step', ignore_index=True)


def _validation_frame(lines: List[Dict[str, Any]]) -> pd.DataFrame:
    rows = {
        line['step']: {
            key[len(_PREFIX) :]: value for key, value in line.items() if key.startswith(_PREFIX)
        }
        for line in lines
    }
    return pd.DataFrame.from_dict(rows, orient='index').rename_axis('epoch').sort_index()


def _read_lines(file: Path) -> List[Dict[str, Any]]:
    """The JSON objects of a file, one a line."""
    texts = [
        (number, text)
        for number, text in enumerate(
            file.read_text(encoding='utf-8', errors='replace').splitlines(), 1
        )
        if text.strip()
    ]
    lines = []
    for number, text in texts:
        try:
            lines.append(json.loads(text))
        except ValueError:
            if number != texts[-1][0]:
                raise MMFakeError(
                    f'{file}:{number}: not a JSON object ({text[:40]!r}); delete this line'
                ) from None
            print_log(
                f'{file}:{number}: the last line is cut short and left out',
                logger='current',
                level=logging.WARNING,
            )
    return lines


def _config_of(log: Path) -> Optional[Config]:
    """The config that mmengine dumped beside a log; its custom imports are imported."""
    file = log.with_name('config.py')
    if not file.is_file():
        return None
    try:
        return Config.fromfile(file)
    except Exception as error:  # a config is a program, anything can go wrong in it
        reason = ' '.join(str(error).split())
        raise MMFakeError(
            f'{file}: the config of the run cannot be read ({reason}); start where its '
            'custom_imports can be imported'
        ) from None


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


def plot_training_curves(work_dir: Union[str, Path], out_files: Sequence[Union[str, Path]]) -> None:
    """Draw losses and validation AUC of a training run, finished or not.

    Panel (a) has every loss term by epoch, panel (b) the validation AUC: all seen methods with
    their interval, each method, the chance level and the best epoch. The title names config and
    seed and says how many validation videos there are.

    Args:
        work_dir (str | Path): Folder of the run, as :func:`.read_training_log` reads it.
        out_files (Sequence[str | Path]): Files to write, ``.png``, ``.svg`` or ``.pdf``.

    Raises:
        MMFakeError: The log cannot be read, a method has no name or a file cannot be written.
    """
    log = read_training_log(work_dir)
    figure = draw_training_curves(log, run_name(work_dir))
    for out_file in out_files:
        save_figure(figure, out_file)


def draw_training_curves(log: TrainingLog, name: str) -> Figure:
    """Draw the figure of :func:`plot_training_curves`, as wide as a two-column page.

    Args:
        log (TrainingLog): The log.
        name (str): Name of the run in the title.

    Returns:
        Figure: Drawn without pyplot, so that no window system and no global figure is involved.
    """
    with figure_style():
        figure = Figure(figsize=(7.1, 2.9), layout='constrained')  # inches
        left, right = figure.subplots(1, 2)
        draw_losses(left, log)
        draw_auc(right, log)
        for ax in (left, right):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        title = textwrap.fill(', '.join([name, *_facts(log)]), 100)  # as wide as the figure
        figure.suptitle(title, fontsize=8, fontweight='bold')
    return figure


def run_name(work_dir: Union[str, Path]) -> str:
    """Name a run after its config.

    Args:
        work_dir (str | Path): Folder of the run, where the Runner leaves a copy of the config.

    Returns:
        str: Name of the newest config in the folder, or else of the folder.
    """
    work_dir = Path(work_dir).resolve()
    configs = sorted(work_dir.glob('*.py'), key=lambda file: file.stat().st_mtime)
    return configs[-1].stem if configs else work_dir.name


def _facts(log: TrainingLog) -> Sequence[str]:
    facts = []
    if log.config is not None:
        seed = (log.config.get('randomness') or {}).get('seed')
        facts.append('random seed' if seed is None else f'seed {seed}')
    if 'n_scored' in log.validation:
        # the epoch that scored the fewest, lest a loss of videos goes unseen
        row = log.validation.loc[log.validation['n_scored'].idxmin()]
        scored, expected = int(row['n_scored']), int(row['n_expected'])
        number = f'{scored}' if scored == expected else f'{scored} of {expected}'
        facts.append(
            f'{number} validation videos ({row["n_original"]:.0f} original, '
            f'{row["n_manipulated"]:.0f} manipulated)'
        )
    return facts
