"""Checkpoint files: atomic file backend, latest whole checkpoint, one line for one that misfits."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

from mmengine.fileio import LocalBackend, register_backend
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..compat.checkpoints import safe_load
from ..errors import MMFakeError, sample_of
from ..files import atomic_file

# of the state of a schedule: how far it is, not what the config says
_PROGRESS = ('base_values', 'last_step', '_global_step', '_last_value', 'verbose')


@register_backend('atomic', force=True)
class AtomicLocalBackend(LocalBackend):
    """mmengine's local file backend, whose ``put`` cannot leave half a checkpoint behind.

    The parent writes in place: a run killed meanwhile, or a full disk, leaves a truncated file
    under the name that the next ``--resume`` trusts. Chosen with
    ``backend_args=dict(backend='atomic')``.
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Write to a temporary name, through to the disk, and rename."""
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
    """Let a checkpoint that does not fit the run end in one line, whatever tool started the run.

    ``runner.load_or_resume`` is replaced on this runner alone. The hooks that load state of their
    own do so in ``after_load_checkpoint``, which is part of it.
    """
    if 'load_or_resume' in vars(runner):
        return
    load_or_resume = runner.load_or_resume

    def told_in_one_line() -> None:
        resume, file = runner._resume, runner._load_from or runner.work_dir
        asked = _settings_of(runner) if resume else []
        try:
            load_or_resume()
            if resume:
                _check_groups(runner.optim_wrapper)
                _check_settings(asked, _settings_of(runner), file)
        except MMFakeError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError, IndexError) as error:
            reason = (str(error).strip().splitlines() or [''])[0][:300]
            raise MMFakeError(
                f'{file}: damaged or of another config ({type(error).__name__}: {reason}); '
                + (
                    'resume with the config and the version it was trained with, or start anew '
                    'from its weights with --cfg-options load_from=CHECKPOINT and without --resume.'
                    if resume
                    else 'give another checkpoint, or the config it was trained with.'
                )
            ) from error

    runner.load_or_resume = told_in_one_line


def _check_groups(wrapper: Any) -> None:
    """Look for settings of another optimizer, on which torch stumbles at the first step only."""
    optimizer = getattr(wrapper, 'optimizer', None)  # there are several in an OptimWrapperDict
    for group in optimizer.param_groups if optimizer is not None else ():
        for name in optimizer.defaults:
            group[name]


def _settings_of(runner: Runner) -> List[Dict[str, Any]]:
    """What the config says of each group of parameters and each schedule, but not how far it is."""
    groups = getattr(getattr(runner.optim_wrapper, 'optimizer', None), 'param_groups', ())
    found = []
    for group in groups:
        settings = {key: value for key, value in group.items() if _is_plain(value)}
        first = settings.pop('initial_lr', settings.get('lr'))  # the one before any schedule
        found.append(dict(settings, lr=first))
    schedules = runner.param_schedulers
    for schedule in schedules if isinstance(schedules, list) else ():
        state = schedule.state_dict().items()
        plain = {key: value for key, value in state if _is_plain(value)}
        told = {key: value for key, value in plain.items() if key not in _PROGRESS}
        found.append(dict(told, schedule=type(schedule).__name__))
    return found


def _is_plain(value: Any) -> bool:
    parts = value if isinstance(value, (list, tuple)) else [value]
    return all(isinstance(part, (bool, int, float, str)) for part in parts)


def _check_settings(asked: List[Dict], taken: List[Dict], file: Union[str, Path]) -> None:
    """Refuse a learning rate and the like that the state of the optimizer has overwritten."""
    for before, now in zip(asked, taken):
        for key in before.keys() & now.keys():
            if before[key] == now[key]:
                continue
            if 'schedule' not in before:
                raise MMFakeError(
                    f'{file}: was trained with {key} {now[key]} of the optimizer, this config has '
                    f'{before[key]}, which has no effect on a run that is resumed: resume with the '
                    'config it was trained with, or start anew from its weights with --cfg-options '
                    'load_from=CHECKPOINT and without --resume.'
                )
            print_log(
                f'{file}: the run goes on with {key} {now[key]} of its {now["schedule"]}; the '
                f'{before[key]} of this config has no effect on a run that is resumed.',
                logger='current',
                level=logging.WARNING,
            )


def latest_checkpoint(work_dir: str, out_dir: str, filename_tmpl: str) -> Optional[str]:
    """Find the newest whole checkpoint, None if there is none at all.

    That is the one ``last_checkpoint`` names. If it is missing, truncated or otherwise unreadable,
    it is the one with the next lower number, and a line says so. (A higher number is left over from
    an earlier run in the same folder; it counts only if ``last_checkpoint`` names none.)

    Args:
        work_dir (str): Folder of ``last_checkpoint``.
        out_dir (str): Folder of the checkpoints.
        filename_tmpl (str): Their names, e.g. ``'epoch_{}.pth'``.

    Raises:
        MMFakeError: If there are checkpoints and none is whole.
    """
    found = _numbered(Path(out_dir), filename_tmpl)
    pointer = Path(work_dir, 'last_checkpoint')
    named = _named(pointer, Path(out_dir))
    remarks: List[str] = []
    # candidates, newest first
    if named is not None:
        last = _number(named, filename_tmpl)
        found = [named] + [p for p in found if last is None or _number(p, filename_tmpl) < last]
    elif found:
        remarks.append(f'{pointer} names no checkpoint: the highest number counts.')
    # the first of them that is whole
    for path in found:
        fault = _fault(path)
        if fault is None:
            if remarks:
                before = '' if path == found[0] else 'the one before: '
                print_log(
                    f'{sample_of(remarks)} Going on from {before}{path}.',
                    logger='current',
                    level=logging.WARNING,
                )
            return str(path)
        remarks.append(fault)
    if not remarks:
        return None
    raise MMFakeError(
        f'{work_dir}: none of its checkpoints can be resumed from; {sample_of(remarks, 2)} '
        'Train anew without --resume, or give --resume another file.'
    )


def _numbered(folder: Path, filename_tmpl: str) -> List[Path]:
    """The checkpoints of a folder, highest number first."""
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
        content = safe_load(str(path), 'cpu')
    except MMFakeError as error:
        return str(error)
    needed = ('state_dict', 'meta', 'message_hub', 'optimizer')
    if not isinstance(content, dict) or any(key not in content for key in needed):
        return f'{path}: not a checkpoint of training, which has {", ".join(needed)}.'
    return None
