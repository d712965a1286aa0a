"""The interface of all face detectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Optional

import numpy as np

from .faces import Faces
from .picture import check_picture


class FaceDetector(ABC):
    """Finds the faces of one picture.

    A subclass implements :meth:`_find` and gives ``name`` and ``version``. Its library is imported
    in its constructor, so that nobody needs the libraries of the other detectors.

    Attributes:
        name (str): As :func:`~.build_detector.build_detector` knows it.
        version (str): Library, model and settings: what the boxes depend on, in one short line.
        margin (float): Side of the crop in units of the longer side of the box. Defaults to 1.3.
    """

    name: str
    version: str
    margin: float = 1.3

    def detect(self, picture: np.ndarray) -> Faces:
        """Find the faces.

        Args:
            picture (np.ndarray): (H, W, 3) uint8 RGB.

        Returns:
            Faces: The faces in the detector's own order; none is an empty one, not an error.

        Raises:
            ValueError: If the picture has another shape or type.
        """
        check_picture(picture)
        found = self._find(np.ascontiguousarray(picture))
        boxes = np.asarray(found.boxes, np.float32).reshape(-1, 4)
        # a face clipped at the border can lose all its width; such a box has no overlap and no side
        keep = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        scores = np.asarray(found.scores, np.float32).reshape(-1)
        points: Optional[np.ndarray] = None
        if found.points is not None:
            points = np.asarray(found.points, np.float32).reshape(-1, 5, 2)[keep]
        return Faces(boxes[keep], scores[keep], points)

    @abstractmethod
    def _find(self, picture: np.ndarray) -> Faces:
        """Find the faces of a contiguous (H, W, 3) uint8 RGB picture."""
