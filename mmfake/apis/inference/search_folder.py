"""The videos in a folder."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Callable, List

from ...errors import MMFakeError
from .frame_source import FIRST_PICTURE
from .own_files import is_own_file

VIDEO_SUFFIXES = tuple(
    f'.{name}'
    for name in (
        *('mp4', 'm4v', 'mov', 'avi', 'mkv', 'webm', 'mpg', 'mpeg', 'ts', 'mts', 'm2ts', 'wmv'),
        *('flv', '3gp', 'ogv', 'gif', 'npy', 'vob', 'asf', 'm2v', 'mxf', 'f4v', 'mjpeg', 'mjpg'),
    )
)
"""tuple[str]: What counts as a video in a folder; a file named by itself may end as it likes."""

_PICTURE = re.compile(r'\d{6}\.jpg')
_MOST_KINDS = 5  # of passed over files that are named


def search_folder(folder: str, note: Callable[[str], None]) -> List[str]:
    """Find the videos in a folder and below it.

    A folder with numbered JPEG files from ``000000.jpg`` on is one video. What
    ``tools/detect.py`` has written is left out.

    Args:
        folder (str): The folder.
        note (Callable): Called with one line if files are passed over.

    Returns:
        list[str]: The videos, by name.

    Raises:
        MMFakeError: If there is none.
    """
    found: List[str] = []
    other: Counter = Counter()
    closed: List[str] = []
    copies = 0
    for place, _, names in os.walk(folder, onerror=lambda error: closed.append(error.filename)):
        is_clip = FIRST_PICTURE in names
        if is_clip:
            found.append(place)
        for name in names:
            path = os.path.join(place, name)
            suffix = os.path.splitext(name)[1].lower()
            if is_clip and _PICTURE.fullmatch(name):
                continue
            if is_own_file(path):
                copies += suffix in VIDEO_SUFFIXES
            elif suffix in VIDEO_SUFFIXES and (os.path.isfile(path) or os.path.islink(path)):
                found.append(path)  # a link that leads nowhere is told as not scored
            else:
                other[suffix or 'no suffix'] += 1
    told = _told(other, copies, len(closed))
    if not found:
        raise MMFakeError(
            f'{folder}: no video in this folder or below it' + (f'; {told}' if told else '')
        )
    if told:
        note(f'{folder}: {told}')
    return [str(path) for path in sorted(map(Path, found))]


def _told(other: Counter, copies: int, closed: int) -> str:
    """Say what is passed over."""
    parts = []
    if other:
        often = sorted(other.items(), key=lambda kind: (-kind[1], kind[0]))
        kinds = [f'{suffix} {count}' for suffix, count in often[:_MOST_KINDS]]
        kinds += ['...'] * (len(often) > _MOST_KINDS)
        parts.append(f'{sum(other.values())} other files ({", ".join(kinds)})')
    if copies:
        parts.append(f'{copies} annotated copies of an earlier run')
    if closed:
        parts.append(f'{closed} folders that cannot be read')
    return f'passed over {", ".join(parts)}' if parts else ''
