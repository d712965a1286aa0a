import sys

import numpy as np
import pytest

from mmfake.errors import MMFakeError
from mmfake.faces.detectors import DlibDetector


def test_no_face_and_no_points():
    dlib = pytest.importorskip('dlib', reason='dlib is not installed')
    detector = DlibDetector()
    found = detector.detect(np.zeros((90, 120, 3), np.uint8))
    assert (found.boxes.shape, found.points) == ((0, 4), None)
    assert len(detector.detect(np.zeros((1, 1, 3), np.uint8)).boxes) == 0
    assert detector.version == f'dlib {dlib.__version__} upsample 0'
    assert (detector.name, detector.margin) == ('dlib', 1.5)


def test_right_and_bottom_are_beyond_the_last_pixel(monkeypatch):
    dlib = pytest.importorskip('dlib', reason='dlib is not installed')
    face = dlib.rectangle(2, 3, 11, 22)

    class OneFace:
        def run(self, picture, upsample, threshold):
            return [face], [0.5 + upsample + threshold], [0]

    monkeypatch.setattr(dlib, 'get_frontal_face_detector', OneFace)
    found = DlibDetector(upsample=1, threshold=0.25).detect(np.zeros((90, 120, 3), np.uint8))
    assert found.boxes.tolist() == [[2, 3, 2 + face.width(), 3 + face.height()]]
    assert found.scores.tolist() == [1.75]


def test_dlib_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, 'dlib', None)
    with pytest.raises(MMFakeError, match=r'the package dlib is not installed .*dlib-bin'):
        DlibDetector()


def test_upsample_is_a_count():
    with pytest.raises(MMFakeError, match='upsample=-1 is negative'):
        DlibDetector(upsample=-1)
