"""Where to look when no detector does."""

from __future__ import annotations

import numpy as np


def centre_square(picture: np.ndarray) -> np.ndarray:
    """Give the largest square in the centre of a picture.

    Args:
        picture (np.ndarray): (H, W, 3).

    Returns:
        np.ndarray: Left, top, right, bottom in px, shape (4,) float32 holding whole numbers.
    """
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    return np.float32([left, top, left + side, top + side])
