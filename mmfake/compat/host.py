"""Host version gate and repairs of the released mmaction2, mmcv-lite and mmengine wheels."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import os
import re
import sys
import warnings
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Callable, Dict, Optional, Tuple

from ..errors import MMFakeError, first_line

# distributions -> first supported version, first that is not (mmaction2 1.2 asserts its mmcv range)
SUPPORTED: Dict[Tuple[str, ...], Tuple[str, str]] = {
    ('torch',): ('2.1', '3'),
    ('mmengine', 'mmengine-lite'): ('0.10', '1.0'),
    ('mmcv', 'mmcv-lite'): ('2.0.0', '2.2.0'),
    ('mmaction2',): ('1.2', '1.3'),
}

# torch before, with transformers from: then torch.onnx cannot be imported, and mmengine not either
_NOT_TOGETHER = ('2.2', '4.56')


def installed_version(names: Tuple[str, ...]) -> Optional[str]:
    """Version of the first of the named distributions that is installed, or None."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def _numbers(text: str) -> Tuple[int, ...]:
    """``'2.13.0+cpu'`` -> ``(2, 13, 0)``; enough to compare releases without a dependency."""
    return tuple(int(part) for part in re.match(r'[\d.]*', text).group().split('.') if part)


def check_versions() -> None:
    """Refuse an unsupported host in one line.

    Raises:
        MMFakeError: If a host package is absent or its version is outside :data:`SUPPORTED`, or
            the installed transformers keeps an old torch from being imported.
    """
    for names, (first, end) in SUPPORTED.items():
        found = installed_version(names)
        if found is not None and _numbers(first) <= _numbers(found) < _numbers(end):
            continue
        state = f'{found} is installed' if found else 'it is not installed'
        raise MMFakeError(
            f'mmfake needs {" or ".join(names)} >= {first}, < {end}, but {state}; '
            f'run: pip install "{names[-1]}>={first},<{end}"'
        )
    torch, transformers = (installed_version((name,)) for name in ('torch', 'transformers'))
    before, since = map(_numbers, _NOT_TOGETHER)
    if transformers and _numbers(torch) < before and _numbers(transformers) >= since:
        raise MMFakeError(
            f'torch {torch} cannot be imported beside transformers {transformers}, of which it '
            f'needs one before {_NOT_TOGETHER[1]}; '
            f'run: pip install "transformers>=4.46,<{_NOT_TOGETHER[1]}"'
        )


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


def repair_multimodal() -> None:
    """Let ``import mmaction.models`` go on without VindLU where that cannot be imported.

    mmaction2 1.2 imports its VindLU models as soon as ``transformers`` is installed. They need
    timm, einops and internals that newer transformers no longer have; one that is missing ends the
    import of every other model. There, and only there, mmaction2's own switch is turned off.
    """
    if _MULTIMODAL not in sys.modules and not any(
        isinstance(finder, _BeforeMultimodal) for finder in sys.meta_path
    ):
        sys.meta_path.insert(0, _BeforeMultimodal())


_MULTIMODAL = 'mmaction.models.multimodal'


class _BeforeMultimodal(MetaPathFinder):
    """Waits for the import of the package that the switch guards; finds nothing itself."""

    def find_spec(self, name: str, path=None, target=None) -> None:
        if name != _MULTIMODAL:
            return
        sys.meta_path.remove(self)
        dependency = importlib.import_module('mmaction.utils.dependency')
        if dependency.WITH_MULTIMODAL:
            dependency.WITH_MULTIMODAL = _imports_succeed(Path(path[0], 'multimodal', 'vindlu'))


def _imports_succeed(folder: Path) -> bool:
    """Whether all that the modules of a folder import from other packages is there."""
    needed = ('einops', 'timm', 'transformers')
    if any(importlib.util.find_spec(name) is None for name in needed):
        return False
    for file in folder.glob('*.py'):
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            if not isinstance(node, ast.ImportFrom) or node.level:
                continue
            if node.module.split('.')[0] not in needed:
                continue
            try:
                module = importlib.import_module(node.module)
                for alias in node.names:
                    getattr(module, alias.name)
            except Exception:  # an absent package, a removed internal, a broken build
                return False
    return True


# module of the host -> a function or class that it imports, which hardly any run calls
_SELDOM = {
    'mmengine.optim.optimizer.builder': ('transformers', 'Adafactor'),
    'mmaction.datasets.transforms.pose_transforms': ('scipy.stats', 'mode'),
}


def defer_seldom_imports() -> None:
    """Let two modules of the host import a large package only when they need its one function.

    mmengine 0.10.7 imports ``transformers`` for the optimizer Adafactor, mmaction2 1.2
    ``scipy.stats`` for poses: together a second of CPU at the start of every command.
    """
    if not any(isinstance(finder, _SeldomFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _SeldomFinder())


class _SeldomFinder(MetaPathFinder):
    """Finds those modules as everybody does, and has them executed beside a stand-in."""

    def find_spec(self, name: str, path=None, target=None) -> Optional[ModuleSpec]:
        spec = PathFinder.find_spec(name, path) if name in _SELDOM else None
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = functools.partial(_execute, spec.loader.exec_module)
        return spec


def _execute(execute: Callable[[ModuleType], None], module: ModuleType) -> None:
    """Execute a module of the host while the package it seldom needs is a stand-in."""
    package, name = _SELDOM[module.__name__]
    if package in sys.modules or importlib.util.find_spec(package) is None:
        return execute(module)

    def call(*args, **kwargs) -> object:
        return getattr(importlib.import_module(package), name)(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    stand_in = sys.modules[package] = ModuleType(package)
    setattr(stand_in, name, call)
    try:
        return execute(module)
    finally:
        if sys.modules.get(package) is stand_in:
            del sys.modules[package]


def import_transformers() -> ModuleType:
    """Import ``transformers``, an extra, also beside a torchvision that cannot be imported.

    A torchvision of another build of torch fails at its import, and transformers imports it as soon
    as it is installed. There, and only there, it is made to look absent.

    Raises:
        MMFakeError: If transformers is missing or too old, or cannot be imported.
    """
    found = installed_version(('transformers',))
    if found is None or _numbers(found) < (4, 46):
        state = f'{found} is installed' if found else 'it is not installed'
        raise MMFakeError(
            f'CLIP needs transformers >= 4.46, but {state}; run: pip install "transformers>=4.46"'
        )
    if importlib.util.find_spec('torchvision') is not None:
        try:
            importlib.import_module('torchvision')
        except Exception:  # whatever a broken build raises
            sys.modules['torchvision'] = None
            looked = sys.modules.get('transformers.utils.import_utils')
            for name, value in list(vars(looked).items() if looked else ()):
                if name == '_torchvision_available':  # transformers 4
                    looked._torchvision_available = False
                elif hasattr(value, 'cache_clear'):  # transformers 5 remembers what it has found
                    value.cache_clear()
    try:
        return importlib.import_module('transformers')
    except Exception as error:
        raise MMFakeError(
            f'transformers {found} cannot be imported ({first_line(error)}); mend its installation.'
        ) from None


def silence_mmcv_lite() -> None:
    """Hide mmcv-lite's complaint that it has no compiled operators; mmfake uses none."""
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')


def repair_cpu_distributed() -> bool:
    """Let every launcher start on a CPU-only machine.

    mmengine 0.10.7 calls ``torch.cuda.set_device`` whatever the backend. Where CUDA is absent that
    call does nothing instead, and the process group is made with gloo, as nccl needs a GPU.
    Inactive where CUDA or another accelerator that mmengine knows is present.

    Returns:
        bool: True if the repair is active.
    """
    import torch
    from mmengine.dist import utils as host

    others = (host.is_mlu_available, host.is_npu_available, host.is_musa_available)
    if torch.cuda.is_available() or any(available() for available in others):
        return False
    for launcher in ('pytorch', 'mpi', 'slurm'):
        name = f'_init_dist_{launcher}'
        setattr(host, name, _on_cpu(getattr(host, name)))
    return True


def repair_cpu_amp() -> bool:
    """Let mmengine's ``AmpOptimWrapper`` train in bfloat16 on a CPU.

    Its autocast can, but the wrapper asks for a GPU when it is built. Inactive where there is one.

    Returns:
        bool: True if the repair is active.
    """
    import torch
    from mmengine.optim.optimizer import amp_optimizer_wrapper as wrapper

    if torch.cuda.is_available():
        return False
    wrapper.is_cuda_available = lambda: True
    return True


def _on_cpu(init: Callable[..., None]) -> Callable[..., None]:
    import torch

    @functools.wraps(init)
    def init_on_cpu(backend: str, **kwargs) -> None:
        os.environ.setdefault('SLURM_LOCALID', '0')  # else the rank is divided by the GPUs
        set_device = torch.cuda.set_device
        torch.cuda.set_device = lambda device: None
        try:
            init('gloo' if backend == 'nccl' else backend, **kwargs)
        finally:
            torch.cuda.set_device = set_device

    return init_on_cpu
