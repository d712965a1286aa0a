"""Which host versions mmfake runs on, checked before anything of the host is imported."""

from __future__ import annotations

import re
from typing import Dict, Optional, Tuple

from ..errors import MMFakeError

try:
    from importlib.metadata import PackageNotFoundError, version
except (
    ImportError
):  # pragma: no cover - Python 3.7 is not supported; the line keeps the error clear
    raise MMFakeError('mmfake needs Python >= 3.8.') from None

# distributions -> first supported version, first that is not (mmaction2 1.2 asserts its mmcv range)
SUPPORTED: Dict[Tuple[str, ...], Tuple[str, str]] = {
    ('torch',): ('2.0', '3'),
    ('mmengine', 'mmengine-lite'): ('0.10', '1.0'),
    ('mmcv', 'mmcv-lite'): ('2.0.0', '2.2.0'),
    ('mmaction2',): ('1.2', '1.3'),
}


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
        MMFakeError: If a host package is absent or its version is outside :data:`SUPPORTED`.
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
