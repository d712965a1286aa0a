"""How a clip looks, in a few bits."""

from __future__ import annotations

from typing import List

import cv2
import numpy as np
from PIL import Image

from mmfake.errors import MMFakeError

try:
    import imagehash
except ImportError:
    raise MMFakeError(
        'near-duplicates are found with ImageHash, which is not installed: pip install ImageHash'
    ) from None

LOOKS = 5
"""int: Frames of a clip that are hashed."""

# 16 x 16 low frequencies of a picture of 64 x 64 px. Hashes of 8 x 8 are too coarse for faces that
# all fill the picture alike: those of two strangers came within the reach of copies.
HASH_SIZE = 16
THUMBNAIL = 4 * HASH_SIZE


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """Make a picture as small as its hash needs it.

    Args:
        picture (np.ndarray): (H, W, 3) uint8 RGB.

    Returns:
        np.ndarray: (64, 64) uint8 grey.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)


def look_of(thumbnails: List[np.ndarray]) -> np.ndarray:
    """Hash some frames of a clip, evenly spaced.

    Args:
        thumbnails (list[np.ndarray]): (64, 64) uint8 of every frame, at least one.

    Returns:
        np.ndarray: (5, 256) bool.
    """
    places = ((np.arange(LOOKS) + 0.5) * len(thumbnails) / LOOKS).astype(int)
    pictures = (Image.fromarray(thumbnails[place]) for place in places)
    return np.stack([imagehash.phash(picture, HASH_SIZE).hash.ravel() for picture in pictures])
