"""Values for the frames between two that are known."""

from __future__ import annotations

from typing import Sequence

import numpy as np


def interpolate(frames: Sequence[int], values: np.ndarray) -> np.ndarray:
    """Interpolate linearly between the frames whose values are known.

    Args:
        frames (Sequence[int]): Numbers of the K known frames, ascending.
        values (np.ndarray): Their values, shape (K, ...).

    Returns:
        np.ndarray: One value for each frame from the first to the last, shape (T, ...) float32.
    """
    values = np.asarray(values, np.float64)
    wanted = np.arange(frames[0], frames[-1] + 1)
    columns = values.reshape(len(values), -1).T  # (D, K)
    filled = np.stack([np.interp(wanted, frames, column) for column in columns], axis=1)  # (T, D)
    return filled.reshape(len(wanted), *values.shape[1:]).astype(np.float32)
