import json

import pytest

from data_prep.listings.dfdc import list_dfdc
from mmfake.errors import MMFakeError


def facts(records):
    return [(r.stem, r.method, r.split, r.target, r.source) for r in records]


def test_parts_in_the_order_of_their_numbers_then_the_test(dfdc):
    records = list_dfdc(str(dfdc))
    assert facts(records) == [
        ('aaa', 'dfdc', 'train', 'bbb', '?'),
        ('bbb', 'original', 'train', 'bbb', ''),
        ('ccc', 'original', 'train', 'ccc', ''),
        ('ddd', 'original', 'test', 'ddd', ''),
        ('eee', 'dfdc', 'test', '?', '?'),
    ]
    assert {r.filename for r in records} == {str(path) for path in dfdc.glob('*/*.mp4')}
    assert records[0].video_id == 'dfdc/dfdc/released/aaa'
    assert records[4].ids == ()


def test_other_places_of_the_same_files(dfdc):
    (dfdc / 'train').mkdir()
    for number in (2, 10):
        (dfdc / f'dfdc_train_part_{number}').rename(dfdc / 'train' / f'dfdc_train_part_{number}')
    (dfdc / 'test' / 'videos').mkdir()
    (dfdc / 'test' / 'eee.mp4').rename(dfdc / 'test' / 'videos' / 'eee.mp4')
    records = list_dfdc(str(dfdc))
    assert records[0].filename == str(dfdc / 'train' / 'dfdc_train_part_2' / 'aaa.mp4')
    assert records[4].filename == str(dfdc / 'test' / 'videos' / 'eee.mp4')


def test_validation_is_val_and_a_part_of_the_whole_is_enough(dfdc, tmp_path):
    root = tmp_path / 'part'
    root.mkdir()
    (dfdc / 'test').rename(root / 'validation')
    assert [r.split for r in list_dfdc(str(root))] == ['val', 'val']
    assert [r.split for r in list_dfdc(str(dfdc))] == ['train'] * 3


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        (dict(label='fake'), "entry 'zzz.mp4': label 'fake' is neither REAL nor FAKE"),
        (dict(), 'label None is neither'),
        (dict(label='REAL', split='dev'), "split 'dev' is none of train, val, test"),
        (dict(label='FAKE', original='a/b.mp4'), "'a/b.mp4' is no name of a video"),
        ('REAL', "is 'REAL', not an object"),
    ],
)
def test_wrong_entry_is_named(dfdc, entry, message):
    path = dfdc / 'dfdc_train_part_2' / 'metadata.json'
    path.write_text(json.dumps(dict(json.loads(path.read_text()), **{'zzz.mp4': entry})))
    with pytest.raises(MMFakeError, match=message) as caught:
        list_dfdc(str(dfdc))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[]', 'is no JSON object'),
        ('{', 'cannot be read as JSON'),
        ('{"a.mp4": {"label": "REAL"}, "a.mp4": {"label": "FAKE"}}', 'twice: a.mp4'),
        ('{"../a.mp4": {"label": "REAL"}}', "'../a.mp4' is no name of a video"),
    ],
)
def test_wrong_metadata_is_one_line(dfdc, text, message):
    (dfdc / 'dfdc_train_part_10' / 'metadata.json').write_text(text)
    with pytest.raises(MMFakeError, match=message) as caught:
        list_dfdc(str(dfdc))
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('', 'is no header with filename and label'),
        ('ddd.mp4,0\n', "line 1: 'ddd.mp4,0' is no header"),
        ('filename,label\nddd.mp4,FAKE\n', "line 2: 'ddd.mp4,FAKE' is not filename,label"),
        ('filename,label\nddd.mp4\n', "line 2: 'ddd.mp4' is not filename,label"),
        ('filename,label\nddd,0\n', "line 2: 'ddd' is no name of a video"),
    ],
)
def test_wrong_labels_are_one_line(dfdc, text, message):
    (dfdc / 'test' / 'labels.csv').write_text(text)
    with pytest.raises(MMFakeError, match=message):
        list_dfdc(str(dfdc))


def test_missing_lists_and_missing_parts_are_named(dfdc, tmp_path):
    (dfdc / 'test' / 'labels.csv').unlink()
    with pytest.raises(MMFakeError, match=r'list .*test/labels.csv not found'):
        list_dfdc(str(dfdc))
    (dfdc / 'dfdc_train_part_2' / 'metadata.json').unlink()
    with pytest.raises(MMFakeError, match=r'list .*part_2/metadata.json not found'):
        list_dfdc(str(dfdc))
    with pytest.raises(MMFakeError, match='holds no DFDC: there is no folder dfdc_train_part_<N>'):
        list_dfdc(str(tmp_path))
