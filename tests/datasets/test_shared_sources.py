import pytest

from mmfake.datasets.ffpp_tree import SHARED_SOURCES, find_shared_sources, settle_shared_sources
from mmfake.datasets.protocol import VideoRecord

TEST_IDS, VAL_IDS = {'755', '955'}, {'606', '640', '838', '876', '983'}


def split_ids(pad=True):
    """The seven pairs as they lie in FF++, if wanted among 720 + 140 + 140 ids."""
    ids = dict(train={'756', '954', '605', '639', '837', '875', '982'}, val=set(VAL_IDS))
    ids['test'] = set(TEST_IDS)
    if pad:
        spare = iter(
            name
            for name in map('{:03d}'.format, range(1000))
            if name not in set.union(*ids.values())
        )
        for split, size in (('train', 720), ('val', 140), ('test', 140)):
            while len(ids[split]) < size:
                ids[split].add(next(spare))
    return ids


def record(target, source='', split='train'):
    method = 'df' if source else 'original'
    stem = f'{target}_{source}' if source else target
    return VideoRecord('ffpp', method, 'c23', stem, target, source, split, f'{stem}.mp4')


def test_the_seven_pairs():
    assert {frozenset(pair) for pair in SHARED_SOURCES} == {
        frozenset(pair.split('/'))
        for pair in ['755/756', '954/955', '605/606', '639/640', '837/838', '875/876', '982/983']
    }


@pytest.mark.parametrize(
    ('split', 'names'),
    [
        ('train', ['605', '639', '756', '837', '875', '954', '982']),
        ('val', sorted(VAL_IDS)),
        ('test', sorted(TEST_IDS)),
    ],
)
def test_every_split_knows_its_half_of_the_pairs(split, names):
    assert [source.name for source in find_shared_sources(split_ids(), split)] == names


def test_nothing_to_find_if_both_are_in_one_split_or_one_is_absent():
    ids = dict(train={'755', '756', '605'}, val={'001'}, test={'002'})
    assert [find_shared_sources(ids, split) for split in ids] == [[], [], []]


@pytest.mark.parametrize(('split', 'lines'), [('train', 1), ('val', 0), ('test', 1)])
def test_whole_ffpp_warns_once_per_command(log, split, lines):
    records = [record('756')]
    assert settle_shared_sources(records, split_ids(), split, drop=False) == records
    assert len(log) == lines
    if split == 'test':
        message = log[0]
        assert '755 (756 is in train), 955 (954 is in train)' in message
        assert 'drop_shared_sources=True' in message


def test_small_dataset_with_the_same_numbers_is_silent(log):
    settle_shared_sources([record('756')], split_ids(pad=False), 'train', drop=False)
    assert not log


def test_dropping_takes_the_earlier_copy_and_every_fake_it_is_in(log):
    train = [record('756'), record('001'), record('001', '954'), record('605', '001')]
    left = settle_shared_sources(train, split_ids(), 'train', drop=True)
    assert left == [train[1]]
    val = [record('606', split='val')]
    test = [record('755', split='test'), record('755', '002', 'test')]
    assert settle_shared_sources(val, split_ids(), 'val', drop=True) == val
    assert settle_shared_sources(test, split_ids(), 'test', drop=True) == test
    assert not log
