"""How much boxes overlap."""

from __future__ import annotations

import numpy as np


def box_overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of each box with each other box.

    Args:
        boxes (np.ndarray): Left, top, right, bottom in px, shape (n, 4).
        others (np.ndarray): Likewise, shape (m, 4).

    Returns:
        np.ndarray: (n, m) float64, 0 apart to 1 equal.
    """
    one = np.asarray(boxes, np.float64)[:, None]
    two = np.asarray(others, np.float64)[None]
    low, high = np.maximum(one[..., :2], two[..., :2]), np.minimum(one[..., 2:], two[..., 2:])
    common = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(sides[..., 2:] - sides[..., :2], axis=-1) for sides in (one, two)]
    return common / np.maximum(areas[0] + areas[1] - common, np.finfo(np.float64).tiny)
