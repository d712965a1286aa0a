"""A folder with an index needs nothing else said: the index is found, read and reported."""

import logging

import pytest
from mmengine.logging import MMLogger

from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.datasets.protocol import STATUSES
from mmfake.errors import MMFakeError

UNUSED = STATUSES[1:]


def read(root, split='test', holdout='f2f', **kwargs):
    return FFPPDataset([], split=split, holdout=holdout, data_root=str(root), **kwargs)


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


def test_index_of_the_root_is_read_and_named(small_tree, said):
    plain = infos(read(small_tree.root))
    small_tree.write_index(small_tree.rows())
    for split in ('train', 'val', 'test'):
        (small_tree.root / 'splits' / f'{split}.json').unlink()  # what an index makes unnecessary
    said.clear()
    rows = infos(read(small_tree.root))
    assert rows == [dict(row, frames=40, fps=25.0) for row in plain]
    assert said.messages == [
        'FFPPDataset test, hold-out f2f: 4 videos (2 original, 2 f2f) from '
        f'{small_tree.root / "index.csv"}'
    ]


def test_without_an_index_the_official_folders_are_read(small_tree, said):
    assert 'fps' not in infos(read(small_tree.root))[0]
    assert said.messages[0].endswith(f'from {small_tree.root}')


def test_named_index_goes_before_the_one_of_the_root(small_tree):
    rows = list(small_tree.rows())
    small_tree.write_index(rows)
    other = small_tree.write_index([dict(row, fps='50') for row in rows], name='other.csv')
    assert {row['fps'] for row in infos(read(small_tree.root, ann_file=other))} == {50.0}
    assert {row['fps'] for row in infos(read(small_tree.root))} == {25.0}


def test_root_with_neither_is_one_line(tmp_path):
    with pytest.raises(MMFakeError, match='no dataset: it has neither index.csv, which data_prep'):
        read(tmp_path)


def test_clip_may_be_a_folder_of_pictures_but_must_be_there(small_tree):
    rows = list(small_tree.rows())
    for row in rows:
        row['path'] = f'clips/{row["method"]}/{row["target"]}'
        (small_tree.root / row['path']).mkdir(parents=True, exist_ok=True)
    small_tree.write_index(rows)
    assert len(read(small_tree.root)) == 4
    (small_tree.root / 'clips' / 'f2f' / '008').rmdir()
    with pytest.raises(MMFakeError, match='1 of 4 videos .*clips/f2f/008; complete the dataset'):
        read(small_tree.root)


@pytest.fixture
def unused_tree(make_tree):
    """In test one fake for each status, in train one as well; the files are there all the same."""
    pairs = [[f'{n:03d}', f'{n + 1:03d}'] for n in range(0, 32, 2)]
    tree = make_tree(dict(train=pairs[:4], val=pairs[4:5], test=pairs[5:9]), methods=('df', 'f2f'))
    rows = list(tree.rows(('df', 'f2f')))
    for split, method in (('train', 'df'), ('test', 'f2f')):
        chosen = [r for r in rows if (r['split'], r['method']) == (split, method)]
        for row, status in zip(chosen, UNUSED):
            row.update(status=status, reason=f'why {status}', path='', frames='', fps='')
    tree.write_index(rows)
    return tree


def test_every_status_is_expected_at_the_test_with_its_reason(unused_tree):
    dataset = read(unused_tree.root, methods=['df', 'f2f'])
    assert len(dataset) == 16 - len(UNUSED)
    expected = dataset.metainfo['expected_videos']
    assert len(expected) == 16
    reasons = [video['reason'] for video in expected.values() if 'reason' in video]
    assert reasons == [f'why {status}' for status in UNUSED]
    assert {row['video_id'] for row in infos(dataset)} == {
        name for name, video in expected.items() if 'reason' not in video
    }


def test_training_leaves_them_out_with_one_line_each(unused_tree, said):
    dataset = read(unused_tree.root, 'train', methods=['df', 'f2f'])
    assert len(dataset) == 16 - len(UNUSED)
    index = unused_tree.root / 'index.csv'
    assert said.messages[0] == (
        f"1 of 16 videos of split 'train' in {index} are not used: decode-failed "
        '(ffpp/df/c23/003_002)'
    )
    assert len(said.messages) == len(UNUSED) + 1
    assert said.messages[-1].endswith(f'{index}; {len(UNUSED)} not available')


def test_many_videos_of_one_status_are_one_line(small_tree, said):
    rows = [
        dict(row, status='no-face', reason=f'in 0 of {n} frames') if row['method'] == 'df' else row
        for n, row in enumerate(small_tree.rows())
    ]
    small_tree.write_index(rows)
    assert len(read(small_tree.root, 'train')) == 18
    (line,) = [line for line in said.messages if 'not used' in line]
    assert "6 of 24 videos of split 'train'" in line
    assert 'no-face (ffpp/df/c23/000_001, ' in line
    assert line.endswith('and 1 more)')
