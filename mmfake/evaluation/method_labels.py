"""Which label a method has, however it is spelt."""

from __future__ import annotations

from typing import Optional

from ..datasets.manipulations import ORIGINAL, get_manipulation, manipulation_keys


def canonical_method(name: str) -> str:
    """Translate the name of a method where it is one of the table of manipulations.

    Args:
        name (str): A key, a folder or a shown name: ``'df'``, ``'Deepfakes'``, ``'youtube'``.

    Returns:
        str: The key, ``'df'`` or ``'original'``; a name that the table lacks stays as it is.
    """
    for key in (ORIGINAL, *manipulation_keys(everything=True)):
        row = get_manipulation(key)
        if name.lower() in (key, row.name.lower(), row.folder.split('/')[-1].lower()):
            return key
    return name


def label_of(method: str) -> Optional[int]:
    """Give the only label that the videos of a method can have.

    Args:
        method (str): Its name, spelt as for :func:`canonical_method`.

    Returns:
        int | None: 0 for originals, 1 for a method of the table of manipulations, None for any
        other: it may be a set of originals.
    """
    key = canonical_method(method)
    if key == ORIGINAL:
        return 0
    return 1 if key in manipulation_keys(everything=True) else None
