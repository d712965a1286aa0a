import logging
import re
from collections import Counter

import pytest
from mmengine.dataset import ClassBalancedDataset
from mmengine.logging import MMLogger

from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.index import COLUMNS
from mmfake.datasets.protocol import STATUSES
from mmfake.errors import MMFakeError

FOUR = ('df', 'f2f', 'fs', 'nt')


def read(tree, split='train', holdout='f2f', **kwargs):
    return FFPPDataset([], split=split, holdout=holdout, data_root=str(tree.root), **kwargs)


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


@pytest.fixture
def said(caplog):
    """Everything that is logged."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    caplog.handler.setLevel(logging.INFO)
    yield caplog
    logger.removeHandler(caplog.handler)


# ---- Protocol -------------------------------------------------------------------------------


@pytest.mark.parametrize('holdout', FOUR)
def test_counts_and_labels_are_the_papers(full_tree, holdout):
    classes = ('original', *(key for key in FOUR if key != holdout))
    for split, size in (('train', 720), ('val', 140)):
        dataset = read(full_tree, split, holdout)
        rows = [(row['method'], row['label_bin'], row['label_multi']) for row in infos(dataset)]
        assert Counter(rows) == {(m, int(n > 0), n): size for n, m in enumerate(classes)}
        assert dataset.metainfo['multi_classes'] == classes
        assert holdout not in {v['method'] for v in dataset.metainfo['expected_videos'].values()}
    rows = infos(read(full_tree, 'test', holdout))
    assert Counter((row['method'], row['label_bin'], row['label_multi']) for row in rows) == {
        ('original', 0, 0): 140,
        (holdout, 1, -1): 140,
    }


@pytest.mark.parametrize('indexed', [False, True])
def test_rendered_videos_are_a_dataset_of_their_own(small_tree, indexed):
    assert read(small_tree).metainfo['datasets'] == ['ffpp']
    (small_tree.root / 'mini_ffpp.json').write_text('{}')  # which the renderer leaves
    if indexed:
        rows = [dict(row, id=f'mini_{row["id"]}') for row in small_tree.rows()]
        small_tree.write_index(rows)
    for split in ('train', 'val', 'test'):
        dataset = read(small_tree, split)
        assert dataset.metainfo['datasets'] == ['mini_ffpp']
        assert {row['dataset'] for row in infos(dataset)} == {'mini_ffpp'}
        names = {row['video_id'] for row in infos(dataset)}
        assert names == set(dataset.metainfo['expected_videos'])
        assert all(name.startswith('mini_ffpp/') for name in names)


def test_without_hold_out_splits_have_all_methods_and_share_no_video_and_no_person(full_tree):
    videos, people = [], []
    for split, size in (('train', 720), ('val', 140), ('test', 140)):
        rows = infos(read(full_tree, split, None))
        assert Counter(row['label_multi'] for row in rows) == dict.fromkeys(range(5), size)
        videos.append({row['video_id'] for row in rows})
        people.append({row[key] for row in rows for key in ('target', 'source') if row[key]})
    assert len(set.union(*videos)) == sum(map(len, videos)) == 5000
    assert len(set.union(*people)) == sum(map(len, people)) == 1000


def test_whole_ffpp_warns_of_shared_sources(full_tree, log):
    read(full_tree, 'train')
    assert not log
    read(full_tree, 'test')
    (line,) = log
    assert '755 (756 is in val)' in line


def test_shared_sources_are_dropped_from_the_earlier_split(make_tree):
    tree = make_tree(dict(train=[['756', '001']], val=[['003', '004']], test=[['755', '002']]))
    assert len(read(tree)) == 8
    rows = infos(read(tree, drop_shared_sources=True))
    assert [row['video_id'] for row in rows] == ['ffpp/original/c23/001']
    assert len(read(tree, 'test', drop_shared_sources=True)) == 4


def test_sample_has_every_field_of_the_contract(small_tree):
    dataset = read(small_tree, 'val', 'df')
    fake = dataset.get_data_info(1)
    assert fake == dict(
        filename=str(small_tree.path('f2f', '006_007')),
        label=1,
        label_bin=1,
        label_multi=1,
        attributes=(1, 0, 0, 0, 0, 1, 0),  # expression, mouth
        video_id='ffpp/f2f/c23/006_007',
        method='f2f',
        dataset='ffpp',
        compression='c23',
        stem='006_007',
        target='006',
        source='007',
        sample_idx=1,
        modality='RGB',
        start_index=0,
    )
    assert dataset.get_data_info(0)['source'] == ''
    assert dataset.get_data_info(0)['attributes'] == (0,) * 7


def test_metainfo_lists_the_protocol(small_tree):
    meta = read(small_tree, 'test', 'nt').metainfo
    assert meta['classes'] == ('original', 'manipulated')
    assert meta['multi_classes'] == ('original', 'df', 'f2f', 'fs')
    assert meta['expected_videos'] == {
        'ffpp/original/c23/008': dict(method='original', label=0),
        'ffpp/original/c23/009': dict(method='original', label=0),
        'ffpp/nt/c23/008_009': dict(method='nt', label=1),
        'ffpp/nt/c23/009_008': dict(method='nt', label=1),
    }


def test_faceshifter_is_read_when_named(make_tree):
    tree = make_tree(methods=('df', 'fsh'))
    rows = infos(read(tree, 'test', 'fsh', methods=['df', 'fsh']))
    assert {row['method'] for row in rows} == {'original', 'fsh'}
    rows = infos(read(tree, 'train', 'df', methods=['df', 'fsh']))
    assert {(row['method'], row['label_multi']) for row in rows} == {('original', 0), ('fsh', 1)}
    assert {row['method'] for row in rows if 'attributes' in row} == {'original'}  # no key


@pytest.mark.parametrize('spelling', ['raw', 'c0'])
@pytest.mark.parametrize('asked', ['raw', 'c0'])
def test_raw_and_c0_are_one(make_tree, spelling, asked):
    row = read(make_tree(compression=spelling), compression=asked).get_data_info(0)
    assert row['video_id'] == 'ffpp/original/raw/000'
    assert f'/{spelling}/' in row['filename']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(split='dev'), "unknown split 'dev'"),
        (dict(holdout='x'), "unknown manipulation 'x'"),
        (dict(holdout='fsh'), "holdout 'fsh' is not among the methods"),
        (dict(methods=['df', 'y']), "unknown manipulation 'y'"),
        (dict(compression='c1'), "unknown compression 'c1'"),
        (dict(compression='c40'), 'no folder .*c40/videos'),
        (dict(missing='ignore'), "unknown missing 'ignore': choose error or skip"),
        (dict(splits_dir='/nowhere'), 'split file /nowhere/train.json not found'),
        (dict(ann_file='no.csv'), r'index .*ffpp/no.csv \(ann_file\) not found'),
    ],
)
def test_wrong_argument_is_one_line(small_tree, arguments, message):
    with pytest.raises(MMFakeError, match=message) as caught:
        read(small_tree, **arguments)
    assert '\n' not in str(caught.value)


def test_missing_root_is_named_before_anything_in_it(tmp_path):
    with pytest.raises(MMFakeError, match='data_root .*nothing is not a folder'):
        FFPPDataset([], data_root=str(tmp_path / 'nothing'))
    with pytest.raises(MMFakeError, match='no dataset: it has neither index.csv, which data_prep'):
        FFPPDataset([], data_root=str(tmp_path))


# ---- Index ----------------------------------------------------------------------------------


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_index_of_the_root_is_found_and_gives_the_samples_of_the_tree(small_tree, said, split):
    plain = read(small_tree, split)
    assert said.messages[0].endswith(f'from {small_tree.root}')
    assert 'fps' not in plain.get_data_info(0)
    small_tree.write_index(reversed(list(small_tree.rows())))
    for path in (small_tree.root / 'splits').iterdir():
        path.unlink()  # what an index makes unnecessary
    said.clear()
    dataset = read(small_tree, split)
    assert infos(dataset) == [dict(row, frames=40, fps=25.0) for row in infos(plain)]
    counts = Counter(row['method'] for row in infos(plain))
    parts = ', '.join(f'{n} {method}' for method, n in counts.items())
    assert said.messages == [
        f'FFPPDataset {split}, hold-out f2f: {len(plain)} videos ({parts}) from '
        f'{small_tree.root / "index.csv"}'
    ]


def test_named_index_goes_before_the_one_of_the_root(small_tree):
    rows = list(small_tree.rows())
    small_tree.write_index(rows)
    other = small_tree.write_index([dict(row, fps='50') for row in rows], name='other.csv')
    assert {row['fps'] for row in infos(read(small_tree, ann_file=other))} == {50.0}
    assert {row['fps'] for row in infos(read(small_tree))} == {25.0}


def test_index_elsewhere_is_read_relative_to_its_own_folder(small_tree, tmp_path):
    path = str(small_tree.root / small_tree.write_index(small_tree.rows()))
    dataset = FFPPDataset([], ann_file=path, data_root=str(tmp_path / 'nothing'))
    assert dataset.get_data_info(0)['filename'] == str(small_tree.path('original', '000'))


# ---- Videos that are not used, or not there -------------------------------------------------


@pytest.fixture
def unused_tree(make_tree):
    """In test one fake for each status, in train one as well; the files are there all the same."""
    pairs = [[f'{n:03d}', f'{n + 1:03d}'] for n in range(0, 32, 2)]
    tree = make_tree(dict(train=pairs[:4], val=pairs[4:5], test=pairs[5:9]), methods=('df', 'f2f'))
    rows = list(tree.rows(('df', 'f2f')))
    for split, method in (('train', 'df'), ('test', 'f2f')):
        chosen = [r for r in rows if (r['split'], r['method']) == (split, method)]
        for row, status in zip(chosen, STATUSES[1:]):
            row.update(status=status, reason=f'why {status}', path='', frames='', fps='')
    tree.write_index(rows)
    return tree


def test_the_ways_in_which_faces_were_cut_out_are_kept_and_told(small_tree, said):
    assert read(small_tree).metainfo['crops'] == []  # an official tree does not tell
    rows = [dict(row, detector='centerface', margin='1.3', size='160') for row in small_tree.rows()]
    small_tree.write_index(rows, header=[*COLUMNS, 'detector', 'margin', 'size'])
    assert read(small_tree).metainfo['crops'] == [('centerface', 1.3, 160)]
    assert 'cut out' not in said.text
    rows[0].update(margin='2')
    small_tree.write_index(rows, header=[*COLUMNS, 'detector', 'margin', 'size'])
    assert read(small_tree).metainfo['crops'] == [
        ('centerface', 1.3, 160),
        ('centerface', 2.0, 160),
    ]
    assert (
        'has faces cut out in 2 ways (centerface with margin 1.3, centerface with margin 2'
        in said.text
    )


def test_clips_that_were_exchanged_after_the_preparation_are_told(small_tree, log):
    meta = read(small_tree).metainfo
    assert set(meta['clip_sizes']) == set(meta['expected_videos'])
    rows = list(small_tree.rows())
    for number, row in enumerate(rows):
        (small_tree.root / row['path']).write_bytes(b'0' * (1000 + number))
    small_tree.write_index(rows)  # of an earlier version
    assert read(small_tree).metainfo['clip_sizes']['ffpp/original/c23/000'] == 1000
    rows = [dict(row, clip_bytes=1000 + number) for number, row in enumerate(rows)]
    rows[6]['clip_bytes'] = ''
    small_tree.write_index(rows, header=[*COLUMNS, 'clip_bytes'])
    dataset = read(small_tree)
    assert dataset.clip_sizes() == dataset.metainfo['clip_sizes']
    assert log == []
    # one of the training, one whose size is not known, one of the test
    for number in (0, 6, -1):
        (small_tree.root / rows[number]['path']).write_bytes(b'0')
    read(small_tree)
    assert len(log) == 1
    told = "'train' in .*: 1 of 23 clips .*original/c23/000 has 1 bytes, and had 1,000.: run data"
    assert re.search(told, log[0])


def test_every_status_is_expected_at_the_test_with_its_reason(unused_tree):
    dataset = read(unused_tree, 'test', methods=['df', 'f2f'])
    expected = dataset.metainfo['expected_videos']
    assert (len(dataset), len(expected)) == (16 - len(STATUSES[1:]), 16)
    reasons = [video['reason'] for video in expected.values() if 'reason' in video]
    assert reasons == [f'why {status}' for status in STATUSES[1:]]
    used = {name for name, video in expected.items() if 'reason' not in video}
    assert {row['video_id'] for row in infos(dataset)} == used


def test_training_leaves_them_out_with_one_line_for_each_status(unused_tree, said):
    dataset = read(unused_tree, methods=['df', 'f2f'])
    assert len(dataset) == 16 - len(STATUSES[1:])
    index = unused_tree.root / 'index.csv'
    assert said.messages[0] == (
        f"1 of 16 videos of split 'train' in {index} are not used: decode-failed "
        '(ffpp/df/c23/003_002)'
    )
    assert len(said.messages) == len(STATUSES)
    assert said.messages[-1].endswith(f'{index}; {len(STATUSES[1:])} not available')


def test_many_videos_of_one_status_are_one_line(small_tree, said):
    unused = dict(status='no-face', reason='in 0 of 9 frames')
    rows = [dict(r, **unused) if r['method'] == 'df' else r for r in small_tree.rows()]
    small_tree.write_index(rows)
    assert len(read(small_tree)) == 18
    (line,) = [line for line in said.messages if 'not used' in line]
    assert "6 of 24 videos of split 'train'" in line
    assert 'no-face (ffpp/df/c23/000_001, ' in line
    assert line.endswith('and 1 more)')
    warned = [record.message for record in said.records if record.levelname == 'WARNING']
    (told,) = warned
    assert f'{small_tree.root / "index.csv"} has no usable video of df: take it out of' in told


def test_a_half_prepared_dataset_is_told(small_tree, log):
    unmade = dict(status='missing', reason='not prepared yet: run it again', path='')
    rows = [dict(row, **unmade) if row['target'] == '000' else row for row in small_tree.rows()]
    small_tree.write_index(rows)
    assert len(read(small_tree)) == 20
    (line,) = log
    assert "4 of 24 videos of split 'train'" in line
    assert line.endswith('; complete the dataset and prepare it to its end')


def test_missing_videos_stop_the_run_and_name_five(small_tree):
    names = ['000_001', '001_000', '002_003', '003_002', '004_005', '005_004']
    for stem in names:
        small_tree.path('df', stem).unlink()
    with pytest.raises(MMFakeError) as caught:
        read(small_tree)
    message = str(caught.value)
    assert "6 of 24 videos of split 'train'" in message
    assert all(str(small_tree.path('df', stem)) in message for stem in names[:5])
    assert '005_004' not in message
    assert 'and 1 more; complete the dataset, or leave them out with --cfg-options ' in message
    assert '\n' not in message
    assert len(read(small_tree, holdout='df')) == 24, 'the held-out method is not looked at'


@pytest.mark.parametrize('indexed', [False, True])
def test_skipped_videos_are_expected_but_no_samples(small_tree, log, indexed):
    if indexed:
        small_tree.write_index(small_tree.rows())
    small_tree.path('f2f', '008_009').unlink()
    where = 'index.csv' if indexed else small_tree.root.name
    with pytest.raises(MMFakeError, match=f'1 of 4 videos .*{where} are missing'):
        read(small_tree, 'test')
    dataset = read(small_tree, 'test', missing='skip')
    assert [row['stem'] for row in infos(dataset)] == ['008', '009', '009_008']
    expected = dataset.metainfo['expected_videos']
    assert len(expected) == 4
    assert expected['ffpp/f2f/c23/008_009'] == dict(method='f2f', label=1, reason='file not found')
    (line,) = log
    assert '1 of 4 videos' in line
    assert line.endswith('they are skipped')


def test_clip_may_be_a_folder_of_pictures_but_must_be_there(small_tree):
    rows = [dict(r, path=f'clips/{r["method"]}/{r["target"]}') for r in small_tree.rows()]
    for row in rows:
        (small_tree.root / row['path']).mkdir(parents=True, exist_ok=True)
    small_tree.write_index(rows)
    assert len(read(small_tree, 'test')) == 4
    (small_tree.root / 'clips' / 'f2f' / '008').rmdir()
    with pytest.raises(MMFakeError, match='1 of 4 videos .*clips/f2f/008; complete the dataset'):
        read(small_tree, 'test')


def test_nothing_left_is_an_error_even_when_skipping(small_tree):
    for method in ('original', 'f2f'):
        for path in small_tree.path(method, 'x').parent.iterdir():
            path.unlink()
    with pytest.raises(MMFakeError, match=r"none of the 4 videos of split 'test' in .*available"):
        read(small_tree, 'test', missing='skip')


def test_a_class_balanced_dataset_knows_originals_and_fakes(small_tree):
    dataset = ClassBalancedDataset(read(small_tree, 'train'), oversample_thr=0.5)
    labels = Counter(dataset.get_data_info(index)['label_bin'] for index in range(len(dataset)))
    assert labels[0] > Counter(row['label_bin'] for row in infos(dataset.dataset))[0]
