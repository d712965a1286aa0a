import numpy as np
import pytest

from mmfake.faces.crop import square_boxes


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
def test_by_hand(track, box, margin, square):
    squares = square_boxes(track([box, box]), margin)
    assert squares.tolist() == [square] * 2
    assert np.issubdtype(squares.dtype, np.integer)


def test_square_and_centred_within_a_pixel(track):
    rng = np.random.default_rng(0)
    corner, side = rng.uniform(-20, 200, (50, 2)), rng.uniform(1, 90, (50, 2))
    squares = square_boxes(track(np.hstack([corner, corner + side])), 1.3)
    width, height = (squares[:, 2:] - squares[:, :2]).T
    assert (width == height).all()
    assert np.abs(width - 1.3 * side.max(axis=1)).max() <= 0.5 + 1e-4
    offset = (squares[:, :2] + squares[:, 2:]) / 2 - (corner + side / 2)
    assert np.abs(offset).max() <= 0.5 + 1e-4


@pytest.mark.parametrize('margin', [0, -1.3, float('nan')])
def test_no_margin(track, margin):
    with pytest.raises(ValueError, match='margin='):
        square_boxes(track([0, 0, 1, 1]), margin)
