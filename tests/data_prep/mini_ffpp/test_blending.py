from __future__ import annotations

import numpy as np
import pytest

from data_prep.mini_ffpp.blending import (
    align,
    ellipse,
    inner_face,
    overshoot,
    paste,
    shake,
    trace_strength,
)
from data_prep.mini_ffpp.identity import sample_identity
from data_prep.mini_ffpp.motion import picture_grid
from data_prep.mini_ffpp.relief import outline


@pytest.fixture
def points():
    return np.stack([picture_grid(64, 2.4)] * 12)


def test_ellipse_is_half_on_its_edge():
    at = np.array([[[[0.3, 0.1], [0.7, 0.1], [0.5, 0.5], [0.0, 0.1], [0.5, 0.1]]]], np.float32)
    opacity = ellipse(at, (0.5, 0.1), (0.2, 0.4), 0.2)[0, 0]
    assert opacity.tolist() == pytest.approx([0.5, 0.5, 0.5, 0.0, 1.0], abs=1e-5)


def test_the_inner_face_ends_before_the_head_does(points):
    for k in range(10):
        who = sample_identity(0, f'{k:03d}')
        opacity = inner_face(who, points, 0.3)
        outside = outline(who, points[..., 0], points[..., 1]) > 0.98
        assert opacity[outside].max() == 0
        features = [(-who.eye_x, who.eye_y), (who.eye_x, who.eye_y), (0.0, who.mouth_y)]
        for feature in features:
            nearest = np.abs(points[0] - feature).sum(-1).argmin()
            assert opacity[0].ravel()[nearest] > 0.7


def test_shaking_moves_every_frame_elsewhere_by_the_asked_amount(points):
    still = shake(np.random.default_rng(0), points, 0.0)
    np.testing.assert_allclose(still, points, atol=1e-6)
    many = np.repeat(points[:1, 30:34, 30:34], 400, axis=0)
    moved = shake(np.random.default_rng(0), many, 0.02, smooth=0.0)
    assert moved.dtype == np.float32
    shift = (moved - many).mean(axis=(1, 2))  # near the pivot the shift dominates
    assert shift.std(axis=0) == pytest.approx([0.02, 0.02], rel=0.25)


def test_aligned_points_hit_the_eyes_and_the_mouth_of_the_source():
    target, source = sample_identity(0, '001'), sample_identity(0, '002')
    of = [
        np.array([[-w.eye_x, w.eye_y], [w.eye_x, w.eye_y], [0.0, w.mouth_y]], np.float32)
        for w in (target, source)
    ]
    np.testing.assert_allclose(align(of[0], target, source), of[1], atol=1e-6)


def test_strengths_cover_weak_and_strong():
    values = [trace_strength(np.random.default_rng(k)) for k in range(300)]
    assert min(values) < 0.2
    assert max(values) > 1.05
    assert np.mean(values) == pytest.approx(0.625, abs=0.05)


def test_overshoot_leaves_flat_areas_and_steepens_edges():
    flat = np.full((32, 32, 3), 0.4, np.float32)
    np.testing.assert_allclose(overshoot(flat, 2.0), flat, atol=1e-6)
    edge = flat.copy()
    edge[:, 16:] = 0.6
    sharp = overshoot(edge, 1.0)
    assert sharp.max() > 0.62
    assert sharp.min() < 0.38
    np.testing.assert_array_equal(overshoot(edge, 0.0), edge)


def test_pasting_keeps_the_video_where_nothing_is_pasted():
    rng = np.random.default_rng(0)
    video, fake, noise = rng.random((3, 2, 8, 8, 3), dtype=np.float32)
    opacity = np.zeros((2, 8, 8), np.float32)
    opacity[:, 4:] = 1.0
    opacity[:, 3] = 0.25
    out = paste(video, fake, opacity, noise)
    np.testing.assert_array_equal(out[:, :3], video[:, :3])
    np.testing.assert_allclose(out[:, 4:], (fake + noise)[:, 4:], atol=1e-6)
    mixed = 0.75 * video[:, 3] + 0.25 * (fake + noise)[:, 3]
    np.testing.assert_allclose(out[:, 3], mixed, atol=1e-6)
