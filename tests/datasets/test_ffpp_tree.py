import json

import pytest

from mmfake.datasets.ffpp_tree import (
    OFFICIAL_SIZES,
    SHARED_SOURCES,
    canonical_compression,
    check_root,
    find_shared_sources,
    read_splits,
    read_tree,
    settle_shared_sources,
)
from mmfake.datasets.protocol import VideoRecord
from mmfake.errors import MMFakeError

METHODS = ('original', 'df', 'f2f', 'fs', 'nt')


# ---- Folders --------------------------------------------------------------------------------


def read(tree, methods=METHODS, compression='c23', pair=('000', '001')):
    return read_tree(str(tree.root), [pair], 'train', methods, compression)


def test_one_pair_is_two_originals_and_two_fakes_per_method(small_tree):
    records = read(small_tree, pair=('008', '009'))
    assert [r.stem for r in records] == ['008', *['008_009'] * 4, '009', *['009_008'] * 4]
    assert [record.method for record in records] == [*METHODS, *METHODS]
    fake = records[6]
    assert fake.video_id == 'ffpp/df/c23/009_008'
    assert (fake.target, fake.source, fake.split) == ('009', '008', 'train')
    assert fake.filename == str(small_tree.path('df', '009_008'))
    assert records[5].source == ''


def test_folders_of_methods_not_asked_for_need_not_exist(make_tree):
    tree = make_tree(methods=('df',))
    assert len(read(tree, ('original', 'df'))) == 4
    with pytest.raises(MMFakeError, match=r"no folder .*Face2Face/c23/videos for.*'f2f' out of"):
        read(tree)


def test_missing_originals_do_not_suggest_leaving_them_out(small_tree):
    with pytest.raises(MMFakeError, match='youtube/c40/videos') as caught:
        read(small_tree, compression='c40')
    assert 'out of methods' not in str(caught.value)


@pytest.mark.parametrize('spelling', ['raw', 'c0'])
def test_both_spellings_of_raw_on_disk_give_the_same_identity(make_tree, spelling):
    tree = make_tree(compression=spelling)
    records = read(tree, ('original',), 'raw')
    assert [r.video_id for r in records] == ['ffpp/original/raw/000', 'ffpp/original/raw/001']
    assert records[0].filename == str(tree.path('original', '000'))


def test_compression_has_one_spelling():
    names = ('raw', 'c0', 'c23', 'c40', 'released')
    assert [canonical_compression(n) for n in names] == ['raw', 'raw', 'c23', 'c40', 'released']
    with pytest.raises(MMFakeError, match="unknown compression 'c24': choose raw"):
        canonical_compression('c24')


def test_missing_root_says_where_the_data_is_and_how_to_do_without(tmp_path):
    root = str(tmp_path / 'nothing')
    with pytest.raises(MMFakeError) as caught:
        check_root(root)
    told = (root, 'github.com/ondyari/FaceForensics', 'data_prep/prepare_ffpp.py', 'tools/demo.sh')
    assert all(part in str(caught.value) for part in (*told, 'mmfake mini'))
    assert '\n' not in str(caught.value)


def test_folder_with_neither_index_nor_official_folders_says_what_was_looked_for(tmp_path):
    with pytest.raises(MMFakeError, match='neither index.csv.*nor the folder original_sequences'):
        check_root(str(tmp_path))


@pytest.mark.parametrize(
    ('method', 'compression', 'message'),
    [
        ('cdf', 'c23', r"method 'cdf' \(Celeb-DF v2\) is none of FaceForensics\+\+.*index.csv"),
        ('df', 'released', "compression 'released' is none of FaceForensics.*index.csv"),
    ],
)
def test_what_ffpp_does_not_have_is_not_looked_for_in_it(small_tree, method, compression, message):
    with pytest.raises(MMFakeError, match=message):
        read(small_tree, (method,), compression)


def test_deepfakebench_frames_are_named_for_what_they_are(small_tree):
    for videos in small_tree.root.glob('*/*/c23/videos'):
        videos.rename(videos.with_name('frames'))
    with pytest.raises(MMFakeError, match='c23/frames holds pictures that DeepfakeBench.*download'):
        read(small_tree, ('original',))


# ---- Split files ----------------------------------------------------------------------------


def test_pairs_come_back_as_strings_with_their_zeros(small_tree):
    assert read_splits(str(small_tree.root)) == {
        'train': [('000', '001'), ('002', '003'), ('004', '005')],
        'val': [('006', '007')],
        'test': [('008', '009')],
    }


def test_a_byte_order_mark_is_read_over_and_a_split_may_be_empty(small_tree):
    before = read_splits(str(small_tree.root))
    for split in before:
        path = small_tree.root / 'splits' / f'{split}.json'
        path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes().replace(b'\n', b'\r\n'))
    (small_tree.root / 'splits' / 'val.json').write_bytes(b'\xef\xbb\xbf[]\r\n')
    assert read_splits(str(small_tree.root)) == dict(before, val=[])


def test_files_are_found_beside_the_sequences_and_in_a_folder_of_choice(small_tree, tmp_path):
    want = read_splits(str(small_tree.root))
    other = tmp_path / 'elsewhere'
    (small_tree.root / 'splits').rename(other)
    assert read_splits(str(small_tree.root), str(other)) == want
    for path in other.iterdir():
        path.rename(small_tree.root / path.name)
    assert read_splits(str(small_tree.root)) == want


def test_missing_file_says_where_to_get_it(small_tree):
    path = small_tree.root / 'splits' / 'val.json'
    path.unlink()
    with pytest.raises(MMFakeError, match=rf'{path} not found: copy .*ondyari/FaceForensics'):
        read_splits(str(small_tree.root))
    path.parent.rename(small_tree.root / 'lists')
    with pytest.raises(MMFakeError, match=f'{path.parent}/train.json not found: copy'):
        read_splits(str(small_tree.root))


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (b'', 'cannot be read as JSON'),
        (b'\xff\xfe\x00[', 'cannot be read as JSON'),
        (b'[["000", "001"', 'cannot be read as JSON'),
        (b'{"000": "001"}', 'not a list of pairs'),
        (b'[["000", "001"], ["002"]]', r"entry 1 is \['002'\]"),
        (b'[["000", "001", "002"]]', 'entry 0'),
        (b'["000", "001"]', "entry 0 is '000'"),
        (b'[[0, 1]]', r'entry 0 is \[0, 1\].*lose their zeros'),
        (b'[["000", ""]]', 'entry 0'),
        (b'[["000", "000"]]', r'1 ids occur more than once \(000\)'),
        (b'[["000", "001"], ["001", "000"]]', r'2 ids occur more than once \(000, 001\)'),
    ],
)
def test_malformed_file_is_one_line_with_its_path(small_tree, text, message):
    path = small_tree.root / 'splits' / 'train.json'
    path.write_bytes(text)
    with pytest.raises(MMFakeError, match=message) as caught:
        read_splits(str(small_tree.root))
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_id_in_two_splits_is_refused_and_names_at_most_five(small_tree):
    pairs = [[f'{n:03d}', f'{n + 1:03d}'] for n in range(0, 6, 2)]  # the six ids of train
    (small_tree.root / 'splits' / 'test.json').write_text(json.dumps(pairs))
    six = r'6 ids are in train.json as well \(000, 001, 002, 003, 004 and 1 more\)'
    with pytest.raises(MMFakeError, match=rf'test.json: {six}'):
        read_splits(str(small_tree.root))


# ---- Recordings shared by two splits --------------------------------------------------------

# the seven pairs as they lie in FF++
TORN = dict(
    train={'756', '954', '605', '639', '837', '875', '982'},
    val={'606', '640', '838', '876', '983'},
    test={'755', '955'},
)


def whole_ffpp():
    """The ids above among 720 + 140 + 140."""
    ids = {split: set(names) for split, names in TORN.items()}
    spare = (n for n in map('{:03d}'.format, range(1000)) if n not in set.union(*TORN.values()))
    for split, size in OFFICIAL_SIZES.items():
        while len(ids[split]) < size:
            ids[split].add(next(spare))
    return ids


def record(target, source='', split='train'):
    method = 'df' if source else 'original'
    stem = f'{target}_{source}' if source else target
    return VideoRecord('ffpp', method, 'c23', stem, target, source, split, f'{stem}.mp4')


def test_the_seven_pairs_and_the_official_sizes():
    pairs = '755/756 954/955 605/606 639/640 837/838 875/876 982/983'
    assert {frozenset(pair) for pair in SHARED_SOURCES} == {
        frozenset(pair.split('/')) for pair in pairs.split()
    }
    assert OFFICIAL_SIZES == {'train': 720, 'val': 140, 'test': 140}


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_every_split_knows_its_half_of_the_pairs(split):
    assert [s.name for s in find_shared_sources(whole_ffpp(), split)] == sorted(TORN[split])


def test_nothing_to_find_if_both_are_in_one_split_or_one_is_absent():
    ids = dict(train={'755', '756', '605'}, val={'001'}, test={'002'})
    assert [find_shared_sources(ids, split) for split in ids] == [[], [], []]


@pytest.mark.parametrize(('split', 'lines'), [('train', 1), ('val', 0), ('test', 1)])
def test_whole_ffpp_warns_once_per_command(log, split, lines):
    records = [record('756')]
    assert settle_shared_sources(records, whole_ffpp(), split, drop=False) == records
    assert len(log) == lines
    if split == 'test':
        assert '755 (756 is in train), 955 (954 is in train)' in log[0]
        assert 'drop_shared_sources=True' in log[0]


def test_small_dataset_with_the_same_numbers_is_silent(log):
    settle_shared_sources([record('756')], TORN, 'train', drop=False)
    assert not log


def test_dropping_takes_the_earlier_copy_and_every_fake_it_is_in(log):
    train = [record('756'), record('001'), record('001', '954'), record('605', '001')]
    assert settle_shared_sources(train, whole_ffpp(), 'train', drop=True) == [train[1]]
    val = [record('606', split='val')]
    test = [record('755', split='test'), record('755', '002', 'test')]
    assert settle_shared_sources(val, whole_ffpp(), 'val', drop=True) == val
    assert settle_shared_sources(test, whole_ffpp(), 'test', drop=True) == test
    assert not log
