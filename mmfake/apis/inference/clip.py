"""What the model judges at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor


class Clip(NamedTuple):
    """One clip of one person.

    Attributes:
        person (int): Number of the person in the video, from 0.
        segment (int): Number of the piece of the video that one face track covers.
        start_frame (int): Number of its first frame in the video.
        end_frame (int): Number of its last frame.
        start (float): When its first frame is shown, s.
        end (float): When its last frame ends, s.
        inputs (Tensor): (C, T, H, W) uint8, as the test pipeline makes it.
    """

    person: int
    segment: int
    start_frame: int
    end_frame: int
    start: float
    end: float
    inputs: Tensor


class Segment(NamedTuple):
    """A piece of a video that is cut out around one face and judged like a test video.

    Attributes:
        person (int): Number of the person in the video.
        start (int): Number of its first frame in the video.
        squares (np.ndarray, optional): Left, top, right, bottom in px for each of its T frames,
            shape (T, 4); None for whole pictures.
        frames (np.ndarray): Which of its frames, from 0, make the clips, shape (clips, clip_len).
    """

    person: int
    start: int
    squares: np.ndarray
    frames: np.ndarray
