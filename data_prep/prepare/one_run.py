"""One run at a time, which ends in order also when a batch system ends it."""

from __future__ import annotations

import logging
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from filelock import FileLock, Timeout

from mmfake.errors import MMFakeError

logger = logging.getLogger('prepare')


@contextmanager
def one_run(index: Path) -> Iterator[None]:
    """Keep other runs away from an index, and log beside it what happens.

    The lock ends with the process, however that ends. A request to end (SIGTERM, as Slurm sends at
    its time limit) is taken like Ctrl-C.

    Args:
        index (Path): The index that the run writes.

    Yields:
        None: While no other run can write it.

    Raises:
        MMFakeError: If another run is at work on it, or nothing can be written there.
    """
    try:
        index.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(index.with_name(f'.{index.stem}.lock')))
        lock.acquire(timeout=0)
        handler = logging.FileHandler(index.with_suffix('.log'), encoding='utf-8')
    except Timeout:
        raise MMFakeError(
            f'{index}: another run is writing it; wait for its end, or give each its --shard i/n'
        ) from None
    except OSError as error:
        raise MMFakeError(
            f'--out {index.parent} cannot be written to ({error.strerror or error}): '
            'choose another folder'
        ) from None
    handler.setFormatter(logging.Formatter('%(asctime)s %(levelname)s %(message)s'))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    react = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, react)
        lock.release()
        logger.handlers[:] = []
        handler.close()
