"""A square cut out of a picture."""

from __future__ import annotations

import cv2
import numpy as np

from .picture import check_picture


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
