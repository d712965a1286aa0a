from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from data_prep.mini_ffpp.noise import bump, drift, field, smoothstep


def test_smoothstep_is_the_hermite_cubic_with_flat_ends():
    spline = CubicHermiteSpline([2.0, 5.0], [0.0, 1.0], [0.0, 0.0])
    x = np.linspace(2, 5, 31)
    np.testing.assert_allclose(smoothstep(2.0, 5.0, x), spline(x), atol=1e-12)
    assert smoothstep(2.0, 5.0, np.array([-9.0, 9.0])).tolist() == [0.0, 1.0]


def test_smoothstep_falls_when_its_ends_are_swapped():
    x = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(smoothstep(0.5, -0.5, x), 1 - smoothstep(-0.5, 0.5, x), atol=1e-12)


def test_bump_at_one_sigma():
    assert bump(np.array(0.3), np.array(0.0), 0.3, 1.0) == pytest.approx(np.exp(-0.5))
    assert bump(np.array(0.0), np.array(0.0), 0.3, 1.0) == 1.0


def test_field_has_the_asked_shape_and_cell_size():
    few, many = (field(np.random.default_rng(0), 60, 80, cells) for cells in (4, 40))
    assert few.shape == many.shape == (60, 80)
    # smaller cells change faster from pixel to pixel
    assert np.abs(np.diff(many)).mean() > 4 * np.abs(np.diff(few)).mean()


@pytest.mark.parametrize(('frames', 'period'), [(1, 5), (2, 30), (40, 7), (100, 2.5)])
def test_drift_is_smooth_and_as_long_as_asked(frames, period):
    curve = drift(np.random.default_rng(1), frames, period)
    assert curve.shape == (frames,)
    assert curve.dtype == np.float32
    if frames > 2:
        # no jump exceeds what a cubic through unit-variance knots can do in one frame
        assert np.abs(np.diff(curve)).max() < 8 / period
