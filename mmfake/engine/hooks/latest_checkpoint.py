"""The checkpoint that ``--resume`` goes on from."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import List, Optional

from mmengine.logging import print_log

from ...compat import safe_load
from ...errors import MMFakeError, sample_of


def latest_checkpoint(work_dir: str, out_dir: str, filename_tmpl: str) -> Optional[str]:
    """Find the newest checkpoint that is whole.

    That is the one ``last_checkpoint`` names, unless it is missing, truncated or otherwise
    unreadable: then the one with the highest number, and a line says so.

    Args:
        work_dir (str): Folder of ``last_checkpoint``.
        out_dir (str): Folder of the checkpoints.
        filename_tmpl (str): Their names, e.g. ``'epoch_{}.pth'``.

    Returns:
        str | None: Its path, or None if there is no checkpoint at all.

    Raises:
        MMFakeError: If there are checkpoints and none is whole.
    """
    found = numbered(Path(out_dir), filename_tmpl)
    named = _named(Path(work_dir, 'last_checkpoint'), Path(out_dir))
    candidates = [path for path in found if path != named]
    if named is not None:
        candidates.insert(0, named)
    faults: List[str] = []
    for path in candidates:
        fault = _fault(path)
        if fault is None:
            if faults:
                print_log(
                    f'{sample_of(faults)} Going on from the one before: {path}.',
                    logger='current',
                    level=logging.WARNING,
                )
            return str(path)
        faults.append(fault)
    if faults:
        raise MMFakeError(
            f'{work_dir}: none of its checkpoints can be resumed from; {sample_of(faults, 2)} '
            'Train anew without --resume, or give --resume another file.'
        )
    return None


def numbered(folder: Path, filename_tmpl: str) -> List[Path]:
    """List the checkpoints of a folder, highest number first.

    Args:
        folder (Path): The folder.
        filename_tmpl (str): Their names, e.g. ``'epoch_{}.pth'``.

    Returns:
        list[Path]: Those that are there.
    """
    before, after = re.split(r'\{.*?\}', filename_tmpl, maxsplit=1)
    pattern = re.compile(re.escape(before) + r'(\d+)' + re.escape(after))
    found = [(pattern.fullmatch(path.name), path) for path in folder.glob('*')]
    return [path for _, path in sorted(((int(m[1]), p) for m, p in found if m), reverse=True)]


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
    if not isinstance(content, dict) or 'message_hub' not in content:
        return f'{path}: holds no training state.'
    return None
