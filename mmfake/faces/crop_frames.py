"""The face clip of a video, frame by frame."""

from __future__ import annotations

from itertools import islice
from typing import Iterable, Iterator

import numpy as np

from .crop_square import crop_square


def crop_frames(
    frames: Iterable[np.ndarray], squares: np.ndarray, size: int, start: int = 0
) -> Iterator[np.ndarray]:
    """Cut a square out of each frame.

    Ends with the squares or the frames, whichever are fewer; no frame is taken after the last
    square.

    Args:
        frames (Iterable[np.ndarray]): The pictures of the video from its beginning, each (H, W, 3)
            uint8 RGB.
        squares (np.ndarray): As :func:`~.square_boxes.square_boxes` makes them, shape (T, 4).
        size (int): Side of the result, px.
        start (int): Number of the frame of the first square; those before it are passed over.
            Defaults to 0.

    Yields:
        np.ndarray: (size, size, 3) uint8 RGB.
    """
    # squares first: zip would otherwise take a frame before it sees that no square is left
    for square, picture in zip(squares, islice(frames, start, None)):
        yield crop_square(picture, square, size)
