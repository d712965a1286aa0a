"""Training curves: reading the scalars of a run; losses and validation AUC over the epochs."""

from __future__ import annotations

import json
import math
import runpy
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from ..datasets.manipulations import ATTRIBUTES, altered_key, get_manipulation
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
)

_LOGS = '*/vis_data/scalars.json'  # of mmengine's LocalVisBackend: a folder for each start
_METRIC = 'deepfake/'  # before every result of DeepfakeMetric
_CE = 'CrossEntropyLoss'
_HALF_AND_HALF = ('PairedSampler', 'BalancedSampler')  # originals and manipulated videos

# a colour for each stream, a dash for each kind of loss, so that grey print tells them apart
_TERMS = {
    'binary.loss_ce': ('Binary CE', BLUE, '-'),
    'binary.loss_contrast': ('Binary contrastive', BLUE, '--'),
    'multi.loss_ce': ('Multi CE', VERMILLION, '-'),
    'multi.loss_contrast': ('Multi contrastive', VERMILLION, '--'),
}
_OF_LEVELS = ('.loss_binary', '.loss_global', '.loss_local')  # of language prompts


@dataclass(frozen=True)
class TrainingLog:
    """The scalars of one training run, resumed or not.

    Args:
        training (pandas.DataFrame): A row per logged iteration, sorted by its column ``step`` (from
            1), with ``epoch``, ``loss`` and whatever else the model logs.
        validation (pandas.DataFrame): A row per validation, indexed by the epoch that it followed;
            columns as DeepfakeMetric names its results, without its prefix: ``auc``, ``df/auc``.
        config (dict): The config of the run. Defaults to an empty one, not kept with the log.
    """

    training: pd.DataFrame
    validation: pd.DataFrame
    config: Dict[str, Any] = field(default_factory=dict)


def read_training_log(work_dir: Union[str, Path]) -> TrainingLog:
    """Read the scalars of the newest training in a work dir, of all its starts.

    A start whose first line is of the first ``default_hooks.logger.interval`` iterations is taken
    for a new training, and voids whatever was in the folder before.

    Args:
        work_dir (str | Path): Folder of a training run.

    Returns:
        TrainingLog: At least one training row.

    Raises:
        MMFakeError: There is no log, no training line in it, a broken line in the middle of it, or
            the config beside it cannot be read.
    """
    files = sorted(Path(work_dir).glob(_LOGS))  # the folders are named by the time of the start
    if not files:
        raise MMFakeError(
            f'{work_dir}: no training log ({_LOGS}) in this folder; '
            'give the work dir of a run of tools/train.py'
        )
    steps: Dict[int, Dict] = {}
    epochs: Dict[int, Dict] = {}
    config: Dict[str, Any] = {}
    for file in files:
        lines = _read_lines(file)
        training = [line for line in lines if 'loss' in line]
        if not training:  # killed before its first line, or a validation of some checkpoint
            continue
        if any('epoch' not in line for line in training):
            raise MMFakeError(
                f'{file}: a training line without epoch; set log_processor.by_epoch=True and an '
                'EpochBasedTrainLoop'
            )
        # what an earlier start did from here on has been done anew; a validation follows the last
        # step of its epoch, so that the one of the epoch in which this start begins is void too
        first, config = training[0], _read_config(file.with_name('config.py'))
        logger = (config.get('default_hooks') or {}).get('logger') or {}
        if first['epoch'] == 1 and first['step'] <= logger.get('interval', 10):
            steps, epochs = {}, {}  # from the beginning: another training, or this one once more
        steps = {step: line for step, line in steps.items() if step < first['step']}
        epochs = {epoch: line for epoch, line in epochs.items() if epoch < first['epoch']}
        steps.update((line['step'], line) for line in training)
        epochs.update((line['step'], line) for line in lines if f'{_METRIC}auc' in line)
    if not steps:
        raise MMFakeError(
            f'{files[-1]}: no training line yet; wait for the first one '
            '(default_hooks.logger.interval iterations)'
        )
    results = {
        epoch: {key[len(_METRIC) :]: line[key] for key in line if key.startswith(_METRIC)}
        for epoch, line in epochs.items()
    }
    return TrainingLog(
        pd.DataFrame(list(steps.values())).sort_values('step', ignore_index=True),
        pd.DataFrame.from_dict(results, orient='index').sort_index(),
        config,
    )


def _read_lines(file: Path) -> List[Dict[str, Any]]:
    """The JSON objects of a file, one a line; a last line that a kill cut short is left out."""
    texts = file.read_text(encoding='utf-8', errors='replace').splitlines()
    lines = []
    for number, text in enumerate(texts, 1):
        try:
            lines.append(json.loads(text))
        except ValueError:
            if number < len(texts):
                raise MMFakeError(
                    f'{file}:{number}: not a JSON object ({text[:40]!r}); delete this line'
                ) from None
    return lines


def _read_config(file: Path) -> Dict[str, Any]:
    """The config that mmengine dumped beside a log: plain Python without bases."""
    if not file.is_file():
        return {}
    try:
        return runpy.run_path(str(file))
    except Exception as error:  # a config is a program, anything can go wrong in it
        reason = ' '.join(str(error).split())
        raise MMFakeError(f'{file}: the config of the run cannot be read ({reason})') from None


def run_name(work_dir: Union[str, Path]) -> str:
    """Name a run after the newest config of a training in its folder, or else after the folder."""
    work_dir = Path(work_dir).resolve()
    found = [file for file in work_dir.glob('*.py') if not file.name.startswith('test_')]
    configs = sorted(found, key=lambda file: file.stat().st_mtime)
    return configs[-1].stem if configs else work_dir.name


def epochs_of(log: TrainingLog) -> Optional[pd.Series]:
    """Give the epochs done by each training row, 1.5 in the middle of epoch 2.

    None while the length of an epoch is not known, that is in the first.
    """
    ends = log.training.groupby('epoch')['step'].max().astype(float)
    if ends.index[-1] not in log.validation.index:  # this epoch may still be running
        if len(ends) == 1:
            return None
        length = ends.iloc[-2] / ends.index[-2]
        ends.iloc[-1] = max(ends.iloc[-1], length * ends.index[-1])
    places = np.interp(log.training['step'], [0, *ends], [0, *ends.index])
    return pd.Series(places, index=log.training.index)


def draw_training_curves(log: TrainingLog, name: str) -> Figure:
    """Draw losses and validation AUC of a training run, finished or not.

    Panel (a) has every loss term, panel (b) the validation AUC: all seen methods with their
    interval, each method, the chance level and the best epoch. The title names run and seed and
    says how many validation videos there are.

    Args:
        log (TrainingLog): The log.
        name (str): Name of the run in the title.

    Returns:
        Figure: 7.1 inches wide, drawn without pyplot.

    Raises:
        MMFakeError: If the table of manipulations lacks a method of the log.
    """
    with figure_style():
        figure = Figure(figsize=(7.1, 2.9), layout='constrained')
        left, right = figure.subplots(1, 2)
        _draw_losses(left, log)
        _draw_auc(right, log)
        for ax in (left, right):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        title = textwrap.fill(', '.join([name, *_facts(log)]), 100)  # as wide as the figure
        figure.suptitle(title, fontsize=8, fontweight='bold')
    return figure


def _facts(log: TrainingLog) -> List[str]:
    """What the title says beside the name, as far as it is known."""
    facts = []
    if log.config:
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


def _draw_losses(ax: Axes, log: TrainingLog) -> None:
    """Every loss term, their sum if there are several, and what a guess would cost."""
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
        guess, told = _blind_guess(log, key)
        if told:
            ax.axhline(guess, color=color, lw=0.7, ls=':')
            _note(ax, told, (0.99, guess), 1.5, color, ha='right')
    if len(training) == 1:  # a line of one point is not to be seen
        for line in lines:
            line.set_marker('o')

    # the time in which a queue was not yet full: a contrastive term grows with it
    fills = training.filter(regex=r'(^|\.)queue_fill$').min(axis=1)
    filling = fills.index[fills < 1]
    if len(filling):
        field = ax.axvspan(0, x[filling[-1]], color=GREY, alpha=0.2, lw=0, label='queue filling')
        ax.legend(handles=[field], loc='upper right', fontsize=6.5, frameon=False)

    ax.set_xlim(0, 1.03 * x.max())
    ax.set_ylim(0, (1.2 if len(filling) else 1.08) * ax.get_ylim()[1])  # 1.2: for the legend
    ax.set_xlabel('Iteration' if epochs is None else 'Epoch')
    fidelity = any(key.endswith(_OF_LEVELS) for key in terms)  # which is no logarithm
    ax.set_ylabel('Loss' if fidelity else 'Loss (nats)')
    window = log.config.get('log_processor', {}).get('window_size')
    ax.set_title(
        '(a) Training loss' + (f'\nmean of the last {window} iterations' if window else '')
    )
    label_lines(ax, lines)


def _blind_guess(log: TrainingLog, term: str) -> Tuple[float, str]:
    """What a guess costs that looks at no picture, and which; ``''`` if the config does not tell.

    That is the guess of the shares of the classes in a batch, where its sampler tells them, half
    originals and equal shares of each manipulation, else that of equal probabilities.
    """
    stream, _, loss = term.partition('.')
    settings = log.config.get('model', {}).get(stream) or {}
    head = settings.get('cls_head') or {}
    how, classes = head.get('loss_cls') or {}, head.get('num_classes')
    weight = settings.get('weight', 1) * how.get('loss_weight', 1)
    plain = not set(how) - {'type', 'loss_weight'} and how.get('type', _CE).split('.')[-1] == _CE
    hooks = log.config.get('custom_hooks') or []
    hooks = [hook for hook in hooks if str(hook.get('type')).endswith('DynamicWeightAverageHook')]
    is_weighed = any(term in hook['losses'] for hook in hooks)  # by another weight in each epoch
    if loss != 'loss_ce' or not classes or not plain or is_weighed:
        return math.nan, ''
    told = f'even guess, {"" if weight == 1 else f"{weight:g} "}ln {classes}'
    loader = log.config.get('train_dataloader') or {}
    sampler = str((loader.get('sampler') or {}).get('type')).split('.')[-1]
    if classes == 2 or sampler not in _HALF_AND_HALF:
        return weight * math.log(classes), told  # whatever the targets, so also smoothed ones
    if head.get('label_smoothing') or head.get('label_smooth_eps'):
        return math.nan, ''
    cost = weight * (math.log(2) + math.log(classes - 1) / 2)
    return cost, f'guess of the shares, {cost:.2f}'


def _note(ax: Axes, text: str, place: tuple, above: float, color: str, **options: str) -> None:
    """Write beside a horizontal line, at a share of the width and some points above it."""
    ax.annotate(
        text,
        xy=place,
        xycoords=('axes fraction', 'data'),
        xytext=(0, above),
        textcoords='offset points',
        va='bottom' if above > 0 else 'top',
        fontsize=6.5,
        color=color,
        path_effects=[withStroke(linewidth=2, foreground='white')],  # a curve may pass behind it
        **options,
    )


def _draw_auc(ax: Axes, log: TrainingLog) -> None:
    """The AUC of all seen methods with their interval, of each method, and the best epoch.

    The best epoch is the first one with the highest AUC, as ``CheckpointHook.save_best`` has it.
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
    attributes = {f'{altered_key(name)}/auc' for name in ATTRIBUTES}  # of prompts, not methods
    for key in (key for key in frame if key.endswith('/auc') and key not in attributes):
        method = get_manipulation(key[: -len('/auc')])
        look = method_look(method.key, {})  # the same, whichever is held out
        options = dict(color=look['color'], ls=look['linestyle'], marker=marker)
        lines += ax.plot(frame.index, frame[key], lw=0.8, label=method.name, **options)
    options = dict(color=BLACK, lw=1.6, marker=marker, label='All seen methods')
    lines += ax.plot(frame.index, frame['auc'], **options)

    best = frame['auc'].idxmax()
    title, number = '(b) Validation AUC', f'{frame["auc"][best]:.3f}'
    if 'auc_low' in frame:
        low, high = frame['auc_low'], frame['auc_high']
        title += f', {100 * _confidence(log.config):g} % interval in grey'
        number += f' [{low[best]:.3f}, {high[best]:.3f}]'
        if len(frame) == 1:
            sizes = [frame['auc'] - low, high - frame['auc']]
            ax.errorbar(frame.index, frame['auc'], yerr=sizes, color=GREY, lw=0.8, capsize=2)
        else:
            ax.fill_between(frame.index, low, high, color=BLACK, alpha=0.12, lw=0)
    ax.axhline(0.5, color=GREY, lw=0.7, ls=':')
    _note(ax, 'chance', (0.01, 0.5), -1.5, GREY)
    ax.axvline(best, color=BLACK, lw=0.6, ls='--')
    open_dot = dict(ms=5, mfc='white', mec=BLACK, clip_on=False, zorder=3)
    ax.plot([best], [frame['auc'][best]], 'o', **open_dot)
    ax.set_title(f'{title}\nbest: epoch {best}, {number}')

    ax.set_xlim(0, 1.03 * max(frame.index.max(), log.training['epoch'].max()))
    ax.set_ylim(min(0.4, ax.get_ylim()[0]), 1.01)
    ax.set_xlabel('Epoch')
    ax.set_ylabel('AUC')
    label_lines(ax, lines)


def _confidence(config: Dict[str, Any]) -> float:
    """The level of the intervals: what the config says, or else the metric's own."""
    evaluators = config.get('val_evaluator') or []
    evaluators = [evaluators] if isinstance(evaluators, dict) else evaluators
    return next((one['confidence'] for one in evaluators if 'confidence' in one), 0.95)
