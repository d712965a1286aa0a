"""Face track: box and five points per frame, its file, smoothing, and ranking of people."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Iterable, List, Optional, Sequence, Union

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..errors import MMFakeError
from ..files import atomic_file


def interpolate(frames: Sequence[int], values: np.ndarray) -> np.ndarray:
    """Fill the frames between K known ones linearly: (K, ...) values to (T, ...) float32."""
    values = np.asarray(values, np.float64)
    wanted = np.arange(frames[0], frames[-1] + 1)
    columns = values.reshape(len(values), -1).T  # (D, K)
    filled = np.stack([np.interp(wanted, frames, column) for column in columns], axis=1)  # (T, D)
    return filled.reshape(len(wanted), *values.shape[1:]).astype(np.float32)


def box_overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of n boxes with m others (left, top, right, bottom): (n, m)."""
    one = np.asarray(boxes, np.float64)[:, None]
    two = np.asarray(others, np.float64)[None]
    low, high = np.maximum(one[..., :2], two[..., :2]), np.minimum(one[..., 2:], two[..., 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(sides[..., 2:] - sides[..., :2], axis=-1) for sides in (one, two)]
    return common / np.maximum(areas[0] + areas[1] - common, np.finfo(np.float64).tiny)


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
        """Keep so many of its first frames, at least 1, or all if it has no more."""
        kept = {name: getattr(self, name)[:frames] for name in _ARRAYS[:3]}
        points = None if self.points is None else self.points[:frames]
        return FaceTrack(self.start, points=points, **kept)

    def save(self, path: Union[str, Path]) -> None:
        """Write the track, ``.npz`` by convention; the same track gives the same bytes."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays = {name: array for name, array in arrays.items() if array is not None}
        with atomic_file(path, 'the track') as temporary, open(temporary, 'wb') as stream:
            np.savez(stream, start=np.int64(self.start), **arrays)

    @classmethod
    def load(cls, path: Union[str, Path]) -> FaceTrack:
        """Read what :meth:`save` wrote; a damaged file ends in one line."""
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


def smooth_track(track: FaceTrack, sigma: float = 4.0) -> FaceTrack:
    """Smooth boxes and points over the frames with a Gaussian, cut off at 4 sigma (frames).

    Smoothing is linear, so smoothing the corners smooths centre, width and height alike. At the
    ends the first and the last box are taken to go on for ever.
    """
    if sigma < 0:
        raise ValueError(f'sigma={sigma} of a smoothing is negative')
    if sigma == 0:
        return track

    def smooth(values: np.ndarray) -> np.ndarray:
        # in float64: float32 would round each of the sums on the way
        smoothed = gaussian_filter1d(values.astype(np.float64), sigma, axis=0, mode='nearest')
        return smoothed.astype(np.float32)

    points = None if track.points is None else smooth(track.points)
    return replace(track, boxes=smooth(track.boxes), points=points)


def rank_people(tracks: Iterable[FaceTrack]) -> List[FaceTrack]:
    """Sort tracks by length times median side of the face, the most prominent person first.

    Of equal ones the earlier comes first, then the one further left, then the one further up.
    """

    def rank(track: FaceTrack) -> tuple:
        return (-len(track) * track.side, track.start, *track.boxes[0].tolist())

    return sorted(tracks, key=rank)
