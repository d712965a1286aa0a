from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from data_prep.mini_ffpp.identity import pair_up, sample_identity


@pytest.mark.parametrize(
    ('pairs', 'shares'), [(48, (28, 8, 12)), (3, (1, 1, 1)), (5, (3, 1, 1)), (100, (59, 16, 25))]
)
def test_every_id_is_in_one_pair_of_one_split(pairs, shares):
    splits = pair_up(0, pairs)
    assert list(splits) == ['train', 'val', 'test']
    assert tuple(len(split) for split in splits.values()) == shares
    ids = list(chain.from_iterable(chain.from_iterable(splits.values())))
    assert sorted(ids) == [f'{k:03d}' for k in range(2 * pairs)]


def test_the_seed_decides():
    assert pair_up(0, 20) == pair_up(0, 20)
    assert pair_up(0, 20) != pair_up(1, 20)


def test_pairs_have_similar_skin():
    tone = {f'{k:03d}': np.log(sample_identity(0, f'{k:03d}').skin.mean()) for k in range(96)}
    pairs = list(chain.from_iterable(pair_up(0, 48).values()))
    paired = np.mean([abs(tone[a] - tone[b]) for a, b in pairs])
    anyone = np.mean([abs(tone[a] - tone[b]) for a in tone for b in tone if a != b])
    assert paired < 0.2 * anyone


def test_splits_do_not_differ_in_skin():
    means = [
        np.mean([sample_identity(0, n).skin.mean() for pair in split for n in pair])
        for split in pair_up(0, 48).values()
    ]
    assert max(means) < 1.6 * min(means)
