import numpy as np
import pytest

from mmfake.faces.face_track import interpolate


def test_by_hand():
    values = np.array([[[0, 10]], [[3, 40]], [[4, 0]]])
    filled = interpolate([5, 8, 9], values)
    assert filled.dtype == np.float32
    expected = [[[0, 10]], [[1, 20]], [[2, 30]], [[3, 40]], [[4, 0]]]
    assert filled == pytest.approx(np.float32(expected))


def test_one_frame():
    assert interpolate([7], np.array([3.5])).tolist() == [3.5]
