from __future__ import annotations

import numpy as np
import pytest

from data_prep.mini_ffpp.motion import FPS, sample_motion


def test_an_id_moves_in_one_way():
    first, again = sample_motion(0, '003', 30), sample_motion(0, '003', 30)
    other = sample_motion(0, '004', 30)
    for name, curve in vars(first).items():
        np.testing.assert_array_equal(curve, getattr(again, name))
        assert name in ('blink', 'gaze_x', 'gaze_y') or (curve != getattr(other, name)).any()


@pytest.mark.parametrize('frames', [2, 40, 75])
def test_every_curve_has_a_value_per_frame(frames):
    for name, curve in vars(sample_motion(1, '010', frames)).items():
        assert curve.shape == (frames,), name
        assert curve.dtype == np.float32, name
        assert np.isfinite(curve).all(), name


def test_movements_are_those_of_a_speaker():
    videos = [sample_motion(0, f'{k:03d}', 10 * FPS) for k in range(20)]
    for video in videos:
        assert 0 <= video.blink.min() <= video.blink.max() <= 1
        assert 0 <= video.jaw.min() <= video.jaw.max() <= 1.1
        assert np.abs(video.yaw).max() < np.pi / 3
    # syllables: the mouth has 2 to 7 maxima a second
    peaks = [
        ((v.jaw[1:-1] > v.jaw[:-2]) & (v.jaw[1:-1] >= v.jaw[2:]) & (v.jaw[1:-1] > 0.05)).sum()
        for v in videos
    ]
    assert 2 < np.mean(peaks) / 10 < 7
    # blinks: falling edges through one half
    blinks = [((v.blink[1:] < 0.5) & (v.blink[:-1] >= 0.5)).sum() for v in videos]
    assert 2 < np.mean(blinks) < 8
