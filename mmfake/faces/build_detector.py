"""A detector by its name, as command lines give it."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Union

from ..errors import MMFakeError
from .center_face_detector import CenterFaceDetector
from .dlib_detector import DlibDetector
from .face_detector import FaceDetector
from .yunet_detector import YuNetDetector

DETECTORS = ('centerface', 'yunet', 'dlib', 'none')


def build_detector(name: str, model: Optional[Union[str, Path]] = None) -> Optional[FaceDetector]:
    """Build a detector with its default settings.

    Args:
        name (str): One of ``DETECTORS``.
        model (str | Path, optional): Model file, which yunet needs and no other takes. Defaults to
            None.

    Returns:
        FaceDetector | None: None for ``none``: :class:`~.face_tracker.FaceTracker` then gives the
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
    return {'centerface': CenterFaceDetector, 'dlib': DlibDetector, 'none': lambda: None}[name]()
