"""Which code made a result."""

from __future__ import annotations

import platform
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Dict, Optional

import torch

_PACKAGES = ('mmfake', 'torch', 'mmengine', 'mmaction', 'mmcv', 'numpy', 'decord', 'cv2')


def versions() -> Dict[str, str]:
    """List the versions that a result may depend on.

    Returns:
        dict[str, str]: Package -> version; ``python``, ``platform`` and ``device`` with them.
    """
    found = {name: str(getattr(import_module(name), '__version__', '?')) for name in _PACKAGES}
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'
    return dict(
        found, python=platform.python_version(), platform=platform.platform(), device=device
    )


def commit() -> Optional[str]:
    """Name the commit of the package.

    Returns:
        str | None: Its hash, followed by ``-dirty`` if tracked files differ from it; None if the
        package is not in a git checkout of its own.
    """
    root = Path(__file__).resolve().parents[3]
    if _git(root, 'rev-parse', '--show-toplevel') != str(root):
        return None
    name = _git(root, 'rev-parse', 'HEAD')
    changed = _git(root, 'status', '--porcelain', '--untracked-files=no')
    return f'{name}-dirty' if name and changed else name


def _git(root: Path, *words: str) -> Optional[str]:
    try:
        done = subprocess.run(
            ['git', '-C', str(root), *words], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
