"""Lists of DeepfakeBench and DF40: the same index as other listings, and what is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from data_prep.listings.deepfakebench import list_deepfakebench, list_df40
from data_prep.listings.list_dataset import list_dataset
from mmfake.errors import MMFakeError


def identity(records):
    """What an index says of a video, but where it is."""
    return {
        (r.video_id, r.method, r.compression, r.target, r.source, r.split, r.status)
        for r in records
    }


# ---- the same index as the listing of the dataset itself


def _frames(record, root):
    """Where DeepfakeBench puts the pictures of a video: videos/ becomes frames/."""
    folder = Path(record.filename).relative_to(root)
    parent = folder.parent.with_name('frames') if folder.parent.name == 'videos' else folder.parent
    return f'{parent.as_posix()}/{record.stem.split("-")[-1]}'


def test_ffpp_with_the_compression_is_the_tree_of_ffpp(small_tree, bench):
    wanted = list_dataset('ffpp', str(small_tree.root))
    labels = dict(original='FF-real', df='FF-DF', f2f='FF-F2F', fs='FF-FS', nt='FF-NT')
    videos = [
        (labels[r.method], r.split, ('c23',), r.stem, _frames(r, small_tree.root)) for r in wanted
    ]
    other = [(label, split, ('c40',), *rest) for label, split, _, *rest in videos[:6]]
    for method in ('DF', 'F2F', 'FS', 'NT'):  # the originals are in each of the four
        some = [video for video in videos if video[0] in ('FF-real', f'FF-{method}')]
        root = bench(f'FF-{method}', some + other)
    found = list_dataset('deepfakebench', str(root))
    assert identity(found) == identity(wanted)
    assert {len(record.pictures) for record in found} == {3}
    # the level may be told by the path alone
    bench('FaceForensics++', [(a, b, (), *rest) for a, b, _, *rest in videos], root='flat')
    assert identity(list_deepfakebench(str(root.parent / 'flat'), [])) == identity(wanted)
    with pytest.raises(MMFakeError, match='no video of compression raw: choose one of c23, c40'):
        list_deepfakebench(str(root), [], compression='c0')
    assert {r.compression for r in list_deepfakebench(str(root), [], compression='c40')} == {'c40'}


def test_celebdf_whose_test_is_in_train_and_val_too_is_split_as_its_own_list(celeb, bench, log):
    wanted = list_dataset('celebdf2', str(celeb))
    videos = [
        (
            'CelebDFv2_fake' if r.label_bin else 'CelebDFv2_real',
            split,
            (),
            r.stem,
            _frames(r, celeb),
        )
        for r in wanted
        for split in (['train', 'val', 'test'] if r.split == 'test' else ['train'])
    ]
    root = bench('Celeb-DF-v2', videos)
    log.clear()
    assert identity(list_dataset('deepfakebench', str(root))) == identity(wanted)
    assert log[0].startswith('3 videos are in several splits')
    assert 'test has 2 of 178 originals, test has 1 of 340 fakes' in log[1]


def test_celebdf_plus_with_the_generator(celeb_plus, bench):
    wanted = list_dataset('celebdfpp', str(celeb_plus))
    for above in (lambda r: Path(r.filename).parts[-2:-1], lambda r: Path(r.filename).parts[-3:-1]):
        videos = [
            (
                f'CelebDFv3_{"fake" if r.label_bin else "real"}',
                r.split,
                above(r) if r.label_bin else (),
                r.stem.split('-')[-1],
                _frames(r, celeb_plus),
            )
            for r in wanted
        ]
        root = bench('Celeb-DF-v3', videos)
        assert identity(list_deepfakebench(str(root), [])) == identity(wanted)


def test_dfd_where_all_splits_are_the_same(dfd, bench):
    wanted = list_dataset('dfd', str(dfd))
    videos = [
        ('DFD_fake' if r.label_bin else 'DFD_real', split, ('c23',), r.stem, _frames(r, dfd))
        for r in wanted
        for split in ('test', 'train', 'val')
    ]
    assert identity(list_deepfakebench(str(bench('DeepFakeDetection', videos)), [])) == identity(
        wanted
    )


def test_other_sets(bench):
    root = bench(
        'DFDCP',
        [
            ('DFDCP_Real', 'test', (), '1_A_001', 'DFDCP/original_videos/frames/1_A_001'),
            ('DFDCP_FakeA', 'test', (), '2_1_A_001', 'DFDCP/method_A/frames/2_1_A_001'),
            ('DFDCP_FakeB', 'test', (), '2_1_A_001', 'DFDCP/method_B/frames/2_1_A_001'),
        ],
    )
    assert [record.video_id for record in list_deepfakebench(str(root), [])] == [
        'dfdc_preview/original/released/1_A_001',
        'dfdc_preview/dfdcp/released/method_A_2_1_A_001',
        'dfdc_preview/dfdcp/released/method_B_2_1_A_001',
    ]
    root = bench('UADFV', [('UADFV_Fake', 'test', (), '0001_fake', 'UADFV/fake/frames/0001_fake')])
    with pytest.raises(MMFakeError, match=r'several datasets \(dfdc_preview, uadfv\): give those'):
        list_deepfakebench(str(root), [])
    (record,) = list_deepfakebench(str(root), [], [str(root / 'dataset_json' / 'UADFV.json')])
    assert (record.video_id, record.target) == ('uadfv/fake/released/0001_fake', '?')


# ---- DF40


def test_df40_names_its_fakes_by_their_folders_and_takes_each_once(bench):
    real = ('simswap_Real', 'test', (), '001', 'FaceForensics++/original_sequences/c23/frames/001')
    one = ('simswap_Fake', 'test', (), '001_870', 'DF40/simswap/ff/frames/001_870')
    train = ('simswap_Fake', 'train', (), '005_010', 'DF40_train/simswap/frames/005_010')
    bench('simswap_ff', [real, one, train])
    bench('e4s_ff', [('e4s_Fake', 'test', (), '001_870', 'DF40/e4s/ff/frames/001_870')])
    bench('StyleGAN2_ff', [('StyleGAN2_Fake', 'test', (), '001', 'DF40/StyleGAN2/ff/001')])
    # its own originals, whose names are those of others; and all once more, found elsewhere
    bench('heygen', [('heygen_Real', 'test', (), '001', 'DF40/heygen/real/frames/001')])
    other = [('FSAll_Real', *real[1:]), ('FSAll_Fake', *one[1:])]
    root = bench('FSAll_ff', other, prefix='/home/x/deepfakes_detection_datasets')
    faults = []
    records = list_df40(str(root), faults)
    assert not faults
    assert {(r.method, r.compression, r.stem, r.split) for r in records} == {
        ('original', 'released', '001', 'test'),
        ('original', 'released', 'heygen-real-001', 'test'),
        ('df40', 'released', 'simswap-ff-001_870', 'test'),
        ('df40', 'released', 'simswap-005_010', 'train'),
        ('df40', 'released', 'e4s-ff-001_870', 'test'),
        ('df40', 'released', 'StyleGAN2-ff-001', 'test'),
    }
    assert len(records) == 6


def test_videos_of_one_picture_in_one_folder(bench):
    root = bench('e4e_ff', [('e4e_Fake', 'test', (), 'x', 'DF40/e4e/ff/inversions')])
    path = root / 'dataset_json' / 'e4e_ff.json'
    frames = [f'datasets/DF40/e4e/ff/inversions/{number}.png' for number in ('000', '010')]
    videos = {name[-7:-4]: dict(label='e4e_Fake', frames=[name]) for name in frames}
    path.write_text(json.dumps({'e4e_ff': {'e4e_Fake': {'test': videos}}}))
    records = list_df40(str(root), [])
    assert [(r.stem, r.frames) for r in records] == [
        ('e4e-ff-inversions-000', 1),
        ('e4e-ff-inversions-010', 1),
    ]


# ---- pictures


@pytest.mark.parametrize(
    ('numbers', 'sparse'),
    [((3, 4, 5), False), ((0, 9, 18), True), ((7,), False), ((1, 2, 4), True)],
)
def test_sparse_pictures_are_told_in_the_order_of_their_numbers(bench, numbers, sparse):
    root = bench('UADFV', [('UADFV_Real', 'test', (), 'a', 'UADFV/real/frames/a')], numbers)
    (record,) = list_deepfakebench(str(root), [])
    assert record.sparse == sparse
    assert [int(Path(path).stem) for path in record.pictures] == list(numbers)


def test_numbers_without_zeros_are_sorted_as_numbers(bench):
    root = bench('UADFV', [('UADFV_Real', 'test', (), 'a', 'UADFV/real/frames/a')], (8, 9, 10))
    for old in (root / 'UADFV/real/frames/a').iterdir():
        old.rename(old.with_name(f'frame_{int(old.stem)}.PNG'))
    path = root / 'dataset_json' / 'UADFV.json'
    content = json.loads(path.read_text())
    content['UADFV']['UADFV_Real']['test']['a']['frames'] = [
        rf'D:\x\UADFV\real\frames\a\frame_{number}.PNG' for number in (10, 8, 9)
    ]
    path.write_text(json.dumps(content))
    (record,) = list_deepfakebench(str(root), [])
    assert [Path(p).stem for p in record.pictures] == ['frame_8', 'frame_9', 'frame_10']
    assert not record.sparse


def test_what_is_absent_or_empty_has_a_reason(bench, log):
    names = ('whole', 'part', 'nothing', 'empty', 'unlisted')
    videos = [('UADFV_Real', 'test', (), name, f'UADFV/real/frames/{name}') for name in names]
    root = bench('UADFV', videos)
    frames = root / 'UADFV' / 'real' / 'frames'
    (frames / 'part' / '010.png').unlink()
    (frames / 'part' / '020.png').write_bytes(b'')
    for path in (frames / 'nothing').iterdir():
        path.unlink()
    (frames / 'nothing').rmdir()
    for path in (frames / 'empty').iterdir():
        path.write_bytes(b'')
    path = root / 'dataset_json' / 'UADFV.json'
    content = json.loads(path.read_text())
    content['UADFV']['UADFV_Real']['test']['unlisted']['frames'] = []
    path.write_text(json.dumps(content))
    records = {r.stem: r for r in list_dataset('deepfakebench', str(root))}
    assert {name: (r.status, r.frames) for name, r in records.items()} == dict(
        whole=('used', 3),
        part=('used', 1),
        nothing=('missing', None),
        empty=('missing', None),
        unlisted=('missing', None),
    )
    assert records['part'].reason == '2 of its 3 pictures are not there or empty'
    assert records['nothing'].reason.startswith('none of its 3 pictures is there')
    assert records['unlisted'].reason == 'its list of pictures is empty'
    (line,) = log
    assert line.startswith('1 videos have fewer pictures than their lists name')


def test_two_videos_of_one_name_are_both_told(bench):
    real = [('UADFV_Real', 'test', (), '1', f'UADFV/{folder}/frames/1') for folder in 'ab']
    bench('UADFV', real[:1])
    root = bench('UADFV', real[1:], list='again')
    faults = []
    (record,) = list_dataset('deepfakebench', str(root), faults=faults)
    assert record.filename == str(root / 'UADFV/a/frames/1')
    (fault,) = faults
    assert fault.startswith(f'{root}/UADFV/b/frames/1 has the id of {root}/UADFV/a/frames/1')


# ---- lists that are none


GOOD = dict(label='X_Real', frames=['X/real/frames/a/000.png'])


@pytest.mark.parametrize(
    ('label', 'videos', 'message'),
    [
        ('X_Real', dict(GOOD), 'X_Real, test: there are pictures without the name of a video'),
        ('X_Real', dict(b='x'), "X_Real, test: 'b' is neither a video nor a folder of videos"),
        ('X_Real', dict(b=dict(GOOD, label='X_Fake')), "test, b: label 'X_Fake' contradicts 'X_R"),
        ('X_Real', dict(b=dict(GOOD, label=1)), 'label 1 contradicts'),
        ('X_Other', dict(b=dict(GOOD, label='X_Other')), "'X_Other' says neither real nor fake"),
        ('X_Real', dict(b=dict(GOOD, frames=[1])), 'test, b: its frames are no paths'),
        ('X_Real', {'../b': GOOD}, 'is no name of a video'),
        ('X_Real', [], 'X_Real, test is no split with videos'),
    ],
)
def test_a_wrong_entry_is_noted_and_the_others_count(bench, label, videos, message):
    root = bench('X', [('X_Real', 'test', (), 'a', 'X/real/frames/a')], list='good')
    path = root / 'dataset_json' / 'wrong.json'
    path.write_text(json.dumps({'X': {label: {'test': videos}}}))
    faults = []
    assert [r.stem for r in list_deepfakebench(str(root), faults)] == ['a']
    (fault,) = faults
    assert re.search(message, fault)
    assert fault.startswith(f'list {path}')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{', 'cannot be read as JSON'),
        ('[]', 'is none of DeepfakeBench'),
        ('{"a.mp4": {"label": "FAKE"}}', 'is none of DeepfakeBench'),
        ('{"X": {"DFD_fake": {"dev": {}}}}', 'lists no video: list .* dev is no split with videos'),
    ],
)
def test_a_list_that_is_none_is_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(MMFakeError, match='no list in .*dataset_json: put the JSON files'):
        list_dataset('deepfakebench', str(tmp_path))
    path = tmp_path / 'some.json'
    path.write_text(text)
    with pytest.raises(MMFakeError, match=message) as caught:
        list_dataset('deepfakebench', str(tmp_path), lists=[str(path)])
    assert '\n' not in str(caught.value)


def test_a_label_of_another_dataset_in_a_list_of_ffpp(bench):
    root = bench('FaceForensics++', [('DFD_fake', 'test', ('c23',), '1', 'x/c23/frames/1')])
    with pytest.raises(MMFakeError, match="label 'DFD_fake' is none of FaceForensics"):
        list_dataset('deepfakebench', str(root))
