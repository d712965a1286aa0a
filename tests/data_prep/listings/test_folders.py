"""Two folders of one's own: who belongs together, and in which split."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from data_prep.listings.folders import list_folders
from data_prep.listings.list_dataset import list_dataset
from mmfake.errors import MMFakeError


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def _splits(records):
    """The splits of each name, of which there should be one."""
    found = {}
    for record in records:
        found.setdefault(record.stem, set()).add(record.split)
    return found


def test_a_fake_and_both_its_originals_are_in_one_split(own):
    records = list_folders(str(own), [])
    assert len(records) == 16
    for pair in ('ab', 'cd', 'ef', 'gh'):
        family = {*pair, f'{pair[0]}_{pair[1]}', f'{pair[1]}_{pair[0]}'}
        splits = [r.split for r in records if r.stem in family]
        assert len(splits) == 4
        assert len(set(splits)) == 1
    assert Counter(record.split for record in records) == dict(train=8, val=4, test=4)
    fake = next(record for record in records if record.stem == 'a_b')
    assert (fake.target, fake.source) == ('a', 'b')
    assert fake.video_id == 'own/fake/released/a_b'
    assert fake.filename == str(own / 'fake' / 'a_b.mp4')
    assert records == list_folders(str(own), []), 'the same every time'


@pytest.mark.parametrize(
    ('name', 'people'),
    [
        ('a.mp4', ('a', '?')),
        ('a_lips.MP4', ('a', '?')),
        ('a-b c.avi', ('a', 'b')),
        ('a2_b.mp4', ('a2', 'b')),
        ('lips/a_b.mp4', ('a', 'b')),
        ('df/a2.mov', ('a2', '?')),
        ('ab.mp4', ('?', '?')),
        ('b a.mp4', ('b', 'a')),
        *((f'{folder}/a_b.mp4', ('a', 'b')) for folder in ('DF', 'deepfakes', 'FF-DF')),
    ],
)
def test_what_the_name_of_a_fake_tells(own, name, people):
    touch(own / 'real', 'a2.mp4')
    path = own / 'fake' / name
    touch(path.parent, path.name)
    (record,) = [r for r in list_folders(str(own), []) if r.filename == str(path)]
    assert (record.target, record.source) == people
    is_df = name.split('/')[0] in ('df', 'DF', 'deepfakes', 'FF-DF')
    assert record.method == ('df' if is_df else 'fake')
    assert record.stem == name.rsplit('.')[0].split('/')[-1] or not is_df


def test_a_folder_is_a_person(own):
    for person in ('anna', 'bert', 'carl', 'dora'):
        touch(own / 'real' / person, *(f'{number}.mkv' for number in range(8)))
        touch(own / 'fake' / person, 'swapped.mp4')
        touch(own / 'fake' / 'f2f' / person, '3_new.mp4')
    records = list_folders(str(own), [])
    for person in ('anna', 'bert', 'carl', 'dora'):
        mine = [record for record in records if record.stem.startswith(person)]
        assert len(mine) == 10
        assert len({record.split for record in mine}) == 1
    (fake,) = [r for r in records if r.method == 'f2f' and r.stem == 'anna-3_new']
    assert fake.target == 'anna-3'


@pytest.mark.parametrize('form', ['txt', 'json'])
def test_lists_of_ones_own(own, tmp_path, form, log):
    lists = dict(train=['a.mp4', 'c'], val=['f'], test=['g_h'])
    (tmp_path / 'lists').mkdir()
    for split, names in lists.items():
        text = '\n'.join(names) if form == 'txt' else json.dumps([names])
        (tmp_path / 'lists' / f'{split}.{form}').write_text(text)
    touch(own / 'real', 'z.mp4')
    splits = _splits(list_folders(str(own), [], str(tmp_path / 'lists')))
    wanted = dict(train='abcd', val='ef', test='gh')
    assert {name: {s} for s, names in wanted.items() for name in names}.items() <= splits.items()
    assert 'z' not in splits
    (line,) = log
    assert line.startswith('1 videos are in no list')
    # an original must not be in two splits, however it got there
    path = tmp_path / 'lists' / f'val.{form}'
    path.write_text('f\nb\n' if form == 'txt' else '["f", "b"]')
    with pytest.raises(MMFakeError, match='b is in val, and its original, .* in train'):
        list_folders(str(own), [], str(tmp_path / 'lists'))


def test_a_name_without_a_video_is_noted_and_the_others_count(own, tmp_path):
    for split, names in dict(train='\ufeffa\nnobody\nc', val='f', test='g_h').items():
        (tmp_path / f'{split}.txt').write_text(names, encoding='utf-8')
    faults = []
    assert len(list_folders(str(own), faults, str(tmp_path))) == 16
    assert faults == [
        f'list {tmp_path / "train.txt"}, line 2: there is no video nobody in real/ or fake/'
    ]


def test_linked_folders_and_files_count_once(own, tmp_path):
    touch(tmp_path / 'pool', 'a_d.mp4')
    (own / 'fake' / 'more').symlink_to(tmp_path / 'pool')
    (own / 'fake' / 'again').symlink_to(own / 'fake')
    (own / 'real' / 'z.mp4').symlink_to('nowhere')
    faults = []
    records = list_folders(str(own), faults)
    assert len(records) == 18
    assert str(own / 'fake' / 'more' / 'a_d.mp4') in [record.filename for record in records]
    assert 'z' in [record.stem for record in records]  # its preparation says that it is not there
    assert faults == [f'folder {own}/fake/again is a link to one that is read already']


def test_two_files_of_one_name_are_both_told(own, log):
    touch(own / 'real', 'a.mkv')
    touch(own / 'fake' / 'c', 'x.mp4')
    touch(own / 'fake', 'c-x.mp4')
    faults = []
    assert len(list_dataset('folders', str(own), faults=faults)) == 17
    assert sorted(faults) == [
        f'{own}/{lost} has the id of {own}/{kept}, own/{id}, and is left out: rename it if it is '
        'another video, else remove it'
        for lost, kept, id in [
            ('fake/c-x.mp4', 'fake/c/x.mp4', 'fake/released/c-x'),
            ('real/a.mp4', 'real/a.mkv', 'original/released/a'),
        ]
    ]
    (line,) = log
    assert line.startswith(f'folders in {own}: entries that make no sense are left out (2): ')


def test_wrong_folders_and_lists(own, tmp_path):
    with pytest.raises(MMFakeError, match='no folder .*real: --dataset folders reads'):
        list_dataset('folders', str(tmp_path))
    (tmp_path / 'train.json').write_text('{')
    with pytest.raises(MMFakeError, match='train.json is no JSON list of names'):
        list_folders(str(own), [], str(tmp_path))
    for name in 'cdefgh':
        for path in (own / 'fake').glob(f'{name}_*'):
            path.unlink()
    with pytest.raises(MMFakeError, match='val would have no manipulated video: 7 groups'):
        list_folders(str(own), [])
    for path in (own / 'fake').iterdir():
        path.unlink()
    with pytest.raises(MMFakeError, match='fake holds no video'):
        list_folders(str(own), [])


def test_what_is_no_video_is_passed_over_with_a_word(own, log):
    touch(own / 'real' / 'pictures', '0001.png', '0002.PNG')
    touch(own / 'real', 'notes', '.DS_Store')
    list_folders(str(own), [])
    (line,) = [line for line in log if 'passed over' in line]
    assert line.startswith(
        f'{own}/real: passed over 3 files that are no videos (without suffix 1, '
    )
    assert '.png 2); a video that lies there as pictures is not read' in line


def test_fakes_that_name_no_original_are_told(own, caplog):
    touch(own / 'fake', 'deepfake_a.mp4', 'deepfake_b.mp4')
    list_folders(str(own), [])
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith('2 of 10 fakes name no original (deepfake_a, deepfake_b): a name begins')
