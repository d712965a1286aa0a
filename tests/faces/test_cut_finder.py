import itertools

import cv2
import numpy as np
import pytest

from mmfake.faces.tracking import CutFinder


def changes(pictures, **options):
    finder = CutFinder(**options)
    told = [finder.update(picture) for picture in pictures]
    return {n: change for n, change in enumerate(told) if change}


def uniform(value):
    return np.full((64, 64, 3), value, np.uint8)


def bright(picture, gain, offset=0):
    return np.uint8(np.clip(picture * gain + offset, 0, 255))


@pytest.mark.parametrize(('height', 'width'), [(16, 16), (64, 64), (120, 90), (720, 1280)])
def test_every_hard_cut(scene, height, width):
    shots = [scene(seed, height, width) for seed in range(5)]
    for one, other in itertools.permutations(shots, 2):
        assert changes([one] * 3 + [other] * 6) == {3: 'cut'}


def test_cuts_from_and_to_black(scene):
    assert changes([uniform(0)] * 5 + [scene(0)] * 5 + [uniform(0)] * 5) == {5: 'cut', 10: 'cut'}


def test_a_shot_of_one_frame_after_a_long_one_and_before_another(scene):
    pictures = [scene(0)] * 5 + [scene(1)] + [scene(2)] * 5
    assert changes(pictures) == {5: 'cut', 6: 'cut'}


@pytest.mark.parametrize(('length', 'told'), [(1, 'back'), (3, 'back'), (4, 'cut')])
def test_a_white_flash_is_taken_back(scene, length, told):
    pictures = [scene(0)] * 5 + [uniform(255)] * length + [scene(0)] * 5
    assert changes(pictures) == {5: 'cut', 5 + length: told}


def test_every_flash_is_taken_back(scene):
    pictures = ([scene(0)] * 5 + [uniform(255)]) * 2 + [scene(0)] * 5
    assert changes(pictures) == {5: 'cut', 6: 'back', 11: 'cut', 12: 'back'}


@pytest.mark.parametrize(('gain', 'offset'), [(1.6, 0), (0.4, 0), (0.5, 120)])
def test_brighter_or_darker_is_no_cut(scene, gain, offset):
    picture = bright(scene(3), 0.7)
    assert changes([picture, bright(picture, gain, offset), picture]) == {}


@pytest.mark.parametrize(('x', 'y'), [(0.1, 0.0), (0.2, 0.0), (0.0, 0.2), (0.1, 0.1)])
def test_fast_motion_is_no_cut(x, y):
    """A camera that turns by a part of the picture from frame to frame, over a long wall."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        patches = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        wall = cv2.resize(patches, (400, 400), interpolation=cv2.INTER_CUBIC)
        corners = [(int(100 * y * n), int(100 * x * n)) for n in range(15)]
        assert changes([wall[top : top + 100, left : left + 100] for top, left in corners]) == {}


def test_the_same_colours_elsewhere_are_no_cut(scene):
    """A camera that is swung round in one room."""
    assert changes([scene(0), scene(0)[:, ::-1], scene(0)[::-1]]) == {}


def test_a_flickering_lamp_on_a_wall_is_no_cut():
    assert changes([uniform(40), uniform(46)] * 4) == {}  # not one of the six levels in common


def test_a_zoom_is_no_cut(scene):
    wide = scene(0, 200, 200)
    sides = [int(200 * 0.85**n) for n in range(8)]
    assert changes([wide[:side, :side] for side in sides]) == {}


def test_a_fade_is_no_cut(scene):
    one, other = (scene(seed).astype(float) for seed in (0, 1))
    shares = np.linspace(0, 1, 12)
    assert changes([np.uint8((1 - share) * one + share * other) for share in shares]) == {}


def test_noise_is_no_cut(scene):
    rng = np.random.default_rng(0)
    noisy = [scene(0) * 0.7 + rng.normal(20, 25, (64, 64, 3)) for _ in range(8)]
    assert changes([np.uint8(np.clip(picture, 0, 255)) for picture in noisy]) == {}
