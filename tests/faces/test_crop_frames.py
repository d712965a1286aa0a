import numpy as np
import pytest

from mmfake.faces import crop_frames

SQUARES = np.array([[n, n, n + 4, n + 4] for n in range(3)])


def pictures(count):
    for n in range(count):
        yield np.full((10, 10, 3), 10 * n, np.uint8)


@pytest.mark.parametrize(
    ('count', 'start', 'values'),
    [(3, 0, [0, 10, 20]), (9, 2, [20, 30, 40]), (4, 2, [20, 30]), (2, 5, [])],
)
def test_one_crop_for_each_frame_that_has_a_square(count, start, values):
    crops = list(crop_frames(pictures(count), SQUARES, 4, start=start))
    assert [int(crop[0, 0, 0]) for crop in crops] == values
    assert all(crop.shape == (4, 4, 3) for crop in crops)


def test_each_frame_has_its_own_square():
    ramp = np.zeros((10, 10, 3), np.uint8)
    ramp[...] = np.arange(10)[:, None, None]
    crops = list(crop_frames([ramp] * 3, SQUARES, 4))
    assert [int(crop[0, 0, 0]) for crop in crops] == [0, 1, 2]


def test_takes_frames_one_by_one_and_none_too_many():
    taken = []

    def counted():
        for picture in pictures(10):
            taken.append(picture)
            yield picture

    crops = crop_frames(counted(), SQUARES, 4)
    assert taken == []
    next(crops)
    assert len(taken) == 1
    assert len(list(crops)) == 2
    assert len(taken) == 3
