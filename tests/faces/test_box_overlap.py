import numpy as np
import pytest

from mmfake.faces.face_track import box_overlap


def test_equals_counting_pixels():
    rng = np.random.default_rng(0)

    def boxes(count):
        corners = np.sort(rng.integers(0, 13, (count, 2, 2)), axis=1)
        corners[:, 1] += 1
        return corners.reshape(count, 4)

    one, other = boxes(12), boxes(15)

    def mask(box):
        picture = np.zeros((14, 14), bool)
        picture[box[1] : box[3], box[0] : box[2]] = True
        return picture

    expected = [[(mask(a) & mask(b)).sum() / (mask(a) | mask(b)).sum() for b in other] for a in one]
    assert box_overlap(one, other) == pytest.approx(np.array(expected))


@pytest.mark.filterwarnings('error')
def test_empty_boxes_overlap_nothing():
    assert box_overlap(np.zeros((2, 4)), np.zeros((1, 4))).tolist() == [[0], [0]]
    assert box_overlap(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)
