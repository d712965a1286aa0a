"""Files that are written whole or not at all (temporary name, then rename), and full disks."""

from __future__ import annotations

import errno
import glob
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union

from .errors import MMFakeError

# the device, the user's share of it, or the largest file allowed
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: BaseException) -> bool:
    """Tell whether an error means that there is no room left on a disk.

    Args:
        error (BaseException): Any error.

    Returns:
        bool: True if it is an ``OSError`` for want of room.
    """
    return isinstance(error, OSError) and error.errno in _FULL


@contextmanager
def atomic_file(path: Union[str, Path], what: str) -> Iterator[Path]:
    """Give a temporary name to write to; it becomes the file when the block ends well.

    Args:
        path (str | Path): Where the file is to be; missing folders are made.
        what (str): What it holds, for the message, e.g. ``'the scores'``.

    Yields:
        Path: The temporary name, in the same folder: a rename is only atomic in one file system.

    Raises:
        MMFakeError: If the file cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            if temporary.exists():
                temporary.unlink()
    except OSError as error:
        raise MMFakeError(
            f'{path}: {what} cannot be written ({error.strerror or error}); choose another place'
        ) from None


def remove_leftovers(path: Union[str, Path]) -> None:
    """Remove what killed processes left of an unfinished file or folder.

    Args:
        path (str | Path): The name it was to have.
    """
    path = Path(path)
    for leftover in path.parent.glob(f'.{glob.escape(path.name)}.*'):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
