"""How faces are found and cut out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Optional, Tuple

from ..errors import MMFakeError
from .build_detector import DETECTORS, build_detector
from .face_detector import FaceDetector


@dataclass(frozen=True)
class FaceSettings:
    """What data preparation does to find and cut out a face; the defaults are its own.

    Args:
        detector (str): One of :data:`mmfake.faces.DETECTORS`. Defaults to ``'centerface'``.
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

    def load(self) -> Tuple[Optional[FaceDetector], float]:
        """Load the detector, once per process.

        Returns:
            tuple[FaceDetector | None, float]: The detector, None for the centre square, and the
            margin in use.

        Raises:
            MMFakeError: If it is not installed, or its model cannot be loaded.
        """
        detector = _loaded_detector(self.detector, self.model)
        return detector, 1.0 if detector is None else self.margin or detector.margin


@lru_cache(maxsize=1)
def _loaded_detector(name: str, model: Optional[str]) -> Optional[FaceDetector]:
    return build_detector(name, model)
