import pickle
import random
from collections import Counter

import numpy as np
import pytest
from mmengine.dataset import BaseDataset, ConcatDataset, RepeatDataset

from mmfake.datasets import samplers
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.samplers import BalancedSampler, PairedSampler, SeededIndex, drawing_with
from mmfake.errors import MMFakeError


class Videos(BaseDataset):
    """A dataset of nothing but (label, target)."""

    def __init__(self, rows):
        self.rows = rows
        super().__init__(pipeline=[])

    def load_data_list(self):
        return [dict(label_multi=label, target=target) for label, target in self.rows]


def labels(*sizes):
    """So many originals, and so many videos of each method; each shows somebody else."""
    return Videos(
        [(label, f'{label} {n}') for label, size in enumerate(sizes) for n in range(size)]
    )


def complete(targets, methods, fakes=lambda target: 1):
    """Originals, and of each by each method a number of fakes."""
    rows = [(0, target) for target in range(targets)]
    for label in range(1, methods + 1):
        rows += [(label, target) for target in range(targets) for _ in range(fakes(target))]
    return Videos(rows)


def draw(sampler, epochs, first=0):
    stream = []
    for epoch in range(first, first + epochs):
        sampler.set_epoch(epoch)
        stream += list(sampler)
    return stream


def pairs_of(sampler, epochs, first=0):
    stream = draw(sampler, epochs, first)
    return list(zip(stream[::2], stream[1::2]))


@pytest.fixture
def of_rank(monkeypatch):
    """Build the sampler of one rank of several."""

    def build(kind, dataset, rank, world_size, **kwargs):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda: (rank, world_size))
        return kind(dataset, **kwargs)

    return build


@pytest.fixture(scope='module')
def ffpp():
    """A hold-out run: 720 originals, 3 x 720 manipulated."""
    return complete(720, 3)


# ---- Both samplers --------------------------------------------------------------------------

BOTH = pytest.mark.parametrize('kind', [BalancedSampler, PairedSampler])


@BOTH
def test_every_even_batch_is_half_and_half(ffpp, kind):
    stream = draw(kind(ffpp, seed=3), 2)
    for start in range(0, len(stream), 32):
        kinds = Counter(ffpp.rows[i][0] for i in stream[start : start + 32])
        assert kinds[0] == 16
        # 16 fakes are five turns of three and one more, and may start in mid-turn
        assert all(4 <= kinds[n] <= 6 for n in (1, 2, 3))


@BOTH
@pytest.mark.parametrize('fakes', [1, 5])
@pytest.mark.parametrize('world_size', [2, 4])
def test_many_processes_see_the_batches_of_one(of_rank, kind, fakes, world_size):
    dataset = complete(60, 3, lambda target: fakes)
    single = of_rank(kind, dataset, 0, 1, seed=5)
    ranks = [of_rank(kind, dataset, rank, world_size, seed=5) for rank in range(world_size)]
    size = 8 * world_size
    for epoch in (0, 3):
        one, *parts = ([(i, i.seed) for i in draw(s, 1, epoch)] for s in (single, *ranks))
        for step in range(len(parts[0]) // 8):
            many = [i for part in parts for i in part[step * 8 : (step + 1) * 8]]
            assert sorted(one[step * size : (step + 1) * size]) == sorted(many)


@BOTH
@pytest.mark.parametrize('fakes', [1, 5])
def test_an_epoch_is_a_function_of_its_number_and_the_seed(kind, fakes):
    dataset = complete(6, 2, lambda target: fakes)
    sampler = kind(dataset, seed=9)
    stream = draw(sampler, 6)
    resumed = kind(dataset, seed=9)
    assert draw(resumed, 1, 4) == stream[4 * len(sampler) : 5 * len(sampler)]
    assert draw(resumed, 1, 4) == draw(resumed, 1, 4), 'iterating does not move the stream'
    assert draw(kind(dataset, seed=8), 1) != stream[: len(sampler)]
    assert draw(kind(RepeatDataset(dataset, 1), seed=9), 6) == stream


def test_a_seed_of_none_is_agreed_on(monkeypatch, ffpp):
    monkeypatch.setattr(samplers, 'sync_random_seed', lambda: 77)
    assert list(BalancedSampler(ffpp)) == list(BalancedSampler(ffpp, seed=77))


@BOTH
@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ([(0, 'a'), (0, 'b')], 'none of the 2 videos is manipulated'),
        ([(1, 'a'), (2, 'a')], 'none of the 2 videos is original'),
        ([(0, 'a'), (None, 'a')], 'sample 1 of Videos has no label_multi'),
    ],
)
def test_dataset_that_cannot_be_balanced_is_refused(kind, rows, message):
    with pytest.raises(MMFakeError, match=message) as error:
        kind(Videos(rows), seed=0)
    assert '\n' not in str(error.value)


# ---- Balanced batches -----------------------------------------------------------------------


def test_ffpp_epoch_is_as_the_docstring_says(ffpp):
    first, second, third = (draw(BalancedSampler(ffpp, seed=0), 1, epoch) for epoch in range(3))
    assert len(first) == 2880
    assert Counter(first[::2]) == dict.fromkeys(range(720), 2)
    fakes = first[1::2]
    assert len(set(fakes)) == 1440
    assert Counter(ffpp.rows[i][0] for i in fakes) == {1: 480, 2: 480, 3: 480}
    one_and_a_half = fakes + second[1::2][:720]
    assert sorted(one_and_a_half) == list(range(720, 2880))
    assert first != second != third


def test_methods_of_unequal_size_get_equal_shares_and_every_video_its_turn():
    dataset = labels(4, 3, 10)
    stream = draw(BalancedSampler(dataset, seed=1), 20)
    shares = Counter(dataset.rows[i][0] for i in stream[1::2])
    assert abs(shares[1] - shares[2]) <= 1
    for videos in (range(4), range(4, 7), range(7, 17)):
        own = [i for i in stream if i in videos]
        for start in range(0, len(own) - len(videos) + 1, len(videos)):
            assert sorted(own[start : start + len(videos)]) == list(videos)


def test_ranks_have_equal_length_and_overlap_nowhere(of_rank):
    dataset = labels(6, 5, 5, 5)  # 21 videos: 11 pairs, rounded up to 12 for 3 ranks
    ranks = [of_rank(BalancedSampler, dataset, rank, 3, seed=2) for rank in range(3)]
    parts = [pairs_of(rank, 1) for rank in ranks]
    assert [len(rank) for rank in ranks] == [2 * len(part) for part in parts] == [8, 8, 8]
    single = of_rank(BalancedSampler, dataset, 0, 1, seed=2)
    assert sorted(sum(parts, [])) == sorted(pairs_of(single, 2)[:12])


def test_without_shuffling_everything_comes_in_order():
    # pairs: originals 0 1 2 0, methods in turn, each one's videos in order
    assert draw(BalancedSampler(labels(3, 2, 2), seed=0, shuffle=False), 1) == [
        *(0, 3, 1, 5, 2, 4, 0, 6),
    ]


def test_wrapped_datasets_and_the_held_out_label_work():
    joined = ConcatDataset([labels(2, 2), Videos([(0, 'a'), (-1, 'a')])])
    drawn = draw(BalancedSampler(joined, seed=0), 4)
    assert set(drawn[::2]) == {0, 1, 4}
    assert set(drawn[1::2]) == {2, 3, 5}


# ---- Pairs of one person --------------------------------------------------------------------


def test_both_videos_of_a_pair_show_the_same_person_drawn_alike(ffpp):
    pairs = pairs_of(PairedSampler(ffpp, seed=0), 2)
    for original, manipulated in pairs:
        assert ffpp.rows[original] == (0, ffpp.rows[manipulated][1])
        assert ffpp.rows[manipulated][0] > 0
        assert original.seed == manipulated.seed
    assert len({original.seed for original, _ in pairs}) == len(pairs), 'every pair draws anew'


def test_the_manipulations_have_equal_shares_in_every_block(ffpp):
    pairs = pairs_of(PairedSampler(ffpp, seed=4), 3)
    for start in range(0, len(pairs), 3):
        assert sorted(ffpp.rows[fake][0] for _, fake in pairs[start : start + 3]) == [1, 2, 3]


def test_every_original_takes_its_turn_with_every_method(ffpp):
    pairs = pairs_of(PairedSampler(ffpp, seed=1), 3)  # 4,320 pairs: six turns of 720 originals
    for start in range(0, len(pairs), 720):
        assert {original for original, _ in pairs[start : start + 720]} == set(range(720))
    assert Counter(fake for _, fake in pairs[:2160]) == dict.fromkeys(range(720, 2880), 1)


@pytest.mark.parametrize('targets', [1, 2, 4, 7])
@pytest.mark.parametrize('methods', [1, 3, 4])
@pytest.mark.parametrize('fakes', [1, 4])
def test_small_and_uneven_sets(targets, methods, fakes):
    dataset = complete(targets, methods, lambda target: fakes)
    pairs = pairs_of(PairedSampler(dataset, seed=2), 40)
    assert all(dataset.rows[a][1] == dataset.rows[b][1] for a, b in pairs)
    assert {index for pair in pairs for index in pair} == set(range(len(dataset)))
    shares = Counter(dataset.rows[fake][0] for _, fake in pairs)
    assert max(shares.values()) - min(shares.values()) <= 1


@pytest.mark.parametrize('seed', range(5))
def test_every_fake_of_a_target_is_shown(seed):
    """4 x 5 fakes are 20 pairs, and an epoch of 24 videos has 12: all are shown in two epochs."""
    dataset = complete(4, 1, lambda target: 5)
    pairs = pairs_of(PairedSampler(dataset, seed=seed), 2)
    assert Counter(fake for _, fake in pairs[:20]) == dict.fromkeys(range(4, 24), 1)
    orders = [[fake % 5 for one, fake in pairs[:20] if one == original] for original in range(4)]
    assert len(set(map(tuple, orders))) > 1, 'not all first fakes together'


def test_unequal_numbers_of_fakes_come_up_equally_often_for_each_target():
    dataset = complete(6, 3, lambda target: target + 1)  # 63 fakes; 69 videos: 35 pairs an epoch
    # two targets a group, six fakes at most: 2 x 3 x 6 blocks of three pairs show all: 108 pairs
    pairs = pairs_of(PairedSampler(dataset, seed=0), 4)
    assert {fake for _, fake in pairs[:108]} == set(range(6, 69))
    assert Counter(original for original, _ in pairs[:108]) == dict.fromkeys(range(6), 18)
    per_target = Counter(dataset.rows[fake] for _, fake in pairs[:108])
    assert set(per_target.values()) == {6}


def present_rule(dataset, seed, number):
    """The pair of a dataset with one fake per target and method, as it was defined at first."""

    def element(stream, place, size):
        cycle, place = divmod(place, size)
        return np.random.default_rng((seed, stream, cycle)).permutation(size)[place]

    originals = [i for i, (label, _) in enumerate(dataset.rows) if label == 0]
    methods = sorted({label for label, _ in dataset.rows} - {0})
    n, m = len(originals), len(methods)
    order = [originals[element(1000, place, n)] for place in range(n)]
    groups = [order[k::m] or [order[k % n]] for k in range(m)]
    block = number // m
    turn = element(1, number, m)
    original = groups[turn][element(1001 + turn, block, len(groups[turn]))]
    method = (turn + block // len(groups[0])) % m
    videos = [i for i, (label, _) in enumerate(dataset.rows) if label == methods[method]]
    own = [i for i in videos if dataset.rows[i][1] == dataset.rows[original][1]]
    seeds = np.random.SeedSequence((seed, number)).generate_state(1)
    return original, own[0] if own else videos[element(2 + method, block, len(videos))], seeds[0]


@pytest.mark.parametrize(
    'dataset',
    [complete(12, 3), complete(7, 4), complete(1, 3), complete(5, 2, lambda t: min(t, 1))],
    ids=['even', 'uneven', 'single', 'incomplete'],
)
def test_with_one_fake_per_target_and_method_the_stream_is_that_of_before(dataset):
    pairs = pairs_of(PairedSampler(dataset, seed=11), 8)
    expected = [present_rule(dataset, 11, number) for number in range(len(pairs))]
    assert [(original, fake, original.seed) for original, fake in pairs] == expected


def test_a_target_without_a_method_is_paired_with_another_video_of_it(log):
    dataset = Videos([(0, 'a'), (0, 'b'), (1, 'a'), (1, 'b'), (2, 'a'), (2, 'x')])  # b lacks 2
    pairs = pairs_of(PairedSampler(dataset, seed=0), 20)
    assert {fake for original, fake in pairs if original == 1} == {3, 4, 5}
    shares = Counter(dataset.rows[fake][0] for _, fake in pairs)
    assert abs(shares[1] - shares[2]) <= 1
    assert not log


def test_fakes_that_no_pair_can_show_are_counted(log):
    dataset = Videos([(0, 'a'), (1, 'a'), (1, 'x'), (1, 'x'), (2, 'x')])
    pairs = pairs_of(PairedSampler(dataset, seed=0), 20)
    assert {fake for _, fake in pairs} == {1, 4}
    (line,) = log
    assert 'the originals of 2 manipulated videos are not in the dataset' in line


def test_unshuffled_pairs_come_in_plain_order():
    pairs = pairs_of(PairedSampler(complete(3, 3), seed=0, shuffle=False), 1)
    assert pairs == [(0, 3), (1, 7), (2, 11), (0, 6), (1, 10), (2, 5)]


def test_reads_the_dataset_of_the_product(small_tree):
    dataset = FFPPDataset([], data_root=str(small_tree.root), holdout='nt')
    for original, fake in pairs_of(PairedSampler(dataset, seed=0), 3):
        first, second = dataset.get_data_info(original), dataset.get_data_info(fake)
        assert second['stem'].startswith(first['stem'])
        assert second['method'] in ('df', 'f2f', 'fs')


def test_pairs_are_found_in_wrapped_datasets():
    joined = ConcatDataset([Videos([(0, 'a'), (1, 'a')]), Videos([(0, 'b'), (1, 'b')])])
    assert set(pairs_of(PairedSampler(joined, seed=0), 4)) == {(0, 1), (2, 3)}


def test_dataset_without_targets_cannot_be_paired():
    told = 'sample 0 of Videos has no target.*mmfake.BalancedSampler'
    with pytest.raises(MMFakeError, match=told):
        PairedSampler(Videos([(0, None), (1, 'a')]), seed=0)


# ---- Indices that carry a seed --------------------------------------------------------------


def test_seeded_index_is_an_int_that_survives_the_way_to_a_worker():
    index = pickle.loads(pickle.dumps(SeededIndex(7, 99)))
    assert (index, index.seed, [*range(10)][index]) == (7, 99, 7)
    assert isinstance(index, int)


def test_arithmetic_of_indices_keeps_the_seed():
    index = SeededIndex(7, 99)
    for result, expected in ((index % 5, 2), (index - 3, 4), (index + 1, 8), (1 + index, 8)):
        assert (result, result.seed) == (expected, 99)
    assert index - 0.5 == 6.5
    with pytest.raises(TypeError):
        index + 'a'


def draw_twice():
    return random.random(), np.random.rand()


def test_drawing_is_repeatable_and_leaves_the_generators_alone():
    random.seed(1)
    np.random.seed(1)
    expected = draw_twice(), draw_twice()
    random.seed(1)
    np.random.seed(1)
    first = draw_twice()
    with drawing_with(5):
        inside = draw_twice()
    with drawing_with(5):
        assert draw_twice() == inside
    with drawing_with(6):
        assert draw_twice() != inside
    assert (first, draw_twice()) == expected


class Draw:
    """A random transform."""

    def __call__(self, results):
        return dict(results, drawn=draw_twice())


def test_the_dataset_and_its_wrappers_draw_with_the_seed_of_the_index(small_tree):
    dataset = FFPPDataset([Draw()], data_root=str(small_tree.root))
    first, again, other = (dataset[SeededIndex(0, seed)] for seed in (3, 3, 4))
    assert first == again
    assert first['drawn'] != other['drawn']
    assert dataset[SeededIndex(1, 3)]['drawn'] == first['drawn']
    assert type(first['sample_idx']) is int
    assert dataset[0]['drawn'] != dataset[0]['drawn']
    # both halves of a repeated one and both parts of a joined one, whatever was drawn before
    expected = {index: dataset[SeededIndex(index, 3)] for index in range(len(dataset))}
    for wrapper in (RepeatDataset(dataset, times=2), ConcatDataset([dataset, dataset])):
        for index in range(-1, len(wrapper)):
            assert wrapper[SeededIndex(index, 3)] == expected[index % len(dataset)]
