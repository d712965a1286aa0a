import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# by its path: an installed distribution has a package "tests", which hides this folder
_SPEC = importlib.util.spec_from_file_location('harness', Path(__file__).with_name('harness.py'))
_HARNESS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_HARNESS)


@pytest.fixture
def harness():
    """The module harness.py beside this file."""
    return _HARNESS


@pytest.fixture(scope='session')
def fork():
    """Start the processes of an order, see lives.py; gives exit codes."""
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name('lives.py')],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES=''),
    )

    def start(order):
        server.stdin.write(json.dumps(order) + '\n')
        server.stdin.flush()
        return json.loads(server.stdout.readline())

    yield start
    server.stdin.close()
    assert server.wait() == 0


@pytest.fixture(autouse=True)
def _fast_host(monkeypatch):
    _HARNESS.make_host_fast(monkeypatch.setattr)
