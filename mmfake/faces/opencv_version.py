"""Which OpenCV is installed."""

from __future__ import annotations

from typing import Tuple

import cv2


def opencv_version() -> Tuple[int, int]:
    """Read the version of OpenCV.

    Returns:
        tuple[int, int]: Major and minor number, e.g. (4, 8).
    """
    major, minor = cv2.__version__.split('.')[:2]
    return int(major), int(minor)
