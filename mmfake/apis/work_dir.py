"""The folder that a run writes to, and what is said when it cannot."""

from __future__ import annotations

import logging
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from mmengine.logging import MMLogger

from ..errors import MMFakeError
from ..full_disk import is_full


@contextmanager
def full_disk_told(work_dir: str, advice: str) -> Iterator[None]:
    """Tell in one line that a disk became full during a run.

    Meanwhile a log that cannot be written is not told record by record. If there is still no room
    for it when the block ends, that is told once.

    Args:
        work_dir (str): The folder that the run writes to.
        advice (str): What to do, e.g. ``'make room and test again.'``.

    Yields:
        None: The block is the run.

    Raises:
        MMFakeError: If the disk is full. Any other ``OSError`` of the block is left as it is.
    """
    shown, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield
        for handler in MMLogger.get_current_instance().handlers:
            handler.flush()
    except OSError as error:  # a log, say: checkpoints and scores tell of themselves
        if not is_full(error):
            raise
        raise MMFakeError(f'{work_dir}: the disk is full ({error.strerror}); {advice}') from None
    finally:
        logging.raiseExceptions = shown


def make_work_dir(work_dir: str) -> None:
    """Make the work dir of a run, and look whether files can be made in it.

    Args:
        work_dir (str): The folder; it may exist.

    Raises:
        MMFakeError: If it cannot be made or written to, for another reason than a full disk.
    """
    try:
        Path(work_dir).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=work_dir):
            pass
    except OSError as error:
        if is_full(error):
            raise
        raise MMFakeError(
            f'{work_dir}: a work dir cannot be made or written to here ({error.strerror}); name '
            'another with --work-dir.'
        ) from None
