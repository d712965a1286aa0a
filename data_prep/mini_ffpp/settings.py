"""What a mini tree is made of, as recorded at its root."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mmfake.errors import MMFakeError
from mmfake.files import atomic_file

FILE_NAME = 'mini_ffpp.json'
# Raised whenever the pixels change: a tree of another version is never mixed with this one's.
RENDERER = 2


@dataclass(frozen=True)
class Settings:
    """Settings of one mini tree.

    Args:
        pairs (int): Pairs of identities; every pair gives 2 originals and 2 videos per
            manipulation. Defaults to 48.
        seed (int): Seed of everything random. Defaults to 0.
        frames (int): Frames per video, at 25 per second. Defaults to 40.
        size (int): Side of the square picture in pixels. Defaults to 128.

    Raises:
        MMFakeError: If a value is out of range.
    """

    pairs: int = 48
    seed: int = 0
    frames: int = 40
    size: int = 128

    def __post_init__(self) -> None:
        self._check('pairs', 3 <= self.pairs <= 499, 'between 3 (one per split) and 499')
        self._check('seed', 0 <= self.seed < 2**32, 'between 0 and 4294967295')
        self._check('frames', 2 <= self.frames <= 2000, 'between 2 and 2000')
        even = self.size % 2 == 0  # H.264 stores colour at half the resolution
        self._check('size', 32 <= self.size <= 512 and even, 'an even number between 32 and 512')

    def _check(self, name: str, good: bool, wanted: str) -> None:
        if not good:
            raise MMFakeError(f'--{name} {getattr(self, name)} is not {wanted}: choose another')

    def claim(self, root: Path) -> None:
        """Make a folder the home of this tree, or recognise that it already is.

        Args:
            root (Path): The folder; made where absent.

        Raises:
            MMFakeError: If it holds a tree of other settings or anything else. Nothing is touched.
        """
        file, wanted = root / FILE_NAME, {'renderer': RENDERER, **asdict(self)}
        if root.exists() and not root.is_dir():
            raise MMFakeError(f'{root} is a file: choose a folder for --out')
        if not file.exists():
            if root.exists() and any(root.iterdir()):
                raise MMFakeError(
                    f'{root} is not empty and has no {FILE_NAME}: choose another folder for --out'
                )
            with atomic_file(file, 'what the tree is made of') as unfinished:
                unfinished.write_text(json.dumps(wanted, indent=2) + '\n')
            return
        try:
            found = dict(json.loads(file.read_text()))
        except (TypeError, ValueError) as error:
            raise MMFakeError(
                f'{file} cannot be read ({error}): delete {root} or choose another --out'
            ) from error
        if found != wanted:
            names = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
            differ = ', '.join(f'{n} {found.get(n)} instead of {wanted.get(n)}' for n in names)
            raise MMFakeError(
                f'{root} holds a mini tree of other settings ({differ}): '
                'choose another --out or delete it'
            )
