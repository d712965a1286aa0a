"""The command that judges videos, run as a user runs it."""

import csv
import json
import resource
import shutil
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmfake.datasets.clip_size import set_clip_size
from tools.detect import main

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
        return main([str(word) for word in (*words, *options)])

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
    words = ['--no-face', '--batch', '5', '--verbose', '--out', out]
    folders = [
        tiny_tree / 'original_sequences',
        tiny_tree / 'manipulated_sequences' / 'Face2Face',
    ]
    done = command('python', '-u', DETECT, *folders, *words, *options)  # by itself
    assert done.returncode == 0, done.stderr
    assert 'Traceback' not in done.stderr
    assert 'scored 16 of 16 videos' in done.stdout
    assert 'threshold 0.750, chosen on validation' in done.stdout
    assert 's per minute of video: decode' in done.stdout
    assert 'imports ' in done.stdout
    found = {}
    for video in json.loads((out / 'results.json').read_text())['predictions']:
        path = Path(video['video'])
        method = 'f2f' if 'Face2Face' in path.parts else 'original'
        found[method, path.stem] = video['probability']
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-5)


def test_a_folder_with_three_broken_files(detect, tiny_tree, tmp_path, capsys):
    (video, *_) = sorted(tiny_tree.rglob('*.mp4'))
    folder = tmp_path / 'films'
    folder.mkdir()
    for number in range(7):
        shutil.copy(video, folder / f'{number}.mp4')
    (folder / '1x.mp4').write_bytes(b'')
    (folder / '3x.mp4').write_bytes(b'no video at all')
    (folder / '7.mp4').write_bytes(video.read_bytes()[:600])
    words = ['--no-face', '--batch', 64, '--threshold', 0.2, '--out', tmp_path / 'out']
    assert detect(folder, *words) == 1
    printed = capsys.readouterr().out
    assert 'threshold 0.200, given' in printed
    assert 'scored 7 of 10 videos' in printed
    assert 's per minute' not in printed
    listed = printed.split('not scored: 3')[1].splitlines()[1:4]
    for line, name in zip(listed, ('1x.mp4', '3x.mp4', '7.mp4')):
        assert line.startswith('  decode-failed: ')
        assert f'{name} (' in line
    rows = list(csv.DictReader((tmp_path / 'out' / 'results.csv').open()))
    assert len(rows) == 10
    assert [Path(row['video']).name for row in rows if row['verdict'] == 'abstain'] == [
        *('1x.mp4', '3x.mp4', '7.mp4')
    ]
    assert len({row['probability'][:6] for row in rows}) == 2  # of the good ones, and none


def test_help_and_mistakes_are_told_at_once(command):
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    for words, code, told in (
        (['--help'], 0, 'exit status: 0 all videos have a score'),
        (['x.mp4'], 2, 'error: the following arguments are required: --config, --checkpoint'),
        (
            ['x.mp4', '--config', CONFIG, '--checkpoint', 'nowhere.pth'],
            *(2, 'error: nowhere.pth: no such checkpoint file.'),
        ),
    ):
        before = used()
        done = command('python', '-u', DETECT, *words)
        assert used() - before < 1  # s of CPU; torch alone takes more
        assert done.returncode == code
        assert told in done.stdout + done.stderr
        assert 'Traceback' not in done.stderr
