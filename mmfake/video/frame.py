"""One frame of a video."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Frame(NamedTuple):
    """A frame as it is shown.

    Attributes:
        picture (np.ndarray): (H, W, 3) uint8 RGB.
        time (float): When it is shown, s from the first shown frame.
    """

    picture: np.ndarray
    time: float
