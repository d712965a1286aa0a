"""The squares that are cut out."""

from __future__ import annotations

import numpy as np

from .face_track import FaceTrack


def square_boxes(track: FaceTrack, margin: float) -> np.ndarray:
    """Turn the boxes of a track into squares of whole pixels around the same centres.

    Args:
        track (FaceTrack): T boxes, smoothed or not.
        margin (float): Side of the square in units of the longer side of the box; a detector's
            ``margin``, or 1 for the centre square.

    Returns:
        np.ndarray: Left, top, right, bottom in px, right and bottom not included, shape (T, 4)
        int64. A square may reach beyond the picture; it has a side of 1 px at least.

    Raises:
        ValueError: If the margin is not positive.
    """
    if not margin > 0:
        raise ValueError(f'margin={margin} of a square is not positive')
    low, high = np.split(track.boxes.astype(np.float64), 2, axis=1)  # (T, 2) each
    side = np.maximum(np.rint(margin * (high - low).max(axis=1, keepdims=True)), 1)
    corner = np.rint((low + high - side) / 2)
    return np.hstack([corner, corner + side]).astype(np.int64)
