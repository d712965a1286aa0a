"""Forgeries of one attribute: what is put in, where, and from whom."""

from __future__ import annotations

import numpy as np
import pytest

from mmfake.datasets.transforms.attribute_forgery import (
    FROM_OTHERS,
    AttributeForgery,
    shape_distance,
)
from mmfake.errors import MMFakeError

SIDE = 96
# rows and columns of 96 px in which each forgery of a face as in conftest.py may change anything
WHERE = dict(
    eyeexpr=(25, 54, 22, 75),
    physeye=(25, 54, 22, 75),
    physmouth=(54, 86, 26, 72),
    physnose=(26, 68, 33, 62),
    physillum=(18, 95, 14, 82),
)


@pytest.fixture
def originals(make_sample, tmp_path):
    """Samples of four people, each a stored clip of one grey with stripes of his own.

    After frame 30 it is brighter, and the stripes are elsewhere.
    """

    def make(method, frames=60):
        people = []
        for number, grey in enumerate((60, 100, 140, 180)):
            sample = make_sample('original', number, frames, SIDE, still=True)
            film = np.empty((frames, SIDE, SIDE, 3), np.uint8)
            film[:] = grey + 10 * (np.arange(frames) // 30)[:, None, None, None]
            film[:30, number::4] += 16
            film[30:, (number + 2) % 4 :: 4] += 16
            np.save(tmp_path / f'film_{number}.npy', film)
            people.append(dict(sample, filename=str(tmp_path / f'film_{number}.npy'), fps=25.0))
        inds = np.arange(2, 8)
        film = np.load(people[0]['filename'])
        donors = [{k: p[k] for k in ('filename', 'points', 'target', 'fps')} for p in people]
        return dict(
            people[0],
            method=method,
            imgs=list(film[inds]),
            frame_inds=inds,
            total_frames=frames,
            avg_fps=25.0,
            donors=tuple(donors),
        )

    return make


@pytest.mark.parametrize('method', WHERE)
def test_only_the_part_of_the_face_changes(originals, apply, method):
    top, bottom, left, right = WHERE[method]
    changed = np.zeros((SIDE, SIDE), bool)
    for seed in range(12):
        sample = originals(method)
        after = apply(AttributeForgery(min_difference=0), sample, seed)
        changed |= (after != np.stack(sample['imgs'])).any(axis=(0, 3))
    rows, columns = np.nonzero(changed)
    assert top <= rows.min() < rows.max() <= bottom
    assert left <= columns.min() < columns.max() <= right
    assert changed[top + 8 : bottom - 8, left + 8 : right - 8].mean() > 0.5


@pytest.mark.parametrize('method', FROM_OTHERS)
def test_a_part_is_taken_from_another_person_and_matched_in_colour(
    originals, apply, monkeypatch, method
):
    transform, opened = AttributeForgery(), []
    decode = transform._decode
    monkeypatch.setattr(
        transform, '_decode', lambda video, inds: opened.append(video) or decode(video, inds)
    )
    sample = originals(method)
    for seed in range(8):
        after = apply(transform, sample, seed)
        # greys of 60 and of 100 to 180: what is put in has the mean of what was there
        assert np.abs(after - np.stack(sample['imgs']).astype(float)).max() < 30
    assert {video['target'] for video in opened} <= {'001', '002', '003'}
    assert len({video['target'] for video in opened}) > 1


def test_the_nearest_face_is_taken(originals, apply, monkeypatch, tmp_path):
    """Of one face that is turned like the target's and others that are not."""
    sample = originals('physeye')
    for donor in sample['donors'][1:]:
        points = np.load(donor['points'])
        if donor['target'] != '002':
            points[:, 2] += (12, 0)
        donor['points'] = str(tmp_path / f'turned_{donor["target"]}.npy')
        np.save(donor['points'], points)
    transform, opened = AttributeForgery(), []
    decode = transform._decode
    monkeypatch.setattr(
        transform, '_decode', lambda video, inds: opened.append(video) or decode(video, inds)
    )
    for seed in range(5):
        apply(transform, sample, seed)
    assert {video['target'] for video in opened} == {'002'}


def test_distance_is_that_of_the_best_similarity():
    """Against a search over rotation, scale and shift by least squares."""
    rng = np.random.default_rng(0)
    shape, others = rng.normal(size=(5, 2)), rng.normal(size=(6, 5, 2))
    turned = 3 * others[0] @ np.float64([[0.6, -0.8], [0.8, 0.6]]) + (4, -2)
    for other, distance in zip(others, shape_distance(others, shape)):
        x, y = (other - other.mean(axis=0)).T
        a = np.vstack([np.stack([x, -y], axis=1), np.stack([y, x], axis=1)])
        b = (shape - shape.mean(axis=0)).T.ravel()
        rest = b - a @ np.linalg.lstsq(a, b, rcond=None)[0]
        assert distance == pytest.approx((rest @ rest) / (b @ b))
    assert shape_distance(turned[None], others[0])[0] == pytest.approx(0, abs=1e-12)


def test_eyes_come_from_an_instant_a_second_away(originals, apply, monkeypatch):
    """From frame 30 on they differ, before they do not."""
    sample, transform, asked = originals('eyeexpr'), AttributeForgery(), []
    decode = transform._decode
    monkeypatch.setattr(
        transform, '_decode', lambda video, inds: asked.append(inds) or decode(video, inds)
    )
    for seed in range(6):
        asked.clear()
        apply(transform, sample, seed)
        tried, taken = asked
        assert len(tried) == 8
        assert np.abs(tried - 5).min() >= 25, 'the middle of the clip is frame 5'
        assert (np.diff(taken) == 1).all()
        assert taken.min() - 2 >= 25
        assert taken[3] >= 30


def test_eyes_that_never_differ_are_not_forged(originals, apply):
    sample = originals('eyeexpr', frames=30)  # one grey, and shorter than a second on each side
    with pytest.raises(ValueError, match=r'look the same at \d other instants: .* 0\.0 grey'):
        apply(AttributeForgery(), sample)
    whole = dict(sample, frame_inds=np.arange(30), imgs=list(np.load(sample['filename'])))
    with pytest.raises(ValueError, match='no other instant: the clip has all 30 frames'):
        apply(AttributeForgery(), whole)


def test_another_light_is_smooth_and_stays_the_same_over_the_clip(originals, apply):
    for seed in range(6):
        sample = originals('physillum')
        after = apply(AttributeForgery(), sample, seed).astype(int)
        assert (after == after[0]).all()
        change = after[0] - sample['imgs'][0]
        assert np.abs(change).max() > 3
        flat = change[::4]  # rows of one colour, four apart
        assert np.abs(np.diff(flat, axis=1)).max() < 14, 'no seam'


def test_the_seed_decides_and_other_samples_pass(originals, apply, make_sample):
    for method in WHERE:
        sample, transform = originals(method), AttributeForgery(min_difference=0)
        first = apply(transform, sample, 3)
        apply(transform, sample, 4)
        assert (apply(AttributeForgery(min_difference=0), sample, 3) == first).all()
    for method in ('original', 'sbi', 'f2f'):
        sample = make_sample(method)
        assert (apply(AttributeForgery(), sample) == np.stack(sample['imgs'])).all()


@pytest.mark.parametrize(
    'arguments', [dict(bank=0), dict(candidates=0), dict(feather=-1), dict(min_seconds=-1)]
)
def test_wrong_arguments(arguments):
    with pytest.raises(MMFakeError, match=f'AttributeForgery: {next(iter(arguments))}='):
        AttributeForgery(**arguments)
