"""From what a user names to the list of videos."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, List, Sequence, Tuple, Union

import numpy as np

from ...errors import MMFakeError
from .frame_source import ArrayClip
from .search_folder import search_folder

_LISTS = ('.txt', '.lst')

Source = Union[str, Path, np.ndarray]


def collect_inputs(
    inputs: Union[Source, Sequence[Source]], note: Callable[[str], None] = lambda text: None
) -> List[Tuple[str, Source]]:
    """Find the videos.

    A folder stands for the videos in it and below, by name; a ``.txt`` or ``.lst`` file for the
    videos and folders in it, one per line, relative ones from the folder of the file, without lines
    that begin with ``#``. A path that does not exist stays in the list: it is then told as not
    scored.

    Args:
        inputs (str | Path | np.ndarray | Sequence): A video, folder, list or array, or several.
        note (Callable): Called with a line on what is passed over in a folder. Defaults to nothing.

    Returns:
        list[tuple[str, str | Path | np.ndarray]]: Name and source of each.

    Raises:
        MMFakeError: If a folder or a list holds no video, a list cannot be read, or an array is no
            clip.
    """
    several = isinstance(inputs, (list, tuple))
    found: List[Tuple[str, Any]] = []
    for item in inputs if several else [inputs]:
        if isinstance(item, np.ndarray):
            name = f'array {len(found)}'
            ArrayClip(item, name)  # a wrong one is told before the first video is judged
            found.append((name, item))
        elif isinstance(item, (str, Path)):
            found += [(path, path) for path in _paths(str(Path(item)), note)]
        else:
            raise MMFakeError(f'a {type(item).__name__} is no video: give a path or an array')
    if not found:
        raise MMFakeError('no video is named; give a path, a list of paths or an array')
    return found


def _paths(path: str, note: Callable[[str], None]) -> List[str]:
    # os.path, because the questions of pathlib raise OSError for a name that is too long
    if os.path.splitext(path)[1].lower() in _LISTS and os.path.isfile(path):
        listed = _read_list(Path(path))
    else:
        listed = [path]
    found: List[str] = []
    for name in listed:
        found += search_folder(name, note) if os.path.isdir(name) else [name]
    return found


def _read_list(path: Path) -> List[str]:
    try:
        lines = path.read_text(encoding='utf-8-sig').split('\n')  # Notepad begins it with a BOM
    except (OSError, UnicodeDecodeError) as error:
        raise MMFakeError(f'{path}: the list cannot be read as UTF-8 ({error})') from None
    names = [line.strip() for line in lines]
    videos = [str(path.parent / name) for name in names if name and not name.startswith('#')]
    if not videos:
        raise MMFakeError(f'{path}: the list names no video')
    return videos
