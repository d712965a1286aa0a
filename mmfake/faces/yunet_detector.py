"""YuNet, the detector that is built into OpenCV."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Union

import cv2
import numpy as np

from ..errors import MMFakeError
from .face_detector import FaceDetector
from .faces import Faces
from .opencv_version import opencv_version

_SOURCE = 'face_detection_yunet_2023mar.onnx of opencv_zoo (github.com/opencv/opencv_zoo)'


class YuNetDetector(FaceDetector):
    """YuNet (Wu et al., 2023): boxes and five points; the model file is the user's to bring.

    Args:
        model (str | Path): The model, ``face_detection_yunet_2023mar.onnx`` of opencv_zoo.
        max_side (int): A picture with a longer side is reduced to it, px: YuNet was trained on
            faces up to 300 px. Defaults to 640.
        threshold (float): Least score of a face. Defaults to 0.6.

    Raises:
        MMFakeError: If OpenCV is older than 4.8 or the model is missing or not a YuNet.
    """

    name = 'yunet'

    def __init__(self, model: Union[str, Path], max_side: int = 640, threshold: float = 0.6):
        if opencv_version() < (4, 8):
            raise MMFakeError(
                f'yunet: OpenCV {cv2.__version__} is too old for this network; '
                "pip install 'opencv-python-headless>=4.8'"
            )
        if max_side < 32:
            raise MMFakeError(f'yunet: max_side={max_side} is below 32 px; choose a larger')
        try:
            digest = hashlib.sha256(Path(model).read_bytes()).hexdigest()
        except OSError as error:
            raise MMFakeError(
                f'yunet: {model}: the model cannot be read ({error.strerror}); it is {_SOURCE}'
            ) from None
        self.max_side = max_side
        self.version = f'{Path(model).name} sha256 {digest[:12]} opencv {cv2.__version__}'
        try:
            self._detector = cv2.FaceDetectorYN.create(str(model), '', (64, 64), threshold)
            for side in (64, 96):  # a wrong network shows only when it runs, or at a second size
                self._find(np.zeros((64, side, 3), np.uint8))
        except (cv2.error, SystemError):
            raise MMFakeError(
                f'yunet: {model}: OpenCV {cv2.__version__} cannot run this model; take {_SOURCE}'
            ) from None

    def _find(self, picture: np.ndarray) -> Faces:
        height, width = picture.shape[:2]
        shrink = min(1, self.max_side / max(width, height))
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        small = picture if shrink == 1 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        self._detector.setInputSize(size)
        _, found = self._detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        if found is None:
            found = np.zeros((0, 15), np.float32)
        # a row is left, top, width, height, five points, score
        corners = np.hstack([found[:, :2], found[:, :2] + found[:, 2:4]])
        scale = np.float32([width / size[0], height / size[1]])
        return Faces(
            corners * np.tile(scale, 2), found[:, 14], found[:, 4:14].reshape(-1, 5, 2) * scale
        )
