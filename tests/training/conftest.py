import importlib.util
import os
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
def fork(fork_server):
    """Run lives.py, once for each ``(arguments, output, environment)``; gives exit codes."""
    env = dict(os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    run = fork_server(env)
    script = str(Path(__file__).with_name('lives.py'))

    def start(processes):
        return run(
            [
                dict(
                    words=[script, *arguments],
                    cwd=os.getcwd(),
                    env=dict(env, **environment),
                    stdout=str(output),
                    stderr=str(output),
                )
                for arguments, output, environment in processes
            ]
        )

    return start


@pytest.fixture(autouse=True)
def _fast_host(monkeypatch):
    _HARNESS.make_host_fast(monkeypatch.setattr)
