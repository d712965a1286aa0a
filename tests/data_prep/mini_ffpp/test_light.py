from __future__ import annotations

import numpy as np
import pytest

from data_prep.mini_ffpp.scene import sample_light


def test_lamps_shine_on_faces():
    for k in range(50):
        light = sample_light(0, f'{k:03d}')
        assert np.linalg.norm(light.direction) == pytest.approx(1.0, abs=1e-6)
        assert light.direction[2] > 0, 'in front'
        assert light.direction[1] < 0, 'from above'
        assert (light.key > 0).all()
        assert (light.ambient > 0).all()


def test_mixing_runs_from_one_light_to_the_other():
    one, other = sample_light(0, '000'), sample_light(0, '001')
    for share, wanted in ((0.0, one), (1.0, other)):
        mixed = one.mixed_with(other, share)
        for name, value in vars(mixed).items():
            np.testing.assert_allclose(value, getattr(wanted, name), rtol=1e-5)
    half = one.mixed_with(other, 0.5)
    np.testing.assert_allclose(half.key, (one.key + other.key) / 2, rtol=1e-5)
    assert np.linalg.norm(half.direction) == pytest.approx(1.0, abs=1e-5)
