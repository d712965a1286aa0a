"""Pictures of DF40 are indexed where they are, read in their order, and refused as clips."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from mmaction.datasets import transforms  # noqa: F401 (fills the registry)

from data_prep import check_index, prepare_dataset
from mmfake.datasets import transforms as own_transforms  # noqa: F401
from mmfake.datasets.ffpp_dataset import FFPPDataset
from mmfake.errors import MMFakeError

NUMBERS = (0, 9, 100)


@pytest.fixture
def df40(bench):
    """Two originals and three fakes, of which one lacks a picture and one lacks them all."""
    real, fake = 'FaceForensics++/original_sequences/youtube/c23/frames', 'DF40/simswap/ff/frames'
    videos = [('simswap_Real', 'test', (), name, f'{real}/{name}') for name in ('001', '002')]
    videos += [
        ('simswap_Fake', 'test', (), name, f'{fake}/{name}') for name in ('1_2', '2_1', '3_1')
    ]
    root = bench('simswap_ff', videos, NUMBERS, side=32)
    (root / fake / '2_1' / '009.png').unlink()
    shutil.rmtree(root / fake / '3_1')
    return root


@pytest.fixture
def prepare(df40, tmp_path, capfd):
    """Run the command; gives its exit status and what it printed."""

    def run(*words):
        out = ('--root', str(df40), '--out', str(tmp_path / 'out'))
        status = prepare_dataset.main(['--dataset', 'df40', *out, *words])
        return status, capfd.readouterr().out

    return run


def _dataset(root, clip_len, **kwargs):
    pipeline = [
        dict(type='mmfake.VideoInit'),
        dict(type='SampleFrames', clip_len=clip_len, num_clips=3 // clip_len, test_mode=True),
        dict(type='DecordDecode'),
    ]
    settings = dict(methods=['df40'], holdout='df40', compression='released', split='test')
    return FFPPDataset(pipeline=pipeline, data_root=str(root), test_mode=True, **settings, **kwargs)


def test_what_is_absent_is_counted_and_the_status_says_so(prepare, tmp_path):
    status, said = prepare('--dry-run')
    assert (status, said) == (0, '5 videos: 4 with pictures, 1 missing\n')
    assert not (tmp_path / 'out').exists()
    status, said = prepare()
    assert status == 3
    assert [line.split() for line in said.splitlines()[1:5]] == [
        ['method', 'split', 'expected', 'used', 'missing'],
        ['Original', 'test', '2', '2', '0'],
        ['DF40', 'test', '3', '2', '1'],
        ['all', '5', '4', '1'],
    ]
    assert '11 pictures, 2 to 3 a video; of 4 videos they do not follow one another' in said
    assert 'why 1 are not used: its column reason; 1 lack some of their pictures' in said
    index = pd.read_csv(tmp_path / 'out' / 'index.csv', dtype=str, keep_default_na=False)
    index = index.set_index('id')
    part = index.loc['df40/df40/released/simswap-ff-2_1']
    assert tuple(part[['status', 'frames', 'sparse']]) == ('used', '2', 'yes')
    assert part.reason == '1 of its 3 pictures are not there or empty'
    lost = index.loc['df40/df40/released/simswap-ff-3_1']
    assert tuple(lost[['status', 'path', 'sparse']]) == ('missing', '', '')
    assert lost.reason.startswith('none of its 3 pictures is there')


def test_whole_is_status_0_twice_the_same_and_passes_the_audit(
    prepare, df40, tmp_path, contents, capfd
):
    path = df40 / 'dataset_json' / 'simswap_ff.json'
    content = json.loads(path.read_text())
    for name in ('2_1', '3_1'):
        del content['simswap_ff']['simswap_Fake']['test'][name]
    path.write_text(json.dumps(content))
    assert prepare()[0] == 0
    first = contents(tmp_path / 'out')
    assert prepare()[0] == 0
    assert contents(tmp_path / 'out') == first
    assert len(first) == 5  # the log is not counted, .index.lock is
    words = [str(tmp_path / 'out' / 'index.csv'), '--jobs', '1']
    assert not check_index.main(words)
    capfd.readouterr()
    picture = next(df40.rglob('001/009.png'))
    picture.write_bytes(picture.read_bytes()[:50])
    with pytest.raises(SystemExit):
        check_index.main(words)
    assert 'frame 1: 009.png cannot be decoded' in capfd.readouterr().out


def test_single_frames_are_read_in_their_order_and_clips_refused(prepare, tmp_path):
    prepare()
    root = tmp_path / 'out'
    dataset = _dataset(root, clip_len=1)
    dataset.full_init()
    assert len(dataset) == 4
    ids = [dataset.get_data_info(number)['video_id'] for number in range(4)]
    sample = dataset[ids.index('df40/original/released/001')]
    assert [int(np.median(picture)) for picture in sample['imgs']] == list(NUMBERS)
    reason = dataset.metainfo['expected_videos']['df40/df40/released/simswap-ff-3_1']['reason']
    assert reason.startswith('none of its 3 pictures')
    with pytest.raises(MMFakeError, match='4 of 4 videos .* are single frames.*sparse=True') as one:
        _dataset(root, clip_len=3).full_init()
    assert '\n' not in str(one.value)
    dataset = _dataset(root, clip_len=3, sparse=True)
    dataset.full_init()
    assert [int(np.median(picture)) for picture in dataset[0]['imgs']] == list(NUMBERS)
    # two frames are no clip of three, asked for or not
    short = dataset[ids.index('df40/df40/released/simswap-ff-2_1')]
    assert {int(picture.max()) for picture in short['imgs']} == {0}


def test_options_of_whole_videos_and_folders_of_clips_are_refused(prepare, tmp_path):
    for words in (['--size', '32'], ['--own-track'], ['--shard', '1/2']):
        with pytest.raises(MMFakeError, match=f'{words[0]} is for whole videos: pictures of'):
            prepare(*words)
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'index.csv').write_text('id,path,method\n')
    with pytest.raises(MMFakeError, match='is of a dataset of clips: choose another --out'):
        prepare()
