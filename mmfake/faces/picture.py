"""What all parts of this package take for a picture."""

from __future__ import annotations

import numpy as np


def check_picture(picture: np.ndarray) -> None:
    """Refuse what is not a picture.

    Args:
        picture (np.ndarray): Should be (H, W, 3) uint8 RGB with H, W >= 1.

    Raises:
        ValueError: If it is not; the message shows its shape and type.
    """
    shape, kind = np.shape(picture), getattr(picture, 'dtype', type(picture).__name__)
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or kind != np.uint8:
        raise ValueError(f'a picture is (H, W, 3) uint8 RGB, this one is {shape} {kind}')
