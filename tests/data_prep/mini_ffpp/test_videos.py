"""The rendered videos: reproducible, alike outside the face, different inside."""

from __future__ import annotations

import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import cv2
import numpy as np
import pytest

from data_prep.mini_ffpp.head_model import shoot
from data_prep.mini_ffpp.motion import picture_grid
from data_prep.mini_ffpp.tree import FAMILIES, render_target

FRAMES, SIDE = 6, 64


def _digests(target, source, seed=0):
    return _hashed(render_target(seed, target, source, FRAMES, SIDE))


def _hashed(videos):
    return {key: hashlib.sha256(video.tobytes()).hexdigest() for key, video in videos.items()}


@pytest.fixture(scope='module')
def videos():
    return render_target(0, '002', '003', FRAMES, SIDE)


@pytest.fixture(scope='module')
def take():
    return shoot(0, '002', FRAMES, SIDE)


def test_shapes(videos):
    assert list(videos) == ['original', 'df', 'f2f', 'fs', 'nt']
    for video in videos.values():
        assert video.shape == (FRAMES, SIDE, SIDE, 3)
        assert video.dtype == np.uint8


def test_another_process_in_another_order_renders_the_same_pixels():
    here = [_digests('002', '003'), _digests('003', '002')]
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        order = [('003', '002'), ('002', '003')]
        there = [pool.submit(render_target, 0, *pair, FRAMES, SIDE).result() for pair in order]
    assert here == [_hashed(videos) for videos in there[::-1]]


def test_the_seed_and_the_ids_matter_and_the_original_knows_no_source():
    base, seed, source = _digests('002', '003'), _digests('002', '003', 1), _digests('002', '004')
    assert not set(base.values()) & set(seed.values())
    assert source['original'] == base['original']
    assert not {source[key] for key in FAMILIES} & {base[key] for key in FAMILIES}


@pytest.mark.parametrize('key', list(FAMILIES))
def test_pixels_outside_the_face_are_the_originals(videos, take, key):
    away = np.abs(take.points[..., 0]) > 0.95 * take.head.who.head_width
    away |= np.abs(take.points[..., 1]) > 1.0
    assert 0.2 < away.mean() < 0.8
    np.testing.assert_array_equal(videos[key][away], videos['original'][away])


@pytest.mark.parametrize('key', list(FAMILIES))
def test_the_face_is_manipulated_in_every_frame(videos, take, key):
    who = take.head.who
    mouth = np.abs(take.points[..., 0]) < 0.15
    mouth &= np.abs(take.points[..., 1] - who.mouth_y) < 0.12
    change = np.abs(videos[key].astype(int) - videos['original'])
    for frame in range(FRAMES):
        assert change[frame][mouth[frame]].mean() > 2


def test_neural_textures_stay_below_the_nose(videos, take):
    above = take.points[..., 1] < take.head.who.nose_y
    np.testing.assert_array_equal(videos['nt'][above], videos['original'][above])


def test_the_families_differ(videos):
    assert len({video.tobytes() for video in videos.values()}) == 5


def test_identity_swaps_leave_and_reenactments_keep_the_persons_eyes(videos, take):
    # Face2Face shows the target's eyes, FaceSwap and Deepfakes those of the source.
    who = take.head.who
    eye = np.abs(np.abs(take.points[..., 0]) - who.eye_x) < 0.6 * who.eye_width
    eye &= np.abs(take.points[..., 1] - who.eye_y) < 0.3 * who.eye_width
    change = {k: np.abs(v.astype(int) - videos['original'])[eye].mean() for k, v in videos.items()}
    assert change['nt'] == 0
    assert change['f2f'] < change['df']
    assert change['f2f'] < change['fs']


def test_a_trace_shows_only_in_time():
    """Manipulated faces flicker more than the same faces did, on average in every family."""
    flicker = {key: [] for key in ('original', *FAMILIES)}
    face = np.hypot(*np.moveaxis((picture_grid(SIDE, 2.3) - (0, 0.35)) / (0.4, 0.5), -1, 0)) < 1
    for k in range(8):
        for key, video in render_target(0, f'{k:03d}', f'{k + 8:03d}', FRAMES, SIDE).items():
            grey = np.stack([cv2.blur(f.mean(axis=-1), (5, 5)) for f in video])  # less noise
            second = np.abs(grey[2:] - 2 * grey[1:-1] + grey[:-2])  # steady movement cancels
            flicker[key].append(second[:, face].mean())
    for key in FAMILIES:
        assert np.mean(np.divide(flicker[key], flicker['original'])) > 1.1, key


def test_picture_size_and_length_are_free():
    video = render_target(0, '000', '001', 2, 40)['df']
    assert video.shape == (2, 40, 40, 3)
