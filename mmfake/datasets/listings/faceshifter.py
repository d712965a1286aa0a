"""FaceShifter, the fifth manipulation of FaceForensics++."""

from __future__ import annotations

from typing import List, Optional

from ..video_record import VideoRecord
from .ffpp import list_ffpp


def list_faceshifter(
    root: str, splits_dir: Optional[str] = None, compression: str = 'c23'
) -> List[VideoRecord]:
    """List the originals of FF++ and FaceShifter, which has the same pairs and splits.

    Args:
        root (str): Root of FF++.
        splits_dir (str, optional): As for :func:`list_ffpp`. Defaults to None.
        compression (str): As for :func:`list_ffpp`. Defaults to ``'c23'``.

    Returns:
        list[VideoRecord]: As :func:`list_ffpp` returns.

    Raises:
        MMFakeError: As :func:`list_ffpp`.
    """
    return list_ffpp(root, splits_dir, compression, ('fsh',))
