"""Degradations: against their formulas written out, against other libraries, and level by level."""

import io
import math

import cv2
import numpy as np
import pytest
from PIL import Image

from data_prep.mini_ffpp.noise import field
from mmfake.errors import MMFakeError
from mmfake.video.degradations import DEEPERFORENSICS, LEVELS, check_patch_size, degrade

OF_STILLS = [kind for kind in LEVELS if kind != 'frame_rate']


@pytest.fixture(scope='module')
def face():
    """A picture of 317 px with soft and sharp parts, and colours from dark to bright."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(30, 226, (12, 12, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (317, 317), interpolation=cv2.INTER_CUBIC)
    cv2.circle(picture, (110, 120), 18, (40, 30, 20), -1)
    cv2.rectangle(picture, (100, 220), (220, 235), (160, 60, 70), -1)
    grain = rng.integers(-6, 7, picture.shape)
    return (picture + grain).clip(0, 255).astype(np.uint8)


def psnr(one, other):
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def to_studio(picture):
    """BT.601 in float64: luma from 16 to 235, chroma 224 wide around ``16 + 0.5 * 224 / 255``."""
    red, green, blue = np.moveaxis(picture.astype(float), -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = [(blue - luma) * 0.564 + 0.5, (red - luma) * 0.713 + 0.5]
    return [(luma * 219 + 16) / 255, *((part * 224 + 16) / 255 for part in chroma)]


def from_studio(luma, blue, red):
    luma = (luma * 255 - 16) / 219
    blue, red = ((part * 255 - 16) / 224 - 0.5 for part in (blue, red))
    green = luma - 0.714 * red - 0.344 * blue
    return np.stack([luma + 1.403 * red, green, luma + 1.773 * blue], axis=-1)


def test_level_0_is_the_identity_and_no_level_changes_its_input(face):
    before = face.copy()
    for kind in LEVELS:
        [same] = degrade([face], kind, 0)
        assert same is face
        clip = degrade([face, face, face], kind, 3)
        assert [(one.shape, one.dtype) for one in clip] == [(face.shape, face.dtype)] * 3
    assert np.array_equal(face, before)


@pytest.mark.parametrize('kind', OF_STILLS)
def test_each_level_is_worse_than_the_one_before(face, kind):
    clip = [np.roll(face, 2 * step, axis=1) for step in range(4)]
    told = [psnr(np.stack(degrade(clip, kind, level)), np.stack(clip)) for level in range(1, 6)]
    assert all(worse < better - 0.2 for better, worse in zip(told, told[1:])), told
    assert told[0] < 50


def test_the_parameters_are_those_of_deeperforensics():
    assert [LEVELS[kind] for kind in DEEPERFORENSICS] == [
        (0.4, 0.3, 0.2, 0.1, 0.0),
        (0.85, 0.725, 0.6, 0.475, 0.35),
        (16, 32, 48, 64, 80),
        (0.001, 0.002, 0.005, 0.01, 0.05),
        (7, 9, 13, 17, 21),
        (2, 3, 4, 5, 6),
        (30, 32, 35, 38, 40),
    ]


@pytest.mark.parametrize('level', [1, 5])
def test_saturation_against_the_formula(face, level):
    luma, blue, red = to_studio(face)
    factor = (0.4, 0.0)[level == 5]
    blue, red = (0.5 + factor * (part - 0.5) for part in (blue, red))
    want = from_studio(luma, blue, red)
    [seen] = degrade([face], 'saturation', level)
    assert np.abs(seen - np.floor(want)).max() <= 1  # where a whole number is just missed
    assert np.mean(seen == np.floor(want)) > 0.98
    if level == 5:
        assert np.ptp(seen.astype(int), axis=-1).max() <= 1  # grey


@pytest.mark.parametrize('level', [1, 3, 5])
def test_noise_against_the_formula(face, level):
    sd = math.sqrt((0.001, 0.002, 0.005, 0.01, 0.05)[level - 1])
    draw = np.random.default_rng((7, 8, 4)).standard_normal(face.shape)
    parts = [part / 255 + sd * draw[..., n] for n, part in enumerate(to_studio(face))]
    want = from_studio(*(part * 255 for part in parts)).clip(0, 255)
    [seen] = degrade([face], 'noise', level, seed=(7, 8), indices=[4])
    assert np.abs(seen - np.floor(want)).max() <= 1
    assert np.mean(seen == np.floor(want)) > 0.98


def test_noise_has_the_strength_measured_on_a_face_with_the_script():
    face = smooth_face()
    seen = [psnr(degrade([face], 'noise', level)[0], face) for level in range(1, 6)]
    np.testing.assert_allclose(seen, [24.6, 21.8, 18.1, 15.3, 10.0], atol=0.4)
    grey = np.full((256, 256, 3), 128, np.uint8)
    [seen] = degrade([grey], 'noise', 1)
    np.testing.assert_allclose(seen.std(axis=(0, 1)), [16, 12, 19], atol=0.6)  # R, G, B


def smooth_face():
    """Skin with parts as dark as hair, where noise is clipped."""
    height = field(np.random.default_rng(1), 317, 317, 6)
    height = ((height - height.min()) / np.ptp(height)) ** 2
    return np.stack([10 + 190 * height, 5 + 150 * height, 5 + 130 * height], -1).astype(np.uint8)


@pytest.mark.parametrize(('level', 'side'), [(1, 7), (4, 17)])
def test_blur_against_the_sum_over_its_kernel(face, level, side):
    offsets = np.arange(side) - side // 2
    weights = np.exp(-(offsets**2) / (2 * (side / 6) ** 2))
    weights /= weights.sum()
    wide = np.pad(face.astype(float), ((side // 2,) * 2, (side // 2,) * 2, (0, 0)), mode='reflect')
    rows = sum(weight * wide[n : n + 317] for n, weight in enumerate(weights))
    want = sum(weight * rows[:, n : n + 317] for n, weight in enumerate(weights))
    assert np.abs(degrade([face], 'blur', level)[0] - want).max() <= 1


def sample(picture, size):
    """Bilinear sampling at the centres of the new pixels, no filter."""
    for axis, new in enumerate(size):
        old = picture.shape[axis]
        place = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, old - 1)
        share = (place - low).reshape([-1 if one == axis else 1 for one in range(3)])
        picture = picture.take(low, axis) * (1 - share) + picture.take(high, axis) * share
    return picture


@pytest.mark.parametrize(('level', 'times'), [(1, 2), (3, 4), (5, 6)])
def test_pixelation_against_bilinear_sampling(face, level, times):
    small = sample(face.astype(float), (317 // times, 317 // times)).round()
    want = sample(small, (317, 317))
    assert np.abs(degrade([face], 'pixelate', level)[0] - want).max() <= 2  # two roundings


def test_contrast_truncates(face):
    [seen] = degrade([face], 'contrast', 2)
    assert np.array_equal(seen, np.floor(face.astype(np.float32) * np.float32(0.725)))


def test_jpeg_is_what_another_encoder_makes(face):
    for level, quality in enumerate((90, 75, 60, 40, 20), start=1):
        file = io.BytesIO()
        Image.fromarray(face).save(file, 'JPEG', quality=quality)
        [seen] = degrade([face], 'jpeg', level)
        assert psnr(seen, np.asarray(Image.open(file))) > 40


@pytest.mark.parametrize(('side', 'unit'), [(256, 1), (511, 1), (512, 2)])
def test_patches_cover_their_share_with_grey_squares_of_8_px(side, unit):
    black = np.zeros((side, side + 3, 3), np.uint8)
    for level, count in enumerate((16, 32, 48, 64, 80), start=1):
        first, second = degrade([black, black], 'patch', level)
        assert np.array_equal(first, second)  # they stay where they are
        assert set(np.unique(first)) == {0, 128}
        covered = (first[..., 0] == 128).sum() / (64 * unit * count)
        assert 0.75 < covered <= 1  # squares may overlap
        assert covered == 1 or level > 1 or count > 16 or covered > 0.9
    other = degrade([black], 'patch', 1, seed=(1,))[0]
    assert not np.array_equal(other, degrade([black], 'patch', 1)[0])


def test_a_single_patch_is_whole():
    black = np.zeros((300, 300, 3), np.uint8)
    [seen] = degrade([black], 'patch', 1)
    squares = cv2.connectedComponentsWithStats((seen[..., 0] > 0).astype(np.uint8))[2][1:]
    alone = squares[squares[:, cv2.CC_STAT_AREA] == 64]
    assert len(alone) > 5
    assert (alone[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]] == 8).all()


def test_patches_that_would_not_be_there_are_refused():
    with pytest.raises(MMFakeError, match="'patch'.* none on pictures of 300 x 255 px: .*256 px"):
        degrade([np.zeros((255, 300, 3), np.uint8)], 'patch', 1)
    check_patch_size(256, 256)


def test_noise_belongs_to_seed_and_frame(face):
    first, second, again = degrade([face] * 3, 'noise', 1, seed=(3,), indices=[0, 5, 0])
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    [alone] = degrade([face], 'noise', 1, seed=(3,), indices=[5])
    assert np.array_equal(alone, second)
    assert not np.array_equal(degrade([face], 'noise', 1, seed=(4,))[0], first)


@pytest.mark.parametrize('shape', [(64, 64), (63, 65)])
def test_h264_keeps_the_frames_apart_and_in_order(shape):
    clip = [np.full((*shape, 3), 20 * n, np.uint8) for n in range(12)]
    seen = degrade(clip, 'h264', 5, fps=29.97)
    assert [one.shape for one in seen] == [(*shape, 3)] * 12
    np.testing.assert_allclose([one.mean() for one in seen], [20 * n for n in range(12)], atol=9)
    assert all(np.array_equal(a, b) for a, b in zip(seen, degrade(clip, 'h264', 5, fps=29.97)))


def test_frame_rate_lets_frames_stand_still():
    clip = [np.full((4, 4, 3), n, np.uint8) for n in range(20, 28)]
    for level, hold in enumerate((2, 3, 4, 5, 6), start=1):
        seen = [
            int(one[0, 0, 0]) for one in degrade(clip, 'frame_rate', level, indices=range(20, 28))
        ]
        # what a player of the slow video shows, or the first frame before anything was shown
        assert seen == [max(20, n // hold * hold) for n in range(20, 28)]


@pytest.mark.parametrize('indices', [[7], [0, 8, 16]])
def test_a_frame_rate_that_nothing_would_show_is_refused(face, indices):
    with pytest.raises(MMFakeError, match="'frame_rate' shows one of 2 frames, .* leave it out"):
        degrade([face] * len(indices), 'frame_rate', 1, indices=indices)


@pytest.mark.parametrize(
    ('kind', 'level', 'told'),
    [
        ('fog', 1, "unknown degradation 'fog': choose from patch, noise"),
        ('blur', 6, "'blur' has no level 6: choose 1 to 5"),
        ('blur', True, 'no level True'),
        ('blur', 1.5, 'no level 1.5'),
    ],
)
def test_what_does_not_exist_is_refused(kind, level, told):
    with pytest.raises(MMFakeError, match=told):
        degrade([np.zeros((9, 9, 3), np.uint8)], kind, level)
