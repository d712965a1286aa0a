"""Folders that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union

from ..errors import MMFakeError


@contextmanager
def atomic_folder(path: Union[str, Path], what: str) -> Iterator[Path]:
    """Give an empty folder to write to; it takes the name when the block ends well.

    Args:
        path (str | Path): The name; a folder that has it is replaced, missing ones above it are
            made.
        what (str): What it holds, for the message, e.g. ``'the clip'``.

    Yields:
        Path: The folder, beside the final one: a rename is only atomic in one file system.

    Raises:
        MMFakeError: If the folder cannot be written.
    """
    path = Path(path)
    temporary, old = (path.with_name(f'.{path.name}.{os.getpid()}.{end}') for end in ('tmp', 'old'))
    try:
        shutil.rmtree(temporary, ignore_errors=True)  # of a killed process of the same number
        temporary.mkdir(parents=True)
        try:
            yield temporary
            if path.is_dir():  # which a rename does not replace
                os.replace(path, old)
            try:
                os.replace(temporary, path)
            except OSError:
                if old.exists():
                    os.replace(old, path)
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise MMFakeError(
            f'{path}: {what} cannot be written ({error.strerror or error}); choose another place'
        ) from None
