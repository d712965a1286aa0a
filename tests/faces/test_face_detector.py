import numpy as np
import pytest

from mmfake.faces.detectors import FaceDetector, Faces


class Fixed(FaceDetector):
    """Returns what it is given."""

    name, version = 'fixed', '1'

    def __init__(self, *parts):
        self.parts = parts

    def _find(self, picture):
        assert picture.flags.c_contiguous
        return Faces(*self.parts)


PICTURE = np.zeros((9, 9, 3), np.uint8)


def test_boxes_without_area_are_left_out_with_their_scores_and_points():
    boxes = [[0, 0, 5, 5], [9, 0, 9, 5], [0, 5, 3, 4], [np.nan, 0, 1, 1], [-4, -4, 1, 1]]
    points = np.arange(50).reshape(5, 5, 2)
    found = Fixed(boxes, [0.1, 0.2, 0.3, 0.4, 0.5], points).detect(PICTURE)
    assert found.boxes.tolist() == [boxes[0], boxes[4]]
    assert found.scores.tolist() == pytest.approx([0.1, 0.5])
    assert np.array_equal(found.points, points[[0, 4]])
    assert {part.dtype.name for part in found} == {'float32'}


def test_empty_lists_get_their_shapes():
    found = Fixed([], []).detect(PICTURE)
    assert (found.boxes.shape, found.scores.shape, found.points) == ((0, 4), (0,), None)


def test_a_view_is_made_contiguous():
    Fixed([], []).detect(np.zeros((9, 9, 4), np.uint8)[::2, ::-1, :3])


def test_grey_is_refused():
    with pytest.raises(ValueError, match=r'\(H, W, 3\) uint8 RGB, this one is \(9, 9\) uint8'):
        Fixed([], []).detect(PICTURE[..., 0])
