"""The command that judges videos, run as a user runs it."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfake.apis.detect import detect_videos
from mmfake.datasets.clip_size import set_clip_size
from mmfake.errors import MMFakeError

ROOT = Path(__file__).parents[2]
DETECT, TEST = ROOT / 'tools' / 'detect.py', ROOT / 'tools' / 'test.py'
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """Random weights, sharpened so that scores differ."""
    init_default_scope('mmaction')
    cfg = Config.fromfile(str(CONFIG))
    set_clip_size(cfg, clip_len=8, image_size=32)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    with torch.no_grad():
        model.cls_head.layers[-1].weight.mul_(40)
    path = tmp_path_factory.mktemp('weights') / 'random.pth'
    torch.save(dict(meta=dict(val_threshold=0.75), state_dict=model.state_dict()), path)
    return path


@pytest.fixture
def options(checkpoint, smoke):
    return ['--config', CONFIG, '--checkpoint', checkpoint, '--scale', smoke]


@pytest.fixture
def detect(options):
    """Run the command in this process."""

    def run(*words):
        return detect_videos([str(word) for word in (*words, *options)])

    return run


def test_scores_are_those_of_the_test(command, tiny_tree, options, checkpoint, smoke, tmp_path):
    scores = tmp_path / 'scores.csv'
    where = ['--scale', smoke, '--work-dir', tmp_path / 'work', '--scores', scores]
    done = command('python', TEST, CONFIG, checkpoint, *where)
    assert done.returncode == 0, done.stderr
    expected = {
        tuple(row['video'].split('/')[1::2]): float(row['score'])
        for row in csv.DictReader(scores.open())
    }
    assert len({round(score, 4) for score in expected.values()}) == 4

    out = tmp_path / 'out'
    words = ['--no-face', '--batch', '5', '--out', out]
    folders = [
        tiny_tree / 'original_sequences',
        tiny_tree / 'manipulated_sequences' / 'Face2Face',
    ]
    done = command('python', DETECT, *folders, *words, *options)
    assert done.returncode == 0, done.stderr
    assert 'Traceback' not in done.stderr
    assert 'scored 16 of 16 videos' in done.stdout
    assert 's per minute of video: decode' in done.stdout
    assert 'imports ' in done.stdout
    found = {}
    for video in json.loads((out / 'results.json').read_text())['predictions']:
        path = Path(video['video'])
        method = 'f2f' if 'Face2Face' in path.parts else 'original'
        found[method, path.stem] = video['probability']
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-5)


def test_fifty_files_of_which_three_are_broken(detect, tiny_tree, tmp_path, capsys):
    (video, *_) = sorted(tiny_tree.rglob('*.mp4'))
    folder = tmp_path / 'films'
    folder.mkdir()
    for number in range(47):
        shutil.copy(video, folder / f'{number:02d}.mp4')
    (folder / '10x.mp4').write_bytes(b'')
    (folder / '20x.mp4').write_bytes(b'no video at all')
    (folder / '47.mp4').write_bytes(video.read_bytes()[:600])
    assert detect(folder, '--no-face', '--batch', 64, '--out', tmp_path / 'out') == 1
    printed = capsys.readouterr().out
    assert 'scored 47 of 50 videos' in printed
    listed = printed.split('not scored: 3')[1].splitlines()[1:4]
    for line, name in zip(listed, ('10x.mp4', '20x.mp4', '47.mp4')):
        assert line.startswith('  decode-failed: ')
        assert f'{name} (' in line
    rows = list(csv.DictReader((tmp_path / 'out' / 'results.csv').open()))
    assert len(rows) == 50
    assert [Path(row['video']).name for row in rows if row['verdict'] == 'abstain'] == [
        *('10x.mp4', '20x.mp4', '47.mp4')
    ]
    assert len({row['probability'][:6] for row in rows}) == 2  # of the good ones, and none


def test_where_the_threshold_comes_from(detect, tiny_tree, tmp_path, capsys):
    (video, *_) = sorted(tiny_tree.rglob('*.mp4'))
    for words, told in (
        ([], 'threshold 0.750, chosen on validation'),
        (['--threshold', 'val'], 'threshold 0.750, chosen on validation'),
        (['--threshold', '0.2'], 'threshold 0.200, given'),
    ):
        assert detect(video, '--no-face', '--out', tmp_path / 'out', *words) == 0
        assert told in capsys.readouterr().out


def test_wrong_usage(command, detect, options, tmp_path):
    done = command('python', DETECT, tmp_path, '--no-face', *options)
    assert done.returncode == 2
    assert 'Traceback' not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith('error: '))
    assert 'no video in this folder' in line
    with pytest.raises(MMFakeError, match='nowhere.pth: no such checkpoint file'):
        detect_videos(['x.mp4', '--config', str(CONFIG), '--checkpoint', 'nowhere.pth'])
    with pytest.raises(SystemExit, match='2'):
        detect_videos(['x.mp4'])
    with pytest.raises(SystemExit, match='0'):
        detect_videos(['--help'])
