"""What a detector finds in one picture."""

from __future__ import annotations

from typing import NamedTuple, Optional

import numpy as np


class Faces(NamedTuple):
    """The n faces of a picture.

    Attributes:
        boxes (np.ndarray): Left, top, right, bottom in px, shape (n, 4) float32. A box may reach
            beyond the picture.
        scores (np.ndarray): How sure the detector is, on its own scale, shape (n,) float32.
        points (np.ndarray, optional): x, y of the two eyes, the tip of the nose and the two corners
            of the mouth, those on the left of the picture first, shape (n, 5, 2) float32 px; None
            from a detector without points.
    """

    boxes: np.ndarray
    scores: np.ndarray
    points: Optional[np.ndarray] = None
