"""Training and test of one cell."""

from __future__ import annotations

import contextlib
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Mapping, Optional, Sequence

from mmengine.config import Config

from ...errors import MMFakeError
from .cell import Cell
from .cell_commands import CellCommands
from .cell_config import SETTINGS_RULES, fingerprint, first_difference, settings_of
from .cell_folder import CellFolder
from .cell_lock import CellBusyError, cell_lock
from .cell_record import has_record, is_made_from_best, make_record, read_record, write_record
from .child_processes import ChildProcesses
from .last_error import last_error


@dataclass(frozen=True)
class Outcome:
    """How a cell ended.

    Args:
        cell (Cell): The cell.
        state (str): ``'finished'``, ``'skipped'`` (it was finished before), ``'failed'`` or
            ``'busy'`` (another process works on it).
        reason (str): Why it failed, in one line. Defaults to ``''``.
    """

    cell: Cell
    state: str
    reason: str = ''

    @property
    def ok(self) -> bool:
        """bool: Whether the cell is finished."""
        return self.state in ('finished', 'skipped')


def is_finished(folder: CellFolder, cfg: Config) -> bool:
    """Whether a cell need not be run: its scores are of its best checkpoint, by these settings.

    Args:
        folder (CellFolder): Folder of the cell.
        cfg (Config): What it is to be trained with.

    Returns:
        bool: True if so.

    Raises:
        MMFakeError: It was trained with other settings.
    """
    record = None
    with contextlib.suppress(MMFakeError):  # it is run again
        record = read_record(folder)
    if record and record['settings'] == fingerprint(settings_of(cfg)):
        return is_made_from_best(folder, record)
    before = folder.training_config()
    if before is not None or record:
        difference = 'its logs are gone'
        if before is not None:
            difference = first_difference(settings_of(before), settings_of(cfg))
        if difference:
            raise MMFakeError(
                f'{folder.path}: was trained with other settings ({difference}); remove this '
                'folder or choose another --work-dir'
            )
    if record and record.get('settings_rules') != SETTINGS_RULES:  # the logs say it is the same
        return is_made_from_best(folder, record)
    return False


def run_cell(
    cell: Cell,
    cfg: Config,
    commands: CellCommands,
    children: ChildProcesses,
    begin: Callable[[Cell], None],
    place: int = 0,
    environment: Optional[Mapping[str, str]] = None,
    tidy: bool = False,
) -> Outcome:
    """Train and test a cell, or what is left to do of it.

    Args:
        cell (Cell): The cell.
        cfg (Config): Its config.
        commands (CellCommands): Writes its commands.
        children (ChildProcesses): Runs them.
        begin (Callable): Is told if there is something to do.
        place (int): Place of the cell in the matrix. Defaults to 0.
        environment (Mapping, optional): Environment of the commands. Defaults to None, that of
            this process.
        tidy (bool): Whether the checkpoints that only ``--resume`` needs are removed from a
            finished cell. Defaults to False.

    Returns:
        Outcome: How it ended; a mistake in one cell is no reason to end the others.

    Raises:
        InterruptedCommand: The commands are being ended.
    """
    folder = CellFolder(commands.work_dir / cell.name)
    try:
        with cell_lock(folder.path) as lock:
            if is_finished(folder, cfg):
                return Outcome(cell, 'skipped')
            begin(cell)
            begun = time.monotonic()
            # a kill may have come after the test; with a record, these are not its scores
            if has_record(folder) or not folder.is_tested():
                words = commands.train(cell, place)
                _run(children, words, folder.path / 'train.log', lock, environment)
                words = commands.test(cell, folder.best_checkpoint(), place)
                _run(children, words, folder.path / 'test.log', lock, environment)
            command = ' '.join(map(shlex.quote, commands.train(cell, place)))
            record = make_record(cell, folder, cfg, command)
            # of this start alone: what was done before an interruption is not in it
            record['seconds'] = round(time.monotonic() - begun, 1)
            write_record(folder, record)
            if tidy:
                _tidy(folder.path)
            return Outcome(cell, 'finished')
    except CellBusyError as error:
        return Outcome(cell, 'busy', str(error))
    except (MMFakeError, OSError) as error:
        return Outcome(cell, 'failed', str(error))


def _run(
    children: ChildProcesses,
    words: Sequence[str],
    log: Path,
    lock: Optional[int],
    environment: Optional[Mapping[str, str]],
) -> None:
    status = children.run(words, log, lock, environment)
    if status:
        raise MMFakeError(f'{last_error(log, status)} [{log}]')


def _tidy(folder: Path) -> None:
    for pattern in ('epoch_*.pth', 'iter_*.pth'):
        for path in folder.glob(pattern):
            path.unlink()
