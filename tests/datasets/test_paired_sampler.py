from collections import Counter

import pytest
from mmengine.dataset import BaseDataset, ConcatDataset

from mmfake.datasets import samplers as balanced_sampler
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.samplers import PairedSampler
from mmfake.errors import MMFakeError


class Videos(BaseDataset):
    """A dataset of nothing but (label, target)."""

    def __init__(self, rows):
        self.rows = rows
        super().__init__(pipeline=[])

    def load_data_list(self):
        return [dict(label_multi=label, target=target) for label, target in self.rows]


def complete(targets, methods):
    return Videos([(label, t) for label in range(methods + 1) for t in range(targets)])


def pairs_of(sampler, epochs):
    stream = []
    for epoch in range(epochs):
        sampler.set_epoch(epoch)
        stream += list(sampler)
    return list(zip(stream[::2], stream[1::2]))


@pytest.fixture(scope='module')
def ffpp():
    """A hold-out run: 720 originals, 3 x 720 manipulated."""
    return complete(720, 3)


def test_both_videos_of_a_pair_show_the_same_person_drawn_alike(ffpp):
    for original, manipulated in pairs_of(PairedSampler(ffpp, seed=0), 2):
        assert ffpp.rows[original] == (0, ffpp.rows[manipulated][1])
        assert ffpp.rows[manipulated][0] > 0
        assert original.seed == manipulated.seed


def test_every_pair_draws_anew(ffpp):
    seeds = [original.seed for original, _ in pairs_of(PairedSampler(ffpp, seed=0), 2)]
    assert len(set(seeds)) == len(seeds)


def test_the_manipulations_have_equal_shares_in_every_block(ffpp):
    pairs = pairs_of(PairedSampler(ffpp, seed=4), 3)
    for start in range(0, len(pairs), 3):
        assert sorted(ffpp.rows[fake][0] for _, fake in pairs[start : start + 3]) == [1, 2, 3]


def test_every_original_takes_its_turn_with_every_method(ffpp):
    pairs = pairs_of(PairedSampler(ffpp, seed=1), 3)  # 4,320 pairs: six turns of 720 originals
    for start in range(0, len(pairs), 720):
        assert {original for original, _ in pairs[start : start + 720]} == set(range(720))
    first_three = Counter(fake for _, fake in pairs[:2160])
    assert set(first_three) == set(range(720, 2880))
    assert set(first_three.values()) == {1}


@pytest.mark.parametrize('targets', [1, 2, 4, 7])
@pytest.mark.parametrize('methods', [1, 3, 4])
def test_small_and_uneven_sets(targets, methods):
    dataset = complete(targets, methods)
    pairs = pairs_of(PairedSampler(dataset, seed=2), 40)
    assert all(dataset.rows[a][1] == dataset.rows[b][1] for a, b in pairs)
    assert {index for pair in pairs for index in pair} == set(range(len(dataset)))
    shares = Counter(dataset.rows[fake][0] for _, fake in pairs)
    assert max(shares.values()) - min(shares.values()) <= 1


def test_a_target_without_a_method_is_paired_with_another_video_of_it():
    dataset = Videos([(0, 'a'), (0, 'b'), (1, 'a'), (1, 'b'), (2, 'a')])  # b lacks method 2
    pairs = pairs_of(PairedSampler(dataset, seed=0), 20)
    assert (1, 4) in pairs
    shares = Counter(dataset.rows[fake][0] for _, fake in pairs)
    assert abs(shares[1] - shares[2]) <= 1


def test_many_processes_see_the_batches_of_one(monkeypatch, ffpp):
    built = []
    for rank, world_size in ((0, 1), (0, 2), (1, 2)):
        monkeypatch.setattr(balanced_sampler, 'get_dist_info', lambda r=rank, w=world_size: (r, w))
        built.append(PairedSampler(ffpp, seed=5))
        built[-1].set_epoch(2)
    single, *ranks = ([(index, index.seed) for index in sampler] for sampler in built)
    for step in range(len(ranks[0]) // 8):
        many = [draw for rank in ranks for draw in rank[step * 8 : (step + 1) * 8]]
        assert sorted(single[step * 16 : (step + 1) * 16]) == sorted(many)


def test_an_epoch_is_a_function_of_its_number_and_the_seed(ffpp):
    first, second = PairedSampler(ffpp, seed=7), PairedSampler(ffpp, seed=7)
    expected = pairs_of(first, 4)[3 * 1440 :]
    second.set_epoch(3)
    resumed = list(second)
    assert [*zip(resumed[::2], resumed[1::2])] == expected
    assert [*PairedSampler(ffpp, seed=8)] != [*PairedSampler(ffpp, seed=7)]


def test_without_shuffling_the_order_is_plain():
    pairs = pairs_of(PairedSampler(complete(3, 3), seed=0, shuffle=False), 1)
    assert pairs == [(0, 3), (1, 7), (2, 11), (0, 6), (1, 10), (2, 5)]


def test_reads_the_dataset_of_the_product(small_tree):
    dataset = FFPPDataset([], data_root=str(small_tree.root), holdout='nt')
    for original, fake in pairs_of(PairedSampler(dataset, seed=0), 3):
        first, second = dataset.get_data_info(original), dataset.get_data_info(fake)
        assert second['stem'].startswith(first['stem'])
        assert second['method'] in ('df', 'f2f', 'fs')


def test_wrapped_datasets_work():
    joined = ConcatDataset([Videos([(0, 'a'), (1, 'a')]), Videos([(0, 'b'), (1, 'b')])])
    assert set(pairs_of(PairedSampler(joined, seed=0), 4)) == {(0, 1), (2, 3)}


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ([(0, 'a'), (0, 'b')], 'none of the 2 videos is manipulated'),
        ([(1, 'a')], 'none of the 1 videos is original'),
        ([(0, None), (1, 'a')], 'sample 0 of Videos has no target.*mmfake.BalancedSampler'),
    ],
)
def test_dataset_that_cannot_be_paired_is_refused(rows, message):
    with pytest.raises(MMFakeError, match=message) as error:
        PairedSampler(Videos(rows), seed=0)
    assert '\n' not in str(error.value)
