import numpy as np
import pytest

from mmfake.faces.crop import crop_square

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
