from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from data_prep.mini_ffpp.head_model import HeadModel
from data_prep.mini_ffpp.motion import Motion, picture_grid
from data_prep.mini_ffpp.scene import sample_light

SIDE, ZOOM = 64, 2.4


@pytest.fixture(scope='module')
def head():
    return HeadModel(0, '007', 2 * SIDE)


@pytest.fixture(scope='module')
def still():
    values = {field.name: np.zeros(2, np.float32) for field in fields(Motion)}
    return Motion(**{**values, 'scale': np.ones(2, np.float32)})


def _render(head, motion):
    maps = np.stack([picture_grid(2 * SIDE, ZOOM)] * 2)
    return head.render(motion, maps, sample_light(0, '007'))


def _changed(head, still, **curves):
    """Head coordinates of the pixels that differ from frame 0 to frame 1."""
    moved = replace(still, **{k: np.array([0, v], np.float32) for k, v in curves.items()})
    layers = _render(head, moved)
    points = picture_grid(SIDE, ZOOM)
    return points[np.abs(layers[1] - layers[0]).max(axis=-1) > 2e-3]


def test_layers_are_premultiplied_and_cover_the_head_only(head, still):
    layers = _render(head, still)
    assert layers.shape == (2, SIDE, SIDE, 4)
    assert layers.min() >= 0
    assert layers[..., 3].max() <= 1 + 1e-6
    assert (layers[..., :3][layers[..., 3] == 0] == 0).all()
    points = picture_grid(SIDE, ZOOM)
    radius = np.hypot(points[..., 0] / head.who.head_width, points[..., 1])
    assert (layers[0, ..., 3][radius < 0.75] > 0.99).all()
    np.testing.assert_array_equal(layers[0], layers[1])


@pytest.mark.parametrize('curve', ['blink', 'gaze_x'])
def test_eyes_move_alone(head, still, curve):
    points, who = _changed(head, still, **{curve: 0.9}), head.who
    assert len(points) > 10
    assert (np.abs(np.abs(points[:, 0]) - who.eye_x) < 1.5 * who.eye_width).all()
    assert (np.abs(points[:, 1] - who.eye_y) < 1.2 * who.eye_width).all()


@pytest.mark.parametrize('curve', ['jaw', 'wide', 'smile'])
def test_the_mouth_moves_alone(head, still, curve):
    points, who = _changed(head, still, **{curve: 0.8}), head.who
    assert len(points) > 10
    assert (np.abs(points[:, 0]) < 1.5 * who.mouth_width).all()
    assert (np.abs(points[:, 1] - who.mouth_y) < 0.3).all()


def test_light_comes_from_where_the_lamp_is(head, still):
    light = sample_light(0, '007')
    maps = np.stack([picture_grid(2 * SIDE, ZOOM)] * 2)
    aside = np.array([0.8, 0.0, 0.6], np.float32)
    lit = head.render(still, maps, replace(light, direction=aside))[0, ..., :3].sum(-1)
    cheek = int((0.3 - 0.06 + ZOOM / 2) / ZOOM * SIDE)
    left, right = (
        lit[cheek, SIDE // 5 : SIDE // 2].mean(),
        lit[cheek, SIDE // 2 : -SIDE // 5].mean(),
    )
    assert right > 1.2 * left
