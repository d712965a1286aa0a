from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data_prep.mini_ffpp.scene import sample_camera


def test_the_camera_of_an_id_is_fixed():
    first, again = sample_camera(0, '001', 3, 32), sample_camera(0, '001', 3, 32)
    np.testing.assert_array_equal(first.noise, again.noise)
    assert first.zoom == again.zoom
    assert (first.noise != sample_camera(0, '002', 3, 32).noise).any()


def test_developing_is_gamma_two_in_the_dark_and_never_clips_hard():
    camera = sample_camera(0, '001', 1, 32)
    camera = replace(camera, blur=0.0, gain=np.ones(1), vignette=np.ones((32, 32, 1), np.float32))
    ramp = np.linspace(0, 4, 32 * 32 * 3, dtype=np.float32).reshape(1, 32, 32, 3)
    coded = camera.develop(ramp).ravel()
    dark = ramp.ravel() < 0.2
    np.testing.assert_allclose(coded[dark], np.sqrt(ramp.ravel()[dark]), atol=1e-3)
    assert (np.diff(coded) > 0).all(), 'brighter light is never coded darker'
    assert coded.max() < 1.4


def test_noise_has_no_mean_and_differs_from_camera_to_camera():
    noises = [sample_camera(0, f'{k:03d}', 4, 48).noise for k in range(12)]
    assert max(abs(n.mean()) for n in noises) < 1e-3
    spread = [float(n.std()) for n in noises]
    assert max(spread) > 3 * min(spread)
    assert max(spread) < 0.04


def test_corners_are_darker_never_brighter():
    for k in range(10):
        vignette = sample_camera(0, f'{k:03d}', 1, 32).vignette
        assert vignette[16, 16] == pytest.approx(1.0, abs=2e-3)
        assert vignette[0, 0] <= vignette[0, 16] <= vignette[16, 16]
