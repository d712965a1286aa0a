from __future__ import annotations

import numpy as np
import pytest

from data_prep.mini_ffpp.identity import sample_identity
from data_prep.mini_ffpp.relief import SPAN, cavity, grid, normals, outline, relief


def test_grid_puts_pixel_centres_symmetrically():
    u, v = grid(8)
    assert u.shape == (1, 8)
    assert v.shape == (8, 1)
    assert u.ravel().tolist() == pytest.approx([SPAN * (2 * k + 1 - 8) / 8 for k in range(8)])


def test_the_outline_passes_through_crown_chin_and_grows():
    who = sample_identity(0, '000')
    for v in (-1.0, 1.0):
        assert outline(who, np.array(0.0), np.array(v)) == pytest.approx(1.0)
    assert outline(who, np.array(who.head_width), np.array(0.0)) == pytest.approx(1.0)
    assert outline(who, np.array(0.0), np.array(-1.1), grow=0.1) == pytest.approx(1.0)


def test_faces_are_symmetric_and_the_nose_stands_out():
    u, v = grid(128)
    for k in range(5):
        who = sample_identity(0, f'{k:03d}')
        height = relief(who, u, v)
        # but for the lines of an old forehead, which are a hair's breadth deep
        np.testing.assert_allclose(height, height[:, ::-1], atol=6e-3)
        row = np.abs(v.ravel() - who.nose_y).argmin()
        assert np.abs(u.ravel()[height[row].argmax()]) < 0.03


def test_normals_of_a_tilted_plane():
    u, v = grid(64)
    facing = normals((0.5 * u - 0.25 * v).astype(np.float32))[:, 32, 32]
    expected = np.array([-0.5, 0.25, 1.0])
    np.testing.assert_allclose(facing, expected / np.linalg.norm(expected), atol=1e-4)


def test_hollows_are_dark_and_a_plane_is_not():
    flat = np.zeros((64, 64), np.float32)
    inside = np.ones_like(flat)
    np.testing.assert_allclose(cavity(flat, inside), 1.0, atol=1e-4)
    dented = flat.copy()
    dented[30:34, 30:34] = -0.2
    assert cavity(dented, inside)[32, 32] < 0.7
