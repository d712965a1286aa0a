"""Pictures of a video, found below a folder by the ends of the paths that a list gives."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

from mmfake.datasets.protocol import VideoRecord

_SUFFIXES = ('.png', '.jpg', '.jpeg')


@dataclass(frozen=True)
class PictureRecord(VideoRecord):
    """A video of which there are pictures only; ``filename`` is their folder.

    Args:
        pictures (tuple[str, ...]): The files that are there and not empty, in the order of time.
            Defaults to ``()``.
    """

    pictures: Tuple[str, ...] = ()


class Shelf:
    """The pictures below a folder, each of whose folders is read once."""

    def __init__(self, root: str) -> None:
        self._root = Path(root)
        self._places: Dict[Tuple[str, ...], Optional[Path]] = {}
        self._names: Dict[Path, Set[str]] = {}

    def find(self, record: PictureRecord, frames: List[List[str]]) -> PictureRecord:
        """Look for the pictures of a video."""
        listed = {tuple(parts) for parts in frames}
        found = {path for path in map(self._picture, listed) if path is not None}
        if not found:
            filename = str(self._root / record.filename)
            several = f'none of its {len(listed)} pictures is there, or all are empty'
            reason = several if listed else 'its list of pictures is empty'
            return replace(record, filename=filename, status='missing', reason=reason)
        pictures = sorted(found, key=lambda path: _natural(path.name))
        numbers = [_natural(path.stem)[-2:-1] for path in pictures]
        follow = all(a and b and b[0] == a[0] + 1 for a, b in zip(numbers, numbers[1:]))
        lost = len(listed) - len(pictures)
        return replace(
            record,
            filename=str(pictures[0].parent),
            pictures=tuple(map(str, pictures)),
            frames=len(pictures),
            sparse=not follow,
            reason=f'{lost} of its {len(listed)} pictures are not there or empty' if lost else '',
        )

    def _picture(self, parts: Tuple[str, ...]) -> Optional[Path]:
        """Find one picture; None if it is not there, is empty or is no picture."""
        if not parts:
            return None
        place, name = self._place(parts[:-1]), parts[-1]
        there = place is not None and name in self._files(place)
        return place / name if there and name.lower().endswith(_SUFFIXES) else None

    def _place(self, parts: Tuple[str, ...]) -> Optional[Path]:
        """Find the folder that the longest end of a path leads to."""
        if parts not in self._places:
            ends = (self._root.joinpath(*parts[start:]) for start in range(len(parts)))
            self._places[parts] = next((path for path in ends if path.is_dir()), None)
        return self._places[parts]

    def _files(self, place: Path) -> Set[str]:
        """List the files of a folder that are not empty."""
        if place not in self._names:
            with os.scandir(place) as entries:
                files = (entry for entry in entries if entry.is_file())
                self._names[place] = {entry.name for entry in files if entry.stat().st_size}
        return self._names[place]


def _natural(name: str) -> List[Any]:
    """Split a name so that its numbers are sorted as numbers: text, number, ..., text."""
    return [int(part) if n % 2 else part for n, part in enumerate(re.split(r'(\d+)', name))]
