"""Points of a clip: where the points of a track are in what was cut out along it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mmfake.errors import MMFakeError
from mmfake.faces.clip_points import points_in_clip, read_points, write_points
from mmfake.faces.crop import crop_square, square_boxes
from mmfake.faces.face_track import FaceTrack, smooth_track


def test_a_mark_at_a_point_is_found_there_in_the_clip():
    """Draw dots into frames, cut the clip out as data preparation does, look for the dots."""
    frames, rng = 30, np.random.default_rng(0)
    walk = np.cumsum(rng.normal(0, 1.0, (frames, 2)), axis=0)
    offsets = np.float64([(-14, -10), (14, -10), (0, 2), (-10, 14), (10, 14)])
    points = np.float32(120 + walk[:, None] + offsets)
    boxes = np.hstack([120 + walk - (25, 32), 120 + walk + (25, 32)]).astype(np.float32)
    track = FaceTrack(0, boxes, np.ones(frames, np.float32), np.ones(frames, bool), points)
    found = points_in_clip(track, margin=1.3, size=160)
    assert found.shape == (frames, 5, 2)
    assert found.dtype == np.float32
    squares = square_boxes(smooth_track(track), 1.3)
    for t in range(3, frames - 3):
        for n in range(5):
            picture = np.zeros((240, 240, 3), np.uint8)
            x, y = points[t, n]
            cv2.circle(
                picture, (round(float(x) * 16), round(float(y) * 16)), 48, (255,) * 3, -1, 8, 4
            )
            clip = crop_square(picture, squares[t], 160)[..., 0].astype(float)
            rows, columns = np.mgrid[:160, :160]
            seen = np.float64([(clip * columns).sum(), (clip * rows).sum()]) / clip.sum()
            # within the jump of a frame, which is smoothed a little, and half a px of the source
            assert np.abs(found[t, n] - seen).max() < 5


def test_a_still_face_has_still_points():
    boxes = np.tile(np.float32([10, 20, 50, 70]), (12, 1))
    points = np.tile(np.float32([(20, 35), (40, 35), (30, 45), (24, 58), (36, 58)]), (12, 1, 1))
    track = FaceTrack(5, boxes, np.ones(12, np.float32), np.ones(12, bool), points)
    found = points_in_clip(track, 1.3, 64)
    assert np.abs(np.diff(found, axis=0)).max() == 0
    # a square of 65 px from (-2.5, 12.5), to whole px, at 64 px
    assert found[0, 0] == pytest.approx((np.float64([20, 35]) - (-2, 12)) * 64 / 65)


def test_what_is_written_is_read_and_gives_the_same_bytes(tmp_path):
    points = np.random.default_rng(0).uniform(0, 160, (7, 5, 2)).astype(np.float32)
    paths = [tmp_path / 'one.npy', tmp_path / 'two.npy']
    for path in paths:
        write_points(path, points)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert (read_points(str(paths[0])) == points).all()
    with pytest.raises(ValueError, match='read-only'):
        read_points(str(paths[0]))[0] = 0


@pytest.mark.parametrize('damage', ['gone', 'cut', 'shape', 'nan', 'objects', 'text'])
def test_a_damaged_file_ends_in_one_line(tmp_path, damage):
    path = tmp_path / 'points.npy'
    contents = dict(shape=np.zeros((3, 4, 2)), nan=np.full((3, 5, 2), np.nan))
    np.save(path, contents.get(damage, np.zeros((3, 5, 2))))
    if damage == 'gone':
        path.unlink()
    elif damage == 'cut':
        path.write_bytes(path.read_bytes()[:100])
    elif damage == 'objects':
        np.save(path, np.array([object()]), allow_pickle=True)
    elif damage == 'text':
        path.write_text('not an array')
    with pytest.raises(MMFakeError, match=r'points.npy: the points .*add_points.py'):
        read_points(str(path))
