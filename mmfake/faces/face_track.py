"""One person's face through a part of a video."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

import numpy as np

from ..atomic_file import atomic_file
from ..errors import MMFakeError

_ARRAYS = ('boxes', 'scores', 'detected', 'points')


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """A box for each of T consecutive frames.

    Args:
        start (int): Number of the first frame, from 0.
        boxes (np.ndarray): Left, top, right, bottom in px, shape (T, 4) float32, T >= 1.
        scores (np.ndarray): The detector's scores, shape (T,) float32.
        detected (np.ndarray): Whether the detector saw the face in this frame, shape (T,) bool;
            all else is interpolated.
        points (np.ndarray, optional): Eyes, nose and corners of the mouth in px, shape (T, 5, 2)
            float32. Defaults to None.

    Raises:
        ValueError: If the shapes do not fit or a number is not finite.
    """

    start: int
    boxes: np.ndarray
    scores: np.ndarray
    detected: np.ndarray
    points: Optional[np.ndarray] = None

    def __post_init__(self):
        length = len(self.boxes)
        shapes = dict(boxes=(length, 4), scores=(length,), detected=(length,))
        if self.points is not None:
            shapes['points'] = (length, 5, 2)
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or not length or not np.isfinite(array).all():
                raise ValueError(f'{name} of a track: {array.shape} {array.dtype} for {shape}')

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def stop(self) -> int:
        """Number of the first frame after the track."""
        return self.start + len(self)

    @property
    def side(self) -> float:
        """Median over the frames of the longer side of the box, px."""
        return float(np.median((self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1)))

    def head(self, frames: int) -> FaceTrack:
        """Cut the track off.

        Args:
            frames (int): How many of its frames to keep, at least 1.

        Returns:
            FaceTrack: Its beginning, the whole if it is no longer than that.
        """
        kept = {name: getattr(self, name)[:frames] for name in _ARRAYS[:3]}
        points = None if self.points is None else self.points[:frames]
        return FaceTrack(self.start, points=points, **kept)

    def save(self, path: Union[str, Path]) -> None:
        """Write the track; the same track gives the same bytes.

        Args:
            path (str | Path): The file, ``.npz`` by convention.

        Raises:
            MMFakeError: If the file cannot be written.
        """
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays = {name: array for name, array in arrays.items() if array is not None}
        with atomic_file(path, 'the track') as temporary, open(temporary, 'wb') as stream:
            np.savez(stream, start=np.int64(self.start), **arrays)

    @classmethod
    def load(cls, path: Union[str, Path]) -> FaceTrack:
        """Read a track.

        Args:
            path (str | Path): A file that :meth:`save` wrote.

        Returns:
            FaceTrack: The same arrays.

        Raises:
            MMFakeError: If the file is missing, damaged or something else.
        """
        try:
            # opened here: numpy leaves the file open when it is no archive
            with open(path, 'rb') as stream, np.load(stream, allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in arrays.files}
                return cls(start=int(found.pop('start')), **found)
        except OSError as error:
            reason = error.strerror or error
        except (
            AttributeError, EOFError, KeyError, MemoryError, NotImplementedError, OverflowError,
            RuntimeError, TypeError, ValueError, zipfile.BadZipFile,
        ) as error:  # fmt: skip
            reason = f'damaged or something else: {type(error).__name__}'
        raise MMFakeError(
            f'{path}: the face track cannot be read ({reason}); delete it and make it again'
        ) from None
