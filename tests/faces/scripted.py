"""Scripted faces, scenes and tracks that the tests of this folder are made of."""

from __future__ import annotations

import cv2
import numpy as np

from mmfake.faces.detectors import FaceDetector, Faces
from mmfake.faces.face_track import FaceTrack

cv2.setNumThreads(1)


class Scripted(FaceDetector):
    """Finds in frame n the boxes ``script(n)``; frames carry their number in the first pixel."""

    name, version = 'scripted', '1'

    def __init__(self, script, with_points=False):
        self.script, self.with_points = script, with_points
        self.searched = []

    def _find(self, picture):
        number = int(picture[0, 0, 0]) * 256 + int(picture[0, 0, 1])
        self.searched.append(number)
        boxes = np.float32(self.script(number)).reshape(-1, 4)
        scores = np.full(len(boxes), 0.5 + number / 1000)
        points = None
        if self.with_points:  # the five points on the diagonal of the box
            share = np.linspace(0, 1, 5)[:, None]
            points = [box[:2] + share * (box[2:] - box[:2]) for box in boxes]
            points = np.float32(points).reshape(-1, 5, 2)
        return Faces(boxes, scores, points)


def scene(seed, height=64, width=64):
    """A coloured picture of 10 x 10 soft patches; another seed is another place."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (10, 10, 3), dtype=np.uint8)
    return cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)


def frame(number, picture=None):
    """Frame n of a scene, its number in the first pixel."""
    picture = scene(0) if picture is None else picture.copy()
    picture[0, 0] = number // 256, number % 256, 0
    return picture


def make_track(boxes, length=1, start=0, with_points=False, score=0.9):
    """A track from boxes or from one box repeated."""
    boxes = np.float32(boxes)
    if boxes.ndim == 1:
        boxes = np.tile(boxes, (length, 1))
    length = len(boxes)
    points = None
    if with_points:
        points = np.repeat((boxes[:, None, :2] + boxes[:, None, 2:]) / 2, 5, axis=1)
    scores = np.full(length, score, np.float32)
    return FaceTrack(start, boxes, scores, np.ones(length, bool), points)
