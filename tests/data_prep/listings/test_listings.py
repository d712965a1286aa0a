"""The official lists of each dataset, and what is said of a list that is wrong."""

from __future__ import annotations

import json
import re

import pytest

from data_prep.listings.deeperforensics import list_deeperforensics
from data_prep.listings.dfd import list_dfd
from data_prep.listings.dfdc import list_dfdc, list_dfdc_preview
from data_prep.listings.ffpp import list_faceshifter, list_ffpp
from mmfake.errors import MMFakeError
from tests.data_prep.listings.conftest import facts

# ---- FF++ and FaceShifter


def test_every_video_of_the_tree_in_its_split(small_tree):
    records = list_ffpp(str(small_tree.root))
    rows = {row['id']: row for row in small_tree.rows()}
    assert {record.video_id for record in records} == set(rows)
    for record in records:
        row = rows[record.video_id]
        assert record.filename == str(small_tree.root / row['path'])
        assert (record.split, record.target) == (row['split'], row['target'])
        assert record.source == row['source']


def test_chosen_methods_compression_and_split_files(make_tree, tmp_path):
    tree = make_tree(methods=('df', 'nt'), compression='c0')
    (tree.root / 'splits').rename(tmp_path / 'elsewhere')
    records = list_ffpp(str(tree.root), str(tmp_path / 'elsewhere'), 'raw', ['nt', 'nt'])
    found = {(record.method, record.compression) for record in records}
    assert found == {('original', 'raw'), ('nt', 'raw')}
    assert len(records) == 20
    assert records == list_ffpp(str(tree.root), str(tmp_path / 'elsewhere'), 'c0', 'nt')


def test_faceshifter_is_the_fifth_method_with_the_same_pairs(make_tree):
    tree = make_tree(methods=('fsh',))
    records = list_faceshifter(str(tree.root))
    assert records == list_ffpp(str(tree.root), methods=['fsh'])
    names = [record.video_id for record in records[:2]]
    assert names == ['ffpp/original/c23/000', 'ffpp/fsh/c23/000_001']
    with pytest.raises(MMFakeError, match="no folder .*Deepfakes.*'df' out of methods"):
        list_ffpp(str(tree.root))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(methods=['xy']), "unknown manipulation 'xy'"),
        (dict(methods=['cdf']), r"method 'cdf' \(Celeb-DF v2\) is none of FaceForensics"),
        (dict(compression='c99'), "unknown compression 'c99'"),
        (dict(compression='released'), "compression 'released' is none of FaceForensics"),
        (dict(splits_dir='nowhere'), 'split file nowhere/train.json not found'),
    ],
)
def test_ffpp_wrong_arguments(small_tree, tmp_path, arguments, message):
    with pytest.raises(MMFakeError, match=message) as caught:
        list_ffpp(str(small_tree.root), **arguments)
    assert '\n' not in str(caught.value)
    with pytest.raises(MMFakeError, match='is no dataset: .*original_sequences/youtube'):
        list_ffpp(str(tmp_path / '..'))


# ---- DeepFakeDetection


def test_dfd_is_all_test_and_its_targets_are_scenes(dfd):
    faults = []
    (dfd / 'original_sequences' / 'actors' / 'c23' / 'videos' / 'copy.mp4').touch()
    records = list_dfd(str(dfd), faults)
    assert facts(records) == [
        ('01__exit_phone_room', 'original', 'test', '01__exit_phone_room', ''),
        ('01__kitchen_pan', 'original', 'test', '01__kitchen_pan', ''),
        ('02__kitchen_pan', 'original', 'test', '02__kitchen_pan', ''),
        ('01_02__exit_phone_room__0XUW13RW', 'dfd', 'test', '01__exit_phone_room', '02'),
        ('01_02__kitchen_pan__YVGY8LOK', 'dfd', 'test', '01__kitchen_pan', '02'),
        ('02_01__hugging_happy__A1B2C3D4', 'dfd', 'test', '02__hugging_happy', '01'),
    ]
    assert records[0].video_id == 'dfd/original/c23/01__exit_phone_room'
    (fault,) = faults
    assert 'copy.mp4 has no name as DeepFakeDetection gives' in fault


def test_dfd_other_compressions_and_empty_folders(dfd):
    with pytest.raises(MMFakeError, match='no folder .*actors/raw/videos or .*c0/videos of DeepF'):
        list_dfd(str(dfd), [], 'raw')
    with pytest.raises(MMFakeError, match='comes as raw, c23 or c40'):
        list_dfd(str(dfd), [], 'released')
    folders = list(dfd.glob('*/*/c23'))
    for folder in folders:
        folder.rename(folder.with_name('c0'))
    records = list_dfd(str(dfd), [], 'raw')
    assert {record.compression for record in records} == {'raw'}
    for path in dfd.glob('original_sequences/*/c0/videos/*'):
        path.unlink()
    with pytest.raises(MMFakeError, match='c0/videos is empty: copy the videos'):
        list_dfd(str(dfd), [], 'c0')


# ---- DFDC


def test_dfdc_parts_in_the_order_of_their_numbers_then_the_test(dfdc):
    records = list_dfdc(str(dfdc), [])
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


def test_dfdc_other_places_of_the_same_files(dfdc, tmp_path):
    (dfdc / 'train').mkdir()
    for number in (2, 10):
        (dfdc / f'dfdc_train_part_{number}').rename(dfdc / 'train' / f'dfdc_train_part_{number}')
    (dfdc / 'test' / 'videos').mkdir()
    (dfdc / 'test' / 'eee.mp4').rename(dfdc / 'test' / 'videos' / 'eee.mp4')
    records = list_dfdc(str(dfdc), [])
    assert records[0].filename == str(dfdc / 'train' / 'dfdc_train_part_2' / 'aaa.mp4')
    assert records[4].filename == str(dfdc / 'test' / 'videos' / 'eee.mp4')
    # a part of the whole is enough
    (dfdc / 'test').rename(dfdc / 'validation')
    assert [r.split for r in list_dfdc(str(dfdc), [])] == ['train'] * 3 + ['val'] * 2


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        (dict(label='fake'), "entry 'zzz.mp4': label 'fake' is neither REAL nor FAKE"),
        (dict(label='REAL', split='dev'), "split 'dev' is none of train, val, test"),
        (dict(label='FAKE', original='a/b.mp4'), "'a/b.mp4' is no name of a video"),
        ('REAL', "is 'REAL', not an object"),
    ],
)
def test_dfdc_wrong_entry_is_noted_and_the_others_count(dfdc, entry, message):
    before, faults = list_dfdc(str(dfdc), []), []
    path = dfdc / 'dfdc_train_part_2' / 'metadata.json'
    entries = dict({'zzz.mp4': entry}, **json.loads(path.read_text()))
    path.write_bytes(b'\xef\xbb\xbf' + json.dumps(entries).encode())
    assert list_dfdc(str(dfdc), faults) == before
    (fault,) = faults
    assert re.search(message, fault)
    assert str(path) in fault


@pytest.mark.parametrize(
    ('file', 'text', 'message'),
    [
        ('dfdc_train_part_10/metadata.json', '[]', 'is no JSON object'),
        ('dfdc_train_part_10/metadata.json', '{', 'cannot be read as JSON'),
        ('test/labels.csv', '', 'is no header with filename and label'),
        ('test/labels.csv', 'ddd.mp4,0\n', "line 1: 'ddd.mp4,0' is no header"),
    ],
)
def test_dfdc_list_that_is_none_is_refused_in_one_line(dfdc, file, text, message):
    (dfdc / file).write_text(text)
    with pytest.raises(MMFakeError, match=message) as caught:
        list_dfdc(str(dfdc), [])
    assert '\n' not in str(caught.value)


REAL, FAKE = '{"label": "REAL"}', '{"label": "FAKE"}'


@pytest.mark.parametrize(
    ('file', 'text', 'message'),
    [
        (
            'metadata.json',
            f'{{"a.mp4": {REAL}, "z.mp4": {REAL}, "a.mp4": {FAKE}}}',
            "'a.mp4' is the",
        ),
        ('metadata.json', f'{{"../a.mp4": {REAL}, "z.mp4": {REAL}}}', "'../a.mp4' is no name"),
        ('labels.csv', 'd.mp4,FAKE\nz.mp4,0\n', "line 2: 'd.mp4,FAKE' is not filename"),
        ('labels.csv', 'z.mp4,0\nddd.mp4\n', "line 3: 'ddd.mp4' is not filename,label"),
        ('labels.csv', 'ddd,0\nz.mp4,0\n', "line 2: 'ddd' is no name of a video"),
    ],
)
def test_dfdc_wrong_row_leaves_the_others(tmp_path, file, text, message):
    folder, header = (
        ('test', 'filename,label\n') if file == 'labels.csv' else ('dfdc_train_part_0', '')
    )
    (tmp_path / folder).mkdir()
    (tmp_path / folder / file).write_text(header + text)
    faults = []
    assert [record.stem for record in list_dfdc(str(tmp_path), faults)] == ['z']
    (fault,) = faults
    assert message in fault


def test_dfdc_missing_lists_and_missing_parts(dfdc, tmp_path):
    for file in ('test/labels.csv', 'dfdc_train_part_2/metadata.json'):
        (dfdc / file).unlink()
        with pytest.raises(MMFakeError, match=f'list .*{file} not found'):
            list_dfdc(str(dfdc), [])
    with pytest.raises(MMFakeError, match='holds no DFDC: there is no folder dfdc_train_part_<N>'):
        list_dfdc(str(tmp_path), [])


# ---- DFDC preview


def test_preview_labels_sets_and_people(preview):
    records = list_dfdc_preview(str(preview), [])
    name = '1255229_1260311_C_001'
    assert facts(records) == [
        ('643049_A_001', 'original', 'train', '643049_A_001', ''),
        ('1260311_C_001', 'original', 'test', '1260311_C_001', ''),
        (f'method_A_{name}', 'dfdcp', 'test', '?', '1255229'),
        (f'method_B_{name}', 'dfdcp', 'test', '?', '1255229'),
    ]
    assert {r.filename for r in records} == {str(path) for path in preview.rglob('*.mp4')}
    assert records[2].video_id == f'dfdc_preview/dfdcp/released/method_A_{name}'
    (preview / 'dataset.json').unlink()
    with pytest.raises(MMFakeError, match=r'dataset\.json not found'):
        list_dfdc_preview(str(preview), [])


@pytest.mark.parametrize(
    ('key', 'entry', 'message'),
    [
        ('method_C/a/b.mp4', dict(label='fake', set='test'), 'is no path of a video in one of'),
        ('method_A/../b.mp4', dict(label='fake', set='test'), 'is no path of a video in one of'),
        ('method_A/a.mp4', dict(label='real', set='test'), "'real' in a folder of fake videos"),
        ('original_videos/a.mp4', dict(label='fake', set='test'), 'in a folder of real videos'),
        ('method_A/a.mp4', dict(label='fake', set='val'), "set 'val' is neither train nor test"),
    ],
)
def test_preview_wrong_entry_is_noted_and_the_others_count(preview, key, entry, message):
    before, faults = list_dfdc_preview(str(preview), []), []
    path = preview / 'dataset.json'
    path.write_text(json.dumps(dict(json.loads(path.read_text()), **{key: entry})))
    assert list_dfdc_preview(str(preview), faults) == before
    (fault,) = faults
    assert re.search(message, fault)
    assert f"list {path}, entry '{key}'" in fault


# ---- DeeperForensics-1.0


def by_split(records):
    splits = {}
    for record in records:
        splits.setdefault(record.split, []).append(record.stem)
    return splits


def test_deeperforensics_follows_its_lists_with_the_originals_of_ffpp(deeper, ffpp_originals):
    path = deeper / 'lists' / 'splits' / 'test.txt'
    path.write_text('003_M006.mp4\n003_M007\n')  # two fakes of one target
    records = list_deeperforensics(str(deeper), [], str(ffpp_originals), 'end_to_end_level_5')
    assert by_split(records) == dict(
        train=['000', '000_M004', '002', '002_W101', '006', '006_M004'],
        val=['001', '001_M005', '005', '005_W102'],
        test=['003', '003_M006', '003_M007'],
    )
    original, fake = records[:2]
    assert original.video_id == 'deeperforensics/original/released/000'
    videos = ffpp_originals / 'original_sequences' / 'youtube' / 'c23' / 'videos'
    assert original.filename == str(videos / '000.mp4')
    assert fake.video_id == 'deeperforensics/dfo/released/000_M004'
    assert (fake.target, fake.source) == ('000', 'M004')
    assert fake.filename == str(deeper / 'manipulated_videos/end_to_end_level_5/000_M004.mp4')


def test_own_splits_come_with_a_warning_and_those_of_ffpp_without(deeper, ffpp_originals, log):
    arguments = (str(deeper), [], str(ffpp_originals))
    list_deeperforensics(*arguments)
    (line,) = log
    assert 'set splits_dir to the split files of FF++' in line
    records = list_deeperforensics(*arguments, splits_dir=str(ffpp_originals / 'splits'))
    assert len(log) == 1
    assert by_split(records) == dict(
        train=['000', '000_M004', '001', '001_M005', '002', '002_W101', '003', '003_M006'],
        val=['004', '004_W103', '005', '005_W102'],
        test=['006', '006_M004', '007', '007_M006'],
    )


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('003.mp4', "'003.mp4' is no name of a fake such as"),
        ('end_to_end/003_M006.mp4', 'is no name of a fake'),
        ('000_M006.mp4', 'target 000 is in train.txt as well'),
    ],
)
def test_deeperforensics_wrong_line_is_noted_and_the_others_count(
    deeper, ffpp_originals, line, message
):
    before, faults = list_deeperforensics(str(deeper), [], str(ffpp_originals)), []
    path = deeper / 'lists' / 'splits' / 'test.txt'
    path.write_text(path.read_text() + line)
    assert list_deeperforensics(str(deeper), faults, str(ffpp_originals)) == before
    (fault,) = faults
    assert re.search(message, fault)
    assert f'list {path}, line 4' in fault


def test_deeperforensics_what_is_missing(deeper, ffpp_originals, tmp_path):
    with pytest.raises(MMFakeError, match='say in ffpp_root where they are'):
        list_deeperforensics(str(deeper), [])
    with pytest.raises(MMFakeError, match='no folder .*youtube/c23/videos for Original'):
        list_deeperforensics(str(deeper), [], str(tmp_path))
    with pytest.raises(MMFakeError, match='there is end_to_end, end_to_end_level_5.*another cond'):
        list_deeperforensics(str(deeper), [], str(ffpp_originals), 'end-to-end')
    (deeper / 'lists' / 'splits' / 'val.txt').unlink()
    with pytest.raises(MMFakeError, match=r'splits/val.txt not found'):
        list_deeperforensics(str(deeper), [], str(ffpp_originals))
