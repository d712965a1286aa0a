from itertools import permutations

import cv2
import numpy as np
import pytest
from mmaction.datasets.transforms import ColorJitter
from mmaction.registry import TRANSFORMS

from mmfake.datasets.transforms.planar_color_jitter import PlanarColorJitter


def both(pictures, order=(0, 1, 2, 3), seed=0, **ranges):
    """What mmaction2's transform makes of pictures, what ours does, and whether both drew alike."""
    made = []
    for kind in (ColorJitter, PlanarColorJitter):
        transform = kind(**ranges)
        transform.fn_idx = np.array(order)
        np.random.seed(seed)
        imgs = transform.transform(dict(imgs=[picture.copy() for picture in pictures]))['imgs']
        made.append((imgs, np.random.uniform()))
    (theirs, after), (ours, after_ours) = made
    assert after == after_ours, 'as many numbers are drawn'
    assert all(img.dtype == np.uint8 and img.flags.c_contiguous for img in ours)
    return theirs, ours


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (4, 48, 40, 3), dtype=np.uint8)
    return [*(cv2.GaussianBlur(picture, (5, 5), 0) for picture in noise[:3]), noise[3]]


@pytest.mark.parametrize('order', list(permutations(range(4)))[::3])
def test_same_pixels_as_mmaction2_in_any_order(pictures, order):
    for seed in range(6):
        theirs, ours = both(pictures, order, seed, brightness=0.4, saturation=0.5, hue=0.0)
        assert np.array_equal(theirs, ours)
        assert not np.array_equal(ours, pictures)


@pytest.mark.parametrize(
    'ranges',
    [
        dict(brightness=0.0, contrast=0.0, saturation=(0.0, 0.0), hue=0.0),  # grey
        dict(brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0),  # nothing
        dict(brightness=1.0, contrast=1.0, saturation=1.0, hue=0.0),  # far out of range
        dict(brightness=(0.5, 0.7), contrast=0.0, saturation=0.0, hue=(0.0, 0.0)),
    ],
)
def test_same_pixels_at_the_ends_of_the_ranges(pictures, ranges):
    theirs, ours = both(pictures, **ranges)
    assert np.array_equal(theirs, ours)


def test_pictures_of_several_sizes_views_and_other_types(pictures):
    odd = [pictures[0][3:30, 5:28], pictures[1][::2, ::-1], pictures[2]]
    assert all(np.array_equal(*pair) for pair in zip(*both(odd, hue=0.0)))
    floats = [picture.astype(np.float32) for picture in pictures]
    assert np.array_equal(*both(floats, hue=0.0))
    assert np.array_equal(*both(pictures, order=(0, 1, 2, 3), hue=(0.1, 0.1)))


def test_order_is_drawn_when_it_is_built_as_mmaction2_does():
    orders = []
    for kind in ('ColorJitter', 'mmfake.PlanarColorJitter'):
        np.random.seed(3)
        orders.append(TRANSFORMS.build(dict(type=kind)).fn_idx.tolist())
    assert orders[0] == orders[1]
