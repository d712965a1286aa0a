"""A disk that is full for the length of a block."""

import resource
import signal
from contextlib import contextmanager

import pytest


@pytest.fixture
def largest_file():
    """Let no file grow beyond so many bytes: ``with largest_file(9000): ...``."""

    @contextmanager
    def limit(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)

    return limit
