import importlib.util
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


@pytest.fixture(autouse=True)
def _fast_host(monkeypatch):
    _HARNESS.make_host_fast(monkeypatch.setattr)
