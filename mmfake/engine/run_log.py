"""Log of a run: what the host says at length is folded, warnings of the set-up come last again."""

from __future__ import annotations

import logging
import os
import re
from datetime import datetime, timedelta
from typing import Any, Dict, List

from mmengine.dist import broadcast_object_list
from mmengine.logging import MMLogger
from mmengine.runner import Runner

_START = '%Y%m%d_%H%M%S'  # mmengine's name of a start
_PARAMWISE, _HOOKS = 'paramwise_options -- ', 'Hooks will be executed in'
# what mmengine says of its own old names, which nobody has to do anything about
_OF_THE_HOST = ('"FileClient" will be deprecated', '"HardDiskBackend" is the alias')
# and, for each of them, of parameters that a config freezes
_FROZEN = 'is skipped since its requires_grad=False'


class BriefLog(logging.Filter):
    """Folds what the host logs at length, and keeps the warnings of the set-up.

    Args:
        paramwise (str): The line that stands for the hundreds of ``paramwise_options``.
    """

    def __init__(self, paramwise: str) -> None:
        super().__init__()
        self.paramwise = paramwise
        self.warnings: List[str] = []
        self.of_weights: List[str] = []  # those that were told while weights were initialised
        self.is_set_up = False
        self._told = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Fold a record, or keep it if it is a warning."""
        text = str(record.msg)
        if text.startswith(_OF_THE_HOST) or text.endswith(_FROZEN):
            return False
        if text.startswith(_PARAMWISE):
            told, self._told = self._told, True
            record.msg, record.args = self.paramwise, ()
            return not told
        if text.startswith(_HOOKS):
            record.msg, record.args = f'Hooks: {", ".join(_hooks_in(text))}.', ()
        elif record.levelno == logging.WARNING and not self.is_set_up and text not in self.warnings:
            self.warnings.append(text)
        return True


def _hooks_in(table: str) -> List[str]:
    """The names in mmengine's table of hooks, in the order in which they come up."""
    lines = [line.split(')') for line in table.splitlines() if line.startswith('(')]
    return list(dict.fromkeys(parts[-1].strip() for parts in lines))


def paramwise_line(cfg: Dict[str, Any]) -> str:
    """What ``optim_wrapper.paramwise_cfg`` says, e.g. ``'backbone lr x 0.1, the rest x 1'``."""
    paramwise = dict((cfg.get('optim_wrapper') or {}).get('paramwise_cfg') or {})
    words = dict(lr_mult='lr', decay_mult='weight decay')
    parts = [
        f'{key} {words.get(name, name)} x {value}'
        for key, options in (paramwise.pop('custom_keys', None) or {}).items()
        for name, value in options.items()
    ]
    parts += [f'{name}={value}' for name, value in paramwise.items()]
    return f'Options of the optimizer by parameter: {", ".join(parts)}, the rest x 1.'


class BriefRunner(Runner):
    """mmengine's Runner with a log that is folded from its first line on."""

    def setup_env(self, env_cfg: Dict[str, Any]) -> None:
        """Set up processes and seeds, and name this start later than all before it.

        Starts are read in the order of their names, which are their times: a clock that has been
        set back since, or another time zone, would put this one before what it goes on from.
        """
        super().setup_env(env_cfg)
        name = [_later_start(self.work_dir, self._timestamp)]
        broadcast_object_list(name)
        self._timestamp = name[0]

    def build_logger(self, *args, **kwargs) -> MMLogger:
        """Build the logger."""
        logger = super().build_logger(*args, **kwargs)
        logger.addFilter(BriefLog(paramwise_line(self.cfg)))
        return logger

    def _init_model_weights(self) -> None:
        """Initialise the weights, and note what was told of them."""
        logs = [part for part in self.logger.filters if isinstance(part, BriefLog)]
        before = [len(part.warnings) for part in logs]
        super()._init_model_weights()
        for part, first in zip(logs, before):
            part.of_weights += part.warnings[first:]


def _later_start(work_dir: str, now: str) -> str:
    """The name of a start, a second later than the latest in the folder if that is later."""
    starts = [name for name in os.listdir(work_dir) if re.fullmatch(r'\d{8}_\d{6}', name)]
    latest = max(starts, default='')
    if latest < now:
        return now
    return (datetime.strptime(latest, _START) + timedelta(seconds=1)).strftime(_START)


def repeat_warnings(logger: logging.Logger, when: str) -> None:
    """Log the warnings of the set-up again, and keep no further ones.

    mmengine shows the same warning once, so ``when`` has to be another one each time.
    """
    for part in logger.filters:
        if isinstance(part, BriefLog):
            part.is_set_up = True
            for text in part.warnings:
                logger.warning(f'{when}: {text}')


def warnings_so_far() -> List[str]:
    """The warnings of the set-up of the run that is under way."""
    filters = MMLogger.get_current_instance().filters
    return [text for part in filters if isinstance(part, BriefLog) for text in part.warnings]


def forget_warnings(logger: logging.Logger) -> None:
    """Drop the warnings of the initial weights, as others have replaced these."""
    for part in logger.filters:
        if isinstance(part, BriefLog):
            part.warnings = [text for text in part.warnings if text not in part.of_weights]
