import numpy as np
import pytest

from mmfake.faces.crop import crop_square, square_boxes
from tests.faces.scripted import make_track

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def slow_crop(picture, square, factor):
    """Pad far, slice, average blocks of factor x factor pixels."""
    far = 100
    padded = np.pad(picture.astype(float), ((far, far), (far, far), (0, 0)), mode='edge')
    left, top, right, bottom = (value + far for value in square)
    part = padded[top:bottom, left:right]
    size = (right - left) // factor
    return part.reshape(size, factor, size, factor, 3).mean(axis=(1, 3))


@pytest.mark.parametrize('factor', [1, 2, 3, 5])
@pytest.mark.parametrize(
    ('left', 'top'),
    [
        (0, 0),
        (3, 7),
        (-4, 10),
        (10, -9),
        (20, 5),
        (5, 30),
        (-20, -20),
        (25, 38),
        (60, 10),
        (5, -70),
    ],
)
def test_equals_pad_slice_and_average(factor, left, top):
    square = np.array([left, top, left + 30, top + 30])
    crop = crop_square(PICTURE, square, 30 // factor)
    assert crop.shape == (30 // factor, 30 // factor, 3)
    assert crop.dtype == np.uint8
    # rounded to the next whole number, whichever way at one half
    assert np.abs(crop - slow_crop(PICTURE, square, factor)).max() <= 0.5 + 1e-4


def test_larger_than_the_picture():
    square = np.array([-20, -15, 60, 65])
    assert np.abs(crop_square(PICTURE, square, 20) - slow_crop(PICTURE, square, 4)).max() <= 0.5


def test_a_larger_size_enlarges():
    crop = crop_square(PICTURE, np.array([3, 4, 13, 14]), 40)
    assert crop.shape == (40, 40, 3)
    means = crop.astype(float).mean(axis=(0, 1)) - PICTURE[4:14, 3:13].mean(axis=(0, 1))
    assert np.abs(means).max() < 8


def test_a_pixel():
    assert crop_square(PICTURE, np.array([5, 6, 6, 7]), 1).tolist() == [[PICTURE[6, 5].tolist()]]
    tiny = np.full((1, 1, 3), 7, np.uint8)
    assert (crop_square(tiny, np.array([-5, -5, 9, 9]), 4) == 7).all()


def test_the_result_is_no_view():
    picture = PICTURE.copy()
    crop_square(picture, np.array([0, 0, 8, 8]), 8)[:] = 0
    assert np.array_equal(picture, PICTURE)


@pytest.mark.parametrize(
    ('square', 'size'), [([0, 0, 8, 9], 4), ([5, 5, 5, 5], 4), ([9, 9, 1, 1], 4), ([0, 0, 8, 8], 0)]
)
def test_no_square(square, size):
    with pytest.raises(ValueError, match=r'no square of 1 px or more: \[.*\] to size='):
        crop_square(PICTURE, np.array(square), size)


def test_no_picture():
    with pytest.raises(ValueError, match=r'this one is \(40, 30\) uint8'):
        crop_square(PICTURE[..., 0], np.array([0, 0, 8, 8]), 8)


@pytest.mark.parametrize(
    ('box', 'margin', 'square'),
    [
        ([10, 20, 30, 40], 1, [10, 20, 30, 40]),
        ([10, 20, 30, 60], 1, [0, 20, 40, 60]),  # the longer side, around the same centre
        ([10, 20, 70, 40], 1, [10, 0, 70, 60]),
        ([40, 40, 60, 60], 1.5, [35, 35, 65, 65]),
        ([0, 0, 10, 10], 1.3, [-2, -2, 11, 11]),  # beyond the picture: -1.5 goes to the even -2
        ([10.2, 20.2, 30.4, 40.2], 1, [10, 20, 30, 40]),
        ([5, 5, 5.2, 5.1], 1, [5, 5, 6, 6]),  # 1 px at least
    ],
)
def test_by_hand(box, margin, square):
    squares = square_boxes(make_track([box, box]), margin)
    assert squares.tolist() == [square] * 2
    assert np.issubdtype(squares.dtype, np.integer)


def test_square_and_centred_within_a_pixel():
    rng = np.random.default_rng(0)
    corner, side = rng.uniform(-20, 200, (50, 2)), rng.uniform(1, 90, (50, 2))
    squares = square_boxes(make_track(np.hstack([corner, corner + side])), 1.3)
    width, height = (squares[:, 2:] - squares[:, :2]).T
    assert (width == height).all()
    assert np.abs(width - 1.3 * side.max(axis=1)).max() <= 0.5 + 1e-4
    offset = (squares[:, :2] + squares[:, 2:]) / 2 - (corner + side / 2)
    assert np.abs(offset).max() <= 0.5 + 1e-4


@pytest.mark.parametrize('margin', [0, -1.3, float('nan')])
def test_no_margin(margin):
    with pytest.raises(ValueError, match='margin='):
        square_boxes(make_track([0, 0, 1, 1]), margin)
