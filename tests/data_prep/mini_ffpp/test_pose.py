from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from data_prep.mini_ffpp.identity import sample_identity
from data_prep.mini_ffpp.motion import Motion, _depth, head_maps, picture_grid, rotation


def _still(frames: int = 1, **changes: float) -> Motion:
    values = {field.name: np.zeros(frames, np.float32) for field in fields(Motion)}
    values['scale'] = np.ones(frames, np.float32)
    values.update({k: np.full(frames, v, np.float32) for k, v in changes.items()})
    return Motion(**values)


def test_rotation_against_scipy():
    yaw, pitch, roll = 0.3, -0.2, 0.1
    # scipy's axes are right-handed with y up; ours have y down, which flips the sense of x and z
    expected = Rotation.from_euler('ZXY', [roll, -pitch, yaw]).as_matrix()
    np.testing.assert_allclose(rotation(yaw, pitch, roll), expected, atol=1e-12)


def test_a_still_head_is_seen_as_it_is_drawn():
    who = sample_identity(0, '001')
    maps = head_maps(who, _still(), 32, 2.4)
    assert maps.shape == (1, 64, 64, 2)
    # enlarging the coarse grid is exact for a linear mapping but at the border
    inner = (slice(4, -4), slice(4, -4))
    np.testing.assert_allclose(maps[0][inner], picture_grid(64, 2.4)[inner], atol=1e-5)


@pytest.mark.parametrize('pose', [dict(yaw=0.25), dict(pitch=-0.15), dict(roll=0.2, x=0.05)])
def test_seen_points_project_to_their_pixels(pose):
    who = sample_identity(0, '002')
    motion = _still(**pose)
    maps = head_maps(who, motion, 48, 2.4)[0].astype(float)
    u, v = maps[..., 0], maps[..., 1]
    points = np.stack([u, v, _depth(who, u, v)])
    turned = np.tensordot(
        rotation(*(getattr(motion, n)[0] for n in ('yaw', 'pitch', 'roll'))), points, 1
    )
    wanted = picture_grid(96, 2.4)
    face = np.hypot(u / 0.5, (v - 0.2) / 0.6) < 1
    error = np.hypot(turned[0] + motion.x[0] - wanted[..., 0], turned[1] - wanted[..., 1])
    assert error[face].max() < 0.02  # a pixel of this picture is 0.05


def test_an_open_jaw_lowers_the_chin_and_nothing_above_the_mouth():
    who = sample_identity(0, '003')
    shut, wide = (head_maps(who, _still(jaw=jaw), 48, 2.4)[0] for jaw in (0.0, 1.0))
    moved = np.abs(shut - wide).max(axis=(1, 2))  # per row
    rows = picture_grid(96, 2.4)[:, 0, 1]
    assert moved[rows < who.mouth_y - 0.05].max() < 1e-3
    assert moved[np.abs(rows - who.mouth_y - 0.25) < 0.05].min() > 0.05
