"""Pictures of a video, found below a folder by the ends of the paths that a list gives."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

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
        self._sizes: Dict[Path, Dict[str, int]] = {}

    def find(self, record: PictureRecord, frames: List[List[str]]) -> PictureRecord:
        """Look for the pictures of a video."""
        listed = {tuple(parts): self._size(tuple(parts)) for parts in frames}
        found = [self._place(parts[:-1]) / parts[-1] for parts, size in listed.items() if size]
        if not found:
            reason = 'none of its pictures is there'
            if not listed or 0 in listed.values():
                reason = f'its {"pictures are" if listed else "list of pictures is"} empty'
            filename = str(self._root / record.filename)
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

    def _size(self, parts: Tuple[str, ...]) -> Optional[int]:
        """Count the bytes of a picture; None if it is not there or is no picture."""
        if not parts or not parts[-1].lower().endswith(_SUFFIXES):
            return None
        place = self._place(parts[:-1])
        return None if place is None else self._files(place).get(parts[-1])

    def _place(self, parts: Tuple[str, ...]) -> Optional[Path]:
        """Find the folder that the longest end of a path leads to."""
        if parts not in self._places:
            ends = (self._root.joinpath(*parts[start:]) for start in range(len(parts)))
            self._places[parts] = next((path for path in ends if path.is_dir()), None)
        return self._places[parts]

    def _files(self, place: Path) -> Dict[str, int]:
        """List the files of a folder and their bytes."""
        if place not in self._sizes:
            with os.scandir(place) as entries:
                files = (entry for entry in entries if entry.is_file())
                self._sizes[place] = {entry.name: entry.stat().st_size for entry in files}
        return self._sizes[place]


def _natural(name: str) -> List[Any]:
    """Split a name so that its numbers are sorted as numbers: text, number, ..., text."""
    return [int(part) if n % 2 else part for n, part in enumerate(re.split(r'(\d+)', name))]
