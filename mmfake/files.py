"""Files that are written whole or not at all (temporary name, then rename), and full disks."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import math
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Iterator, Mapping, Union

from .errors import MMFakeError

# the device, the user's share of it, or the largest file allowed
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: BaseException) -> bool:
    """Tell whether an error means that there is no room left on a disk."""
    return isinstance(error, OSError) and error.errno in _FULL


def is_about(error: OSError, path: Path) -> bool:
    """Tell whether an error is that of a file or folder, or of something in it.

    What fails while it is written has no name, such as a full disk: it is taken to be the file's.
    """
    if error.filename is None:
        return True
    named = os.path.abspath(str(error.filename))
    place = os.path.abspath(path)
    return named == place or named.startswith(place + os.sep)


def not_written(path: Path, what: str, error: OSError) -> MMFakeError:
    """Make the one-line error of a file that cannot be written."""
    reason = error.strerror or error
    return MMFakeError(f'{path}: {what} cannot be written ({reason}); choose another place')


@contextmanager
def atomic_file(path: Union[str, Path], what: str) -> Iterator[Path]:
    """Give a temporary name to write to; it becomes the file when the block ends well.

    Whatever else fails in the block, such as reading another file, passes unchanged.

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
    except OSError as error:
        raise not_written(path, what, error) from None
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if is_about(error, temporary):
            raise not_written(path, what, error) from None
        raise
    finally:
        if temporary.exists():
            temporary.unlink()


def remove_leftovers(path: Union[str, Path]) -> None:
    """Remove what killed processes left of an unfinished file or folder."""
    path = Path(path)
    for leftover in path.parent.glob(f'.{glob.escape(path.name)}.*'):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()


def write_text(path: Union[str, Path], text: str, what: str) -> None:
    """Write a text file whole or not at all; ``what`` names its content in the error."""
    with atomic_file(path, what) as temporary:
        # a file name that is no valid text must not cost the file
        temporary.write_bytes(text.encode('utf-8', 'backslashreplace'))


def write_json(path: Union[str, Path], value: Any, what: str = 'the file', indent: int = 1) -> None:
    """Write a JSON file whole or not at all; a number that is not defined becomes null."""
    text = json.dumps(_without_nan(value), indent=indent, allow_nan=False, ensure_ascii=False)
    write_text(path, text + '\n', what)


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN, and other readers refuse a file with one."""
    if isinstance(value, Mapping):
        return {str(key): _without_nan(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def sha256_of(path: Union[str, Path]) -> str:
    """Hash a file: its SHA-256 in hexadecimal digits, empty if there is no such file."""
    if not Path(path).is_file():
        return ''
    with open(path, 'rb') as file:
        return hash_of(file)


def hash_of(file: BinaryIO) -> str:
    """Hash the rest of an open file: its SHA-256 in hexadecimal digits."""
    digest = hashlib.sha256()
    for block in iter(lambda: file.read(1 << 20), b''):
        digest.update(block)
    return digest.hexdigest()
