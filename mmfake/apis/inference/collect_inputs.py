"""From what a user names to the list of videos."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Sequence, Tuple, Union

import numpy as np

from ...errors import MMFakeError
from .frame_source import FIRST_PICTURE

VIDEO_SUFFIXES = tuple(
    f'.{name}'
    for name in (
        *('mp4', 'm4v', 'mov', 'avi', 'mkv', 'webm', 'mpg', 'mpeg', 'ts', 'mts', 'm2ts', 'wmv'),
        *('flv', '3gp', 'ogv', 'gif', 'npy'),
    )
)
"""tuple[str]: What counts as a video in a folder; a file named by itself may end as it likes."""

_LISTS = ('.txt', '.lst')

Source = Union[str, Path, np.ndarray]


def collect_inputs(inputs: Union[Source, Sequence[Source]]) -> List[Tuple[str, Source]]:
    """Find the videos.

    A folder stands for the videos in it and below, by name; a ``.txt`` or ``.lst`` file for the
    paths in it, one per line, relative ones from the folder of the file, without lines that begin
    with ``#``. A path that does not exist stays in the list: it is then told as not scored.

    Args:
        inputs (str | Path | np.ndarray | Sequence): A video, folder, list or array, or several.

    Returns:
        list[tuple[str, str | Path | np.ndarray]]: Name and source of each.

    Raises:
        MMFakeError: If a folder or a list holds no video, or a list cannot be read.
    """
    several = isinstance(inputs, (list, tuple))
    found: List[Tuple[str, Any]] = []
    for item in inputs if several else [inputs]:
        if isinstance(item, np.ndarray):
            found.append((f'array {len(found)}', item))
        elif isinstance(item, (str, Path)):
            found += [(path, path) for path in _paths(item)]
        else:
            raise MMFakeError(f'a {type(item).__name__} is no video: give a path or an array')
    if not found:
        raise MMFakeError('no video is named; give a path, a list of paths or an array')
    return found


def _paths(item: Union[str, Path]) -> List[str]:
    path = Path(item)
    if path.is_dir() and not (path / FIRST_PICTURE).is_file():
        videos = sorted(p for p in path.rglob('*') if p.suffix.lower() in VIDEO_SUFFIXES)
        videos = [str(video) for video in videos if video.is_file()]
        if not videos:
            raise MMFakeError(f'{path}: no video in this folder or below it')
        return videos
    if path.suffix.lower() in _LISTS and path.is_file():
        return _read_list(path)
    return [str(path)]


def _read_list(path: Path) -> List[str]:
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise MMFakeError(f'{path}: the list cannot be read ({error})') from None
    names = [line.strip() for line in lines]
    videos = [str(path.parent / name) for name in names if name and not name.startswith('#')]
    if not videos:
        raise MMFakeError(f'{path}: the list names no video')
    return videos
