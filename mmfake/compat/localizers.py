"""Stand-in for the DRN localizer that the mmaction2 1.2.0 wheel forgot to ship."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_PACKAGE = 'mmaction.models.localizers.drn'


def repair_missing_drn() -> bool:
    """Make ``import mmaction.models`` work with the released mmaction2 1.2.0 wheel.

    The wheel's ``localizers/__init__.py`` imports ``drn.drn.DRN``, but the folder is not packaged
    (open-mmlab/mmaction2#2714). Where, and only where, the folder is missing, an empty package
    with a ``DRN`` that refuses to be built takes its place.

    Returns:
        bool: True if a stand-in was installed, False if the host is whole.
    """
    # find_spec on the sub-package would import mmaction.models, which is what fails: look on disk
    host = importlib.util.find_spec('mmaction')
    if host is None or _PACKAGE in sys.modules:
        return False
    localizers = Path(host.submodule_search_locations[0], 'models', 'localizers')
    if (localizers / 'drn').is_dir():
        return False

    package, module = ModuleType(_PACKAGE), ModuleType(f'{_PACKAGE}.drn')
    package.__path__ = []
    module.DRN = package.DRN = _DRNStandIn
    package.drn = module
    sys.modules[_PACKAGE], sys.modules[f'{_PACKAGE}.drn'] = package, module
    return True


class _DRNStandIn:
    """Says why DRN cannot be built instead of failing at the import of every other model."""

    def __init__(self, *args, **kwargs) -> None:
        raise ImportError(
            'DRN is missing from the mmaction2 1.2.0 wheel; install mmaction2 from source for it.'
        )
