"""A track that is still growing."""

from __future__ import annotations

from typing import List

import numpy as np

from .face_track import FaceTrack
from .faces import Faces
from .interpolate import interpolate


class OpenTrack:
    """The detections of one person so far.

    Attributes:
        missed (int): Detections since the person was last seen.
    """

    def __init__(self):
        self.missed = 0
        self._frames: List[int] = []
        self._seen: List[Faces] = []  # each of one face

    def add(self, frame: int, face: Faces) -> None:
        """Append a detection.

        Args:
            frame (int): Number of the frame, above all before it.
            face (Faces): The one face.
        """
        self._frames.append(frame)
        self._seen.append(face)
        self.missed = 0

    def expected(self, frame: int) -> np.ndarray:
        """Where the person can be: where they were, and where they are if they kept moving.

        The second tells two people apart who cross; the first finds one who turned back.

        Args:
            frame (int): Number of the frame.

        Returns:
            np.ndarray: Two boxes in px, shape (2, 4).
        """
        last = self._seen[-1].boxes[0]
        if len(self._frames) == 1:
            return np.stack([last, last])
        step = (last - self._seen[-2].boxes[0]) / (self._frames[-1] - self._frames[-2])
        step = np.tile((step[:2] + step[2:]) / 2, 2)  # the centre moves, the size stays
        return np.stack([last, last + step * (frame - self._frames[-1])])

    def close(self) -> FaceTrack:
        """Fill the frames between the detections.

        Returns:
            FaceTrack: From the first frame in which the person was seen to the last one.
        """
        boxes, scores, points = zip(*self._seen)
        filled = {
            name: interpolate(self._frames, np.concatenate(values))
            for name, values in (('boxes', boxes), ('scores', scores), ('points', points))
            if values[0] is not None
        }
        detected = np.zeros(len(filled['boxes']), bool)
        detected[np.array(self._frames) - self._frames[0]] = True
        return FaceTrack(start=self._frames[0], detected=detected, **filled)
