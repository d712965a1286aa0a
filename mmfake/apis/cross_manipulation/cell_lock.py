"""One process at a time works on a cell."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

from ...errors import MMFakeError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class CellBusyError(MMFakeError):
    """Another process works on the cell."""


@contextmanager
def cell_lock(folder: Path) -> Iterator[Optional[int]]:
    """Hold a cell.

    The lock belongs to the open file, which the training inherits: it outlives a killed command for
    as long as the training that it has started. On Windows nothing is locked.

    Args:
        folder (Path): Folder of the cell, made if it is missing.

    Yields:
        int | None: The open file, to be inherited; None on Windows.

    Raises:
        CellBusyError: Somebody else holds it.
        MMFakeError: The folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / '.lock', 'a')  # noqa: SIM115 - closed below, after the yield
    except OSError as error:
        raise MMFakeError(f'{folder}: {error.strerror}; choose another --work-dir') from None
    with file:
        if fcntl is None:
            yield None
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CellBusyError(
                f'{folder}: another process works on this cell; wait for it or end it'
            ) from None
        yield file.fileno()
