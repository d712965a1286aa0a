"""Five points of the face in each frame of a stored clip: from a track, written and read."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Union

import numpy as np

from ..errors import MMFakeError
from ..files import atomic_file
from .crop import square_boxes
from .face_track import FaceTrack, smooth_track

# Frames. The crop is smoothed by 4, so that it does not tremble; the points of a head that shakes
# would then lie beside it.
_SIGMA = 1.0


def points_in_clip(track: FaceTrack, margin: float, size: int) -> np.ndarray:
    """Move the points of a track into the clip that was cut out along it.

    Args:
        track (FaceTrack): T frames, with points, as found: it is smoothed here, as for the crop.
        margin (float): Side of the crop in units of the longer side of the box.
        size (int): Side of the stored clip, px.

    Returns:
        np.ndarray: Eyes, nose and corners of the mouth, those on the left of the picture first, in
        px of the clip, (0, 0) its upper left corner, shape (T, 5, 2) float32.
    """
    squares = square_boxes(smooth_track(track), margin).astype(np.float64)
    corner, side = squares[:, None, :2], (squares[:, 2] - squares[:, 0])[:, None, None]
    return np.float32((smooth_track(track, _SIGMA).points - corner) * (size / side))


def write_points(path: Union[str, Path], points: np.ndarray) -> None:
    """Write the points of a clip, ``.npy`` by convention; the same points give the same bytes."""
    with atomic_file(path, 'the points') as temporary, open(temporary, 'wb') as stream:
        np.save(stream, np.asarray(points, np.float32), allow_pickle=False)


def is_points(path: Union[str, Path]) -> bool:
    """Whether an ``.npy`` file holds the points of a clip, and not a clip; its head tells."""
    try:
        return np.load(str(path), mmap_mode='r', allow_pickle=False).shape[1:] == (5, 2)
    except (OSError, ValueError, EOFError):
        return False


@lru_cache(maxsize=2048)  # 12 kB each; the donors of forgeries are looked up again and again
def read_points(path: Union[str, Path]) -> np.ndarray:
    """Read what :func:`write_points` wrote, (T, 5, 2) float32, not to be changed.

    Raises:
        MMFakeError: If the file cannot be read or holds anything else.
    """
    try:
        points = np.load(str(path), allow_pickle=False)
        if points.ndim != 3 or points.shape[1:] != (5, 2) or not np.isfinite(points).all():
            raise ValueError('not (T, 5, 2) numbers')
    except (OSError, ValueError, EOFError, TypeError) as error:
        reason = getattr(error, 'strerror', None) or 'damaged or something else'
        raise MMFakeError(
            f'{path}: the points of a clip cannot be read ({reason}); delete the file and run '
            'data_prep/add_points.py on the index'
        ) from None
    points.flags.writeable = False
    return points
