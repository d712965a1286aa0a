import json

import pytest

from mmfake.datasets.ffpp_tree import read_splits
from mmfake.errors import MMFakeError


def test_pairs_come_back_as_strings_with_their_zeros(small_tree):
    assert read_splits(str(small_tree.root)) == {
        'train': [('000', '001'), ('002', '003'), ('004', '005')],
        'val': [('006', '007')],
        'test': [('008', '009')],
    }


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


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'cannot be read as JSON'),
        ('[["000", "001"', 'cannot be read as JSON'),
        ('{"000": "001"}', 'not a list of pairs'),
        ('[]', 'not a list of pairs'),
        ('[["000", "001"], ["002"]]', r"entry 1 is \['002'\]"),
        ('[["000", "001", "002"]]', 'entry 0'),
        ('["000", "001"]', "entry 0 is '000'"),
        ('[[0, 1]]', r'entry 0 is \[0, 1\].*lose their zeros'),
        ('[["000", ""]]', 'entry 0'),
        ('[["000", "000"]]', r'1 ids occur more than once \(000\)'),
        ('[["000", "001"], ["001", "000"]]', r'2 ids occur more than once \(000, 001\)'),
    ],
)
def test_malformed_file_is_one_line_with_its_path(small_tree, text, message):
    path = small_tree.root / 'splits' / 'train.json'
    path.write_text(text)
    with pytest.raises(MMFakeError, match=message) as caught:
        read_splits(str(small_tree.root))
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_binary_rubbish_is_one_line(small_tree):
    (small_tree.root / 'splits' / 'test.json').write_bytes(b'\xff\xfe\x00[')
    with pytest.raises(MMFakeError, match='test.json cannot be read as JSON'):
        read_splits(str(small_tree.root))


def test_id_in_two_splits_is_refused_and_names_at_most_five(small_tree):
    pairs = [[f'{n:03d}', f'{n + 1:03d}'] for n in range(0, 6, 2)]  # the six ids of train
    (small_tree.root / 'splits' / 'test.json').write_text(json.dumps(pairs))
    with pytest.raises(MMFakeError) as caught:
        read_splits(str(small_tree.root))
    message = str(caught.value)
    assert '6 ids are in train.json as well (000, 001, 002, 003, 004 and 1 more)' in message
    assert 'test.json' in message
