"""The files that a run leaves in its folder."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Iterable, Iterator, Set, Union

RESULTS, TABLE, PAGE, JOURNAL = 'results.json', 'results.csv', 'report.html', 'journal.jsonl'
"""str: Names of the files; the journal is there while a run is unfinished."""

COPIES = 'videos'
"""str: The folder of the copies with boxes and scores."""

_COPY = re.compile(r'\d{4,}_[\w.-]*\.mp4')
_HEAD = 400  # bytes in which our files say what they are


def copy_name(number: int, video: str) -> str:
    """Name the copy of a video.

    Args:
        number (int): Number of the video in the run, which keeps names apart.
        video (str): Its path.

    Returns:
        str: Relative to the folder of the run.
    """
    stem = re.sub(r'[^\w.-]+', '_', Path(video).stem)[:80]
    return f'{COPIES}/{number:04d}_{stem}.mp4'


def is_own_file(path: Union[str, Path]) -> bool:
    """Tell whether a run has written a file, by its name and by what else is in the folder.

    Args:
        path (str | Path): A file.

    Returns:
        bool: False for other files in the folder of a run, as somebody may have put a video there.
    """
    folder, name = os.path.split(path)
    if name in (RESULTS, TABLE, PAGE, JOURNAL):
        return _is_own_folder(folder)
    folder, below = os.path.split(folder)
    return below == COPIES and bool(_COPY.fullmatch(name)) and _is_own_folder(folder)


def earlier_copies(folder: Union[str, Path]) -> Set[str]:
    """Find the copies that an earlier run, finished or not, says it has written.

    Args:
        folder (str | Path): Folder of the run.

    Returns:
        set[str]: Names relative to the folder.
    """
    names: Set[str] = set()
    if not _is_own_folder(folder):
        return names
    for record in _predictions(Path(folder)):
        name = record.get('annotated') if isinstance(record, dict) else None
        parts = name.split('/') if isinstance(name, str) else []
        if len(parts) == 2 and parts[0] == COPIES and _COPY.fullmatch(parts[1]):
            names.add(name)
    return names


def remove_copies(folder: Union[str, Path], names: Iterable[str]) -> None:
    """Remove copies that would pass for those of this run.

    Args:
        folder (str | Path): Folder of the run.
        names (Iterable[str]): Which, relative to it; one that is gone or held does not matter.
    """
    for name in names:
        with suppress(OSError):
            Path(folder, name).unlink()
    with suppress(OSError):
        Path(folder, COPIES).rmdir()  # which is refused if anything is left in it


def _is_own_folder(folder: Union[str, Path]) -> bool:
    for name in (RESULTS, JOURNAL):
        with suppress(OSError), open(os.path.join(folder, name), 'rb') as file:
            head = file.read(_HEAD)
            if b'"schema_version"' in head and b'"mmfake"' in head:
                return True
    return False


def _predictions(folder: Path) -> Iterator[Any]:
    """Give what can be read of the predictions in a folder."""
    with suppress(OSError, ValueError, RecursionError, TypeError, KeyError):
        yield from json.loads((folder / RESULTS).read_bytes())['predictions']
    with suppress(OSError, ValueError, RecursionError, TypeError, KeyError):
        for line in (folder / JOURNAL).read_bytes().splitlines()[1:]:
            yield json.loads(line)['prediction']
