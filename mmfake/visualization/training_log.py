"""What a training run has logged so far."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

import pandas as pd
from mmengine.config import Config
from mmengine.logging import print_log

from ..errors import MMFakeError

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
