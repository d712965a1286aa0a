"""Checkpoint files: an atomic file backend, and the latest whole checkpoint of a work dir."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import List, Optional, Union

from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..compat.checkpoint_contents import check_contents
from ..compat.checkpoints import safe_load
from ..errors import MMFakeError, first_line, sample_of
from ..files import atomic_file


@register_backend('atomic', force=True)
class AtomicLocalBackend(LocalBackend):
    """mmengine's local file backend, whose ``put`` cannot leave half a checkpoint behind.

    The parent writes in place: a run killed meanwhile, or a full disk, leaves a truncated file
    under the name that the next ``--resume`` trusts. Chosen with
    ``backend_args=dict(backend='atomic')``.
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write to a temporary name, through to the disk, and rename.

        Args:
            obj (bytes): Content.
            filepath (str | Path): Where it goes; missing folders are made.

        Raises:
            MMFakeError: If it cannot be written, e.g. on a full disk; what was there stays.
        """
        with atomic_file(filepath, 'the checkpoint') as temporary:
            try:
                with open(temporary, 'wb') as file:
                    file.write(obj)
                    file.flush()
                    os.fsync(file.fileno())  # or a power cut may leave the new name without content
            except OSError as error:
                raise MMFakeError(
                    f'{filepath}: the checkpoint cannot be written ({error.strerror or error}); '
                    'those before it are whole: make room and go on with --resume'
                ) from None


def explain_misfits(runner: Runner) -> None:
    """Let a runner say in one line that a checkpoint does not fit it."""
    load_or_resume = runner.load_or_resume

    def explained() -> None:
        try:
            load_or_resume()
        except MMFakeError:
            raise
        except (
            AttributeError,
            IndexError,
            KeyError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            raise MMFakeError(
                f'{runner._load_from}: damaged or of another config ({type(error).__name__}: '
                f'{first_line(error)}); resume with the config it was trained with'
            ) from None

    runner.load_or_resume = explained


def latest_checkpoint(work_dir: str, out_dir: str, filename_tmpl: str) -> Optional[str]:
    """Find the newest checkpoint that is whole.

    That is the one ``last_checkpoint`` names, unless it is missing, truncated or otherwise
    unreadable: then the one before, i.e. with the next lower number, and a line says so. A higher
    number is left over from another run in the same folder; it counts only if ``last_checkpoint``
    names none, and a line says that too.

    Args:
        work_dir (str): Folder of ``last_checkpoint``.
        out_dir (str): Folder of the checkpoints.
        filename_tmpl (str): Their names, e.g. ``'epoch_{}.pth'``.

    Returns:
        str | None: Its path, or None if there is no checkpoint at all.

    Raises:
        MMFakeError: If there are checkpoints and none is whole.
    """
    candidates = found = numbered(Path(out_dir), filename_tmpl)
    pointer = Path(work_dir, 'last_checkpoint')
    named = _named(pointer, Path(out_dir))
    remarks: List[str] = []
    if named is not None:
        last = _number(named, filename_tmpl)
        candidates = [named]
        candidates += [p for p in found if last is None or _number(p, filename_tmpl) < last]
    elif found:
        remarks.append(f'{pointer} names no checkpoint: the highest number counts.')
    for path in candidates:
        fault = _fault(path)
        if fault is None:
            if remarks:
                before = '' if path == candidates[0] else 'the one before: '
                print_log(
                    f'{sample_of(remarks)} Going on from {before}{path}.',
                    logger='current',
                    level=logging.WARNING,
                )
            return str(path)
        remarks.append(fault)
    if not remarks:
        return None
    others = sample_of([path.name for path in found if path not in candidates], 2)
    raise MMFakeError(
        f'{work_dir}: none of its checkpoints can be resumed from; {sample_of(remarks, 2)} '
        + (f'{others}: of another run, by the number. ' if others else '')
        + 'Train anew without --resume, or give --resume another file.'
    )


def numbered(folder: Path, filename_tmpl: str) -> List[Path]:
    """List the checkpoints of a folder, highest number first.

    Args:
        folder (Path): The folder.
        filename_tmpl (str): Their names, e.g. ``'epoch_{}.pth'``.

    Returns:
        list[Path]: Those that are there.
    """
    numbers = {path: _number(path, filename_tmpl) for path in folder.glob('*')}
    found = [path for path, number in numbers.items() if number is not None]
    return sorted(found, key=numbers.__getitem__, reverse=True)


def _number(path: Path, filename_tmpl: str) -> Optional[int]:
    before, after = re.split(r'\{.*?\}', filename_tmpl, maxsplit=1)
    match = re.fullmatch(re.escape(before) + r'(\d+)' + re.escape(after), path.name)
    return int(match[1]) if match else None


def _named(pointer: Path, out_dir: Path) -> Optional[Path]:
    """What ``last_checkpoint`` names: a path from where training ran, so look beside it first."""
    try:
        written = pointer.read_text(errors='replace').strip().replace('\0', '')
    except FileNotFoundError:
        return None
    if not written:  # cut off by a crash of the machine
        return None
    beside = out_dir / Path(written).name
    return beside if beside.is_file() else Path(written)


def _fault(path: Path) -> Optional[str]:
    """What keeps a file from being resumed from, None if nothing does."""
    if not path.is_file():
        return f'{path}: no such checkpoint file.'
    try:
        check_contents(safe_load(str(path), 'cpu'), str(path), resume=True)
    except MMFakeError as error:
        return str(error)
    return None
