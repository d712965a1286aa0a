"""Square face crops: squares around the boxes of a track, cut out and resized."""

from __future__ import annotations

import cv2
import numpy as np

from .detectors import check_picture
from .face_track import FaceTrack


def centre_square(picture: np.ndarray) -> np.ndarray:
    """Give the largest square in the centre of a picture: left, top, right, bottom, float32."""
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return np.float32([left, top, left + side, top + side])


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


def crop_square(picture: np.ndarray, square: np.ndarray, size: int) -> np.ndarray:
    """Cut out a square and bring it to a given size.

    What lies beyond the picture repeats the nearest pixel of its border. The square is never
    shifted: an original and its manipulation, cut out alike, stay congruent.

    Args:
        picture (np.ndarray): (H, W, 3) uint8 RGB.
        square (np.ndarray): Left, top, right, bottom in whole px, right and bottom not included.
        size (int): Side of the result, px. A larger square is reduced by averaging areas, a
            smaller one enlarged linearly.

    Returns:
        np.ndarray: (size, size, 3) uint8 RGB, no view of the picture.

    Raises:
        ValueError: If picture, square or size are not what they should be.
    """
    check_picture(picture)
    left, top, right, bottom = (int(value) for value in square)
    side = right - left
    if size < 1 or side < 1 or bottom - top != side:
        raise ValueError(f'no square of 1 px or more: {list(square)} to size={size}')
    height, width = picture.shape[:2]
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        part = picture[top:bottom, left:right]
    else:
        rows = np.clip(np.arange(top, bottom), 0, height - 1)
        columns = np.clip(np.arange(left, right), 0, width - 1)
        part = picture[rows[:, None], columns]
    return cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
