"""Masks, poses and blends against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from mmfake.datasets.transforms import face_blending
from mmfake.datasets.transforms.face_blending import (
    CANONICAL,
    CANVAS,
    UNIT,
    blend,
    face_mask,
    fit_poses,
    part_mask,
    place_mask,
    points_of,
    random_warp,
    soften,
    warp_mask,
)

CENTRE = np.float64([80, 52])  # px of the point between the eyes
MARKS = CENTRE + UNIT * CANONICAL
FACE_MASK = face_mask(np.random.default_rng(0))


def distance_to_segment(point, start, end):
    """By trying many points of the segment."""
    return min(np.hypot(*(point - (start + s * (end - start)))) for s in np.linspace(0, 1, 100))


@pytest.mark.parametrize(
    ('part', 'start', 'end', 'width'),
    [
        ('eyes', MARKS[0], MARKS[1], 10),  # a quarter of 40 px
        ('nose', CENTRE, MARKS[2], 10),
        ('mouth', MARKS[3], MARKS[4], 0.826 * 40 / 3),
    ],
)
def test_a_part_is_a_widened_segment(part, start, end, width):
    mask, rng = part_mask(part), np.random.default_rng(0)
    seen = set()
    for x, y in rng.integers(30, 130, (150, 2)):
        away = distance_to_segment(np.float64([x, y]), start, end)
        if abs(away - width) > 1:
            assert mask[y, x] == (away < width), (x, y, away)
            seen.add(bool(mask[y, x]))
    assert seen == {True, False}


def test_a_face_holds_its_points_and_differs_from_draw_to_draw():
    masks = [face_mask(np.random.default_rng(seed)) for seed in range(20)]
    for mask in masks:
        assert all(mask[round(y), round(x)] == 1 for x, y in MARKS)
        assert mask[0].max() == mask[-1].max() == mask[:, 0].max() == mask[:, -1].max() == 0
    areas = [mask.sum() / UNIT**2 for mask in masks]
    assert 2.5 < min(areas) < max(areas) < 4.3
    assert max(areas) - min(areas) > 0.5


def test_a_soft_mask_is_full_within_and_nothing_at_the_rim():
    soft = soften(FACE_MASK, inwards=0.1, width=0.08)
    assert (soft.min(), soft.max()) == (0, 1)
    steps = np.abs(np.diff(soft[:, 80]))
    assert steps.max() < 0.2, 'no seam'
    assert soft[FACE_MASK == 1].mean() > 0.8
    thin = np.zeros((CANVAS, CANVAS), np.float32)
    thin[80] = 1
    assert soften(thin, inwards=0.5, width=0.05).max() == 1, 'a mask never vanishes'


def test_the_pose_of_a_moved_turned_squeezed_face_is_found():
    truth = np.float64([[0.9, -0.2, 12], [0.25, 1.1, -7]])
    points = np.hstack([MARKS, np.ones((5, 1))]) @ truth.T + 0.5  # indices of pixels -> px
    for part in ('', 'eyes', 'nose', 'mouth'):
        assert np.allclose(fit_poses(points[None], part)[0], truth, atol=1e-9)
    # of points that no affine map reaches, a part gets its own nearest
    bent = points + np.random.default_rng(0).normal(0, 3, points.shape)
    for part, own in (('eyes', [0, 1]), ('nose', [2]), ('mouth', [3, 4])):

        def error(pose, own=own):
            there = np.hstack([MARKS, np.ones((5, 1))]) @ pose.T + 0.5
            return np.abs(there - bent)[own].max()

        assert error(fit_poses(bent[None], part)[0]) < error(fit_poses(bent[None])[0])


def test_a_mask_lies_on_the_face_and_what_is_outside_the_picture_is_cut_off():
    pose = np.float64([[0.5, 0, -30], [0, 0.5, 5]])  # canonical (80, 52) -> (10, 31)
    place = place_mask(FACE_MASK, pose, (64, 64, 3))
    whole = np.zeros((64, 64))
    whole[place.rows, place.columns] = place.mask
    for x, y in [(0, 31), (10, 31), (25, 31), (26, 60), (10, 10), (40, 40)]:
        canonical = np.linalg.solve(pose[:, :2], np.float64([x, y]) - pose[:, 2])
        column, row = np.rint(canonical).astype(int)
        assert whole[y, x] == pytest.approx(FACE_MASK[row, column], abs=0.3), (x, y)
    assert place_mask(FACE_MASK, pose - [[0, 0, 500], [0, 0, 0]], (64, 64, 3)) is None
    assert place_mask(np.zeros((CANVAS, CANVAS), np.float32), pose, (64, 64, 3)) is None


def test_a_blend_is_the_weighted_mean_and_the_rest_keeps_its_bits():
    rng = np.random.default_rng(0)
    frame, other = rng.integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    place = place_mask(soften(FACE_MASK, 0.1, 0.1), fit_poses(0.4 * MARKS[None])[0], frame.shape)
    part = other[place.rows, place.columns]
    before = frame.copy()
    (mixed,) = blend([frame], [part], [place], 0.75)
    assert (frame == before).all()
    opacity = np.zeros((64, 64, 1))
    opacity[place.rows, place.columns, 0] = 0.75 * place.mask
    expected = opacity * other + (1 - opacity) * frame
    assert np.abs(mixed - expected).max() <= 0.51
    assert (mixed == frame)[opacity[..., 0] == 0].all()
    assert (mixed != frame).any()
    (same,) = blend([frame], [part], [place], 0)
    assert (same == frame).all()
    (absent,) = blend([frame], [None], [None], 1)
    assert (absent == frame).all()


def test_a_warp_moves_as_far_as_it_is_told():
    still = random_warp(np.random.default_rng(0))
    assert np.abs(still).max() == 0
    assert (warp_mask(FACE_MASK, still) == FACE_MASK).all()
    warps = [
        random_warp(np.random.default_rng(seed), shift=(0.1, 0.05), scale=(0.95, 1 / 0.95))
        for seed in range(200)
    ]
    middle = np.abs([warp[76, 80] for warp in warps])  # about which it is scaled
    assert (middle.max(axis=0) <= [0.1 * UNIT, 0.05 * UNIT]).all()
    assert (middle.max(axis=0) > [0.09 * UNIT, 0.045 * UNIT]).all()
    stretch = [warp[76, 120, 0] - warp[76, 80, 0] for warp in warps]
    assert 1.8 < np.max(np.abs(stretch)) <= 40 * (1 / 0.95 - 1) + 1e-4
    fields = [random_warp(np.random.default_rng(seed), elastic=0.05) for seed in range(30)]
    assert np.std(fields) == pytest.approx(0.05 * UNIT, rel=0.05)


def test_points_are_those_of_the_frames_or_of_a_face_in_the_centre(make_sample):
    sample = make_sample('sbi')
    sample['frame_inds'] = np.int64([[3], [5]])
    stored = np.load(sample['points'])
    assert (points_of(sample) == stored[[3, 5]]).all()
    sample['frame_inds'] = np.int64([6])
    with pytest.raises(ValueError, match='points of 6 frames, frame 6 is asked for'):
        points_of(sample)
    sample.update(points='', frame_inds=np.arange(2), imgs=[np.zeros((100, 200, 3), np.uint8)] * 2)
    centred = points_of(sample)
    assert centred.shape == (2, 5, 2)
    # what was measured on real faces: eye distance 0.269 and eyes at 0.41 of the side
    assert np.allclose(centred[0][:2], [(100 - 13.45, 41), (100 + 13.45, 41)])


def test_one_number_is_taken_from_the_stream_whatever_is_drawn():
    np.random.seed(3)
    first = face_blending.own_generator()
    after = np.random.uniform()
    np.random.seed(3)
    second = face_blending.own_generator()
    second.uniform(size=100)
    assert np.random.uniform() == after
    bits = second.bit_generator
    seed = getattr(bits, 'seed_seq', None) or bits._seed_seq  # the latter in numpy 1.24
    assert first.uniform() == np.random.default_rng(seed.entropy).uniform()
