from __future__ import annotations

import numpy as np
import pytest

from data_prep.mini_ffpp.identity import linear, sample_identity


def _numbers(who):
    return np.concatenate([np.ravel(v) for v in vars(who).values() if not isinstance(v, str)])


def test_an_id_is_one_person():
    np.testing.assert_array_equal(
        _numbers(sample_identity(0, '004')), _numbers(sample_identity(0, '004'))
    )


@pytest.mark.parametrize('other', [(0, '005'), (1, '004')])
def test_another_id_or_seed_is_another_person(other):
    changed = _numbers(sample_identity(0, '004')) != _numbers(sample_identity(*other))
    assert changed.mean() > 0.8


def test_faces_hold_together():
    for k in range(200):
        who = sample_identity(2, f'{k:03d}')
        assert who.eye_y < who.nose_y < who.mouth_y < 0.8, who
        assert who.eye_x + who.eye_width < 0.75 * who.head_width, who
        assert who.eye_x > who.eye_width, who
        assert (who.skin > 0).all()
        assert (who.skin < 1).all()
        assert who.skin[0] > who.skin[2], 'skin is warmer than grey'


def test_people_differ_in_what_makes_a_face():
    people = [sample_identity(0, f'{k:03d}') for k in range(96)]
    assert {p.hair_style for p in people} == {'short', 'parted', 'fringe', 'long', 'receding'}
    assert 5 < sum(p.glasses for p in people) < 35
    assert max(p.skin.mean() for p in people) > 4 * min(p.skin.mean() for p in people)


def test_linear_is_gamma_two():
    assert linear([0, 255, 128]).tolist() == pytest.approx([0.0, 1.0, (128 / 255) ** 2])
