from collections import Counter

import pytest
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset

from mmfake.datasets import samplers as balanced_sampler
from mmfake.datasets.samplers import BalancedSampler
from mmfake.errors import MMFakeError


class Labels(BaseDataset):
    """A dataset of nothing but labels."""

    def __init__(self, labels):
        self.labels = labels
        super().__init__(pipeline=[])

    def load_data_list(self):
        return [dict(label_multi=label) for label in self.labels]


def labels(originals, *methods):
    """Labels in the order of FF++: the originals, then each method."""
    return [0] * originals + [n for n, size in enumerate(methods, 1) for _ in range(size)]


def samplers(monkeypatch, dataset, world_size, **kwargs):
    """One sampler per rank."""
    built = []
    for rank in range(world_size):
        monkeypatch.setattr(balanced_sampler, 'get_dist_info', lambda r=rank: (r, world_size))
        built.append(BalancedSampler(dataset, **kwargs))
    return built


def epochs(sampler, count):
    out = []
    for epoch in range(count):
        sampler.set_epoch(epoch)
        out.append(list(sampler))
    return out


@pytest.fixture(scope='module')
def ffpp():
    """A hold-out run: 720 originals, 3 x 720 manipulated."""
    return Labels(labels(720, 720, 720, 720))


def test_ffpp_epoch_is_as_the_docstring_says(ffpp):
    sampler = BalancedSampler(ffpp, seed=0)
    first, second, third = epochs(sampler, 3)
    assert len(sampler) == len(first) == 2880
    assert set(Counter(first[::2]).values()) == {2}
    assert set(first[::2]) == set(range(720))
    fakes = first[1::2]
    assert len(set(fakes)) == 1440
    assert Counter(ffpp.labels[i] for i in fakes) == {1: 480, 2: 480, 3: 480}
    one_and_a_half = fakes + second[1::2][:720]
    assert sorted(one_and_a_half) == list(range(720, 2880))
    assert first != second != third


def test_every_even_batch_is_half_and_half(ffpp):
    for epoch in epochs(BalancedSampler(ffpp, seed=3), 2):
        for start in range(0, len(epoch), 32):
            kinds = Counter(ffpp.labels[i] for i in epoch[start : start + 32])
            assert kinds[0] == 16
            # 16 fakes are five turns of three and one more, and may start in mid-turn
            assert all(4 <= kinds[n] <= 6 for n in (1, 2, 3))


def test_methods_of_unequal_size_get_equal_shares_and_every_video_its_turn():
    dataset = Labels(labels(4, 3, 10))
    sampler = BalancedSampler(dataset, seed=1)
    stream = sum(epochs(sampler, 20), [])
    fakes = stream[1::2]
    shares = Counter(dataset.labels[i] for i in fakes)
    assert abs(shares[1] - shares[2]) <= 1
    for videos in (range(4, 7), range(7, 17)):
        own = [i for i in fakes if i in videos]
        for start in range(0, len(own) - len(videos) + 1, len(videos)):
            assert sorted(own[start : start + len(videos)]) == list(videos)
    originals = stream[::2]
    for start in range(0, len(originals) - 3, 4):
        assert sorted(originals[start : start + 4]) == [0, 1, 2, 3]


def test_epochs_are_consecutive_parts_of_one_stream():
    """Epochs of different length cut the same stream: pair k depends on seed and k alone."""
    dataset = Labels(labels(5, 4, 4))  # 13 videos: 7 pairs
    stream = sum(epochs(BalancedSampler(dataset, seed=9), 6), [])
    longer = RepeatDataset(dataset, 1)
    assert sum(epochs(BalancedSampler(longer, seed=9), 6), []) == stream
    resumed = BalancedSampler(dataset, seed=9)
    resumed.set_epoch(4)
    assert list(resumed) == stream[4 * 14 : 5 * 14]
    assert list(resumed) == stream[4 * 14 : 5 * 14], 'iterating does not move the stream'


@pytest.mark.parametrize('world_size', [2, 4])
def test_many_processes_see_the_batches_of_one(monkeypatch, ffpp, world_size):
    per_rank = 8
    (single,) = samplers(monkeypatch, ffpp, 1, seed=5)
    ranks = samplers(monkeypatch, ffpp, world_size, seed=5)
    for epoch in (0, 3):
        for sampler in (single, *ranks):
            sampler.set_epoch(epoch)
        whole, parts = list(single), [list(rank) for rank in ranks]
        for step in range(len(parts[0]) // per_rank):
            one = whole[step * per_rank * world_size : (step + 1) * per_rank * world_size]
            many = [i for part in parts for i in part[step * per_rank : (step + 1) * per_rank]]
            assert sorted(one) == sorted(many)


def test_ranks_have_equal_length_and_overlap_nowhere(monkeypatch):
    dataset = Labels(labels(6, 5, 5, 5))  # 21 videos: 11 pairs, rounded up to 12 for 3 ranks
    ranks = samplers(monkeypatch, dataset, 3, seed=2)
    assert [len(rank) for rank in ranks] == [8, 8, 8]
    assert [len(list(rank)) for rank in ranks] == [8, 8, 8]
    (single,) = samplers(monkeypatch, dataset, 1, seed=2)
    one = sum(epochs(single, 2), [])[:24]
    pairs = sorted(tuple(p) for rank in ranks for p in zip(list(rank)[::2], list(rank)[1::2]))
    assert pairs == sorted(zip(one[::2], one[1::2]))


def test_seed_decides_and_none_is_agreed_on(monkeypatch, ffpp):
    assert list(BalancedSampler(ffpp, seed=1)) == list(BalancedSampler(ffpp, seed=1))
    assert list(BalancedSampler(ffpp, seed=1)) != list(BalancedSampler(ffpp, seed=2))
    monkeypatch.setattr(balanced_sampler, 'sync_random_seed', lambda: 77)
    assert list(BalancedSampler(ffpp)) == list(BalancedSampler(ffpp, seed=77))


def test_without_shuffling_everything_comes_in_order():
    sampler = BalancedSampler(Labels(labels(3, 2, 2)), seed=0, shuffle=False)
    # pairs: originals 0 1 2 0, methods in turn, each one's videos in order
    assert list(sampler) == [0, 3, 1, 5, 2, 4, 0, 6]


def test_wrapped_datasets_and_the_held_out_label_work():
    joined = ConcatDataset([Labels(labels(2, 2)), Labels([0, -1])])
    drawn = sum(epochs(BalancedSampler(joined, seed=0), 4), [])
    assert set(drawn[::2]) == {0, 1, 4}
    assert set(drawn[1::2]) == {2, 3, 5}


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (labels(3), 'none of the 3 videos is manipulated'),
        ([1, 1, 2], 'none of the 3 videos is original'),
        ([0, None], 'sample 1 of Labels has no label_multi'),
    ],
)
def test_dataset_that_cannot_be_balanced_is_refused(given, message):
    with pytest.raises(MMFakeError, match=message):
        BalancedSampler(Labels(given), seed=0)
