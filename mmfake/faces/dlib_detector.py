"""dlib's detector."""

from __future__ import annotations

import numpy as np

from ..errors import MMFakeError
from .face_detector import FaceDetector
from .faces import Faces


class DlibDetector(FaceDetector):
    """Histograms of oriented gradients (dlib): frontal faces of at least about 80 px, no points.

    It misses small and turned faces; it is here to compare with work that used it.

    Args:
        upsample (int): How often the picture is doubled first: 1 finds faces from 40 px on and
            takes four times as long. Defaults to 0.
        threshold (float): Least score of a face. Defaults to 0.0.

    Raises:
        MMFakeError: If dlib is not installed.
    """

    name = 'dlib'
    margin = 1.5  # its boxes are 10 to 20 % shorter than those of the others

    def __init__(self, upsample: int = 0, threshold: float = 0.0):
        if upsample < 0:
            raise MMFakeError(f'dlib: upsample={upsample} is negative; choose 0 or more')
        try:
            import dlib
        except ImportError as error:
            raise MMFakeError(
                f'dlib: the package dlib is not installed ({error}); pip install dlib-bin'
            ) from None
        self._detector = dlib.get_frontal_face_detector()
        self.upsample, self.threshold = upsample, threshold
        self.version = f'dlib {dlib.__version__} upsample {upsample}'

    def _find(self, picture: np.ndarray) -> Faces:
        found, scores, _ = self._detector.run(picture, self.upsample, self.threshold)
        # dlib's right and bottom are the last pixel inside
        boxes = [(box.left(), box.top(), box.right() + 1, box.bottom() + 1) for box in found]
        return Faces(np.float32(boxes), np.float32(scores))
