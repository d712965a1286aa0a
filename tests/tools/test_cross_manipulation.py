"""The matrix tool: its start, and by night a real matrix of one cell at a scale of seconds."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from mmaction.registry import DATASETS, MODELS

from mmfake.apis.cell import best_checkpoint, latest_config
from mmfake.apis.matrix_report import embed_videos

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'cross_manipulation.py'
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'
GOOD = 'good_holdout_f2f/seed_1'


@pytest.mark.parametrize('words', [['--help'], ['--work-dir', 'x', '--jobs', '0']])
def test_help_and_usage_errors_need_no_torch(command, words):
    program = f"""
import runpy, sys
sys.argv = ['cross_manipulation.py', *{words!r}]
try:
    runpy.run_path({str(TOOL)!r}, run_name='__main__')
finally:
    print(sorted({{'torch', 'mmengine', 'pandas'}} & set(sys.modules)))
"""
    done = command('python', '-c', program)
    assert done.returncode == (0 if '--help' in words else 2)
    assert done.stdout.splitlines()[-1] == '[]'


@pytest.fixture(scope='module')
def options(tmp_path_factory, smoke):
    """A config of one regime; two epochs of three iterations, a checkpoint after each."""
    folder = tmp_path_factory.mktemp('configs')
    (folder / 'good_holdout_f2f.py').write_text(f'_base_ = {str(CONFIG)!r}\n')
    settings = ['train_cfg.max_epochs=2', 'train_dataloader.batch_size=5']
    return [
        *('--configs', folder, '--scale', smoke, '--seeds', '1'),
        *('--cfg-options', *settings),
    ]


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory, command, options):
    work_dir = tmp_path_factory.mktemp('undisturbed')
    done = command('python', TOOL, '--work-dir', work_dir, '--embedding-of', 'good/f2f/1', *options)
    assert 'map of embeddings: 4 videos are too few' in done.stderr  # after the tables
    assert (work_dir / 'comparison.md').is_file()
    return work_dir


@pytest.mark.nightly
def test_killed_in_the_middle_of_a_cell_it_ends_as_if_undisturbed(undisturbed, options, tmp_path):
    words = [str(word) for word in (sys.executable, TOOL, '--work-dir', tmp_path, *options)]
    environment = dict(os.environ, OMP_NUM_THREADS='1')
    first = subprocess.Popen(words, env=environment, start_new_session=True, stderr=-1, text=True)
    log = tmp_path / GOOD / 'train.log'
    try:  # until the second epoch has begun
        watch = f'tail -n +1 -F {log} 2>/dev/null | grep -q -m1 "Epoch(train) *\\[2\\]\\[1/"'
        subprocess.run(['bash', '-c', watch], timeout=120, check=True)
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
    assert not (tmp_path / GOOD / 'scores.csv').exists()

    second = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=240)
    assert second.returncode == 0, second.stderr
    assert 'Epoch(train) [1][' not in log.read_text()  # resumed, not begun anew
    for name in (f'{GOOD}/scores.csv', 'table.csv'):
        assert (tmp_path / name).read_text() == (undisturbed / name).read_text()


@pytest.mark.nightly
def test_embeddings_are_those_of_the_encoder(undisturbed):
    cfg = latest_config(undisturbed / GOOD, of_test=True)
    best = best_checkpoint(undisturbed / GOOD)
    embeddings, methods = embed_videos(cfg, str(best))
    assert embeddings.shape == (4, 1024)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    assert methods == [dataset.get_data_info(place)['method'] for place in range(4)]
    model = MODELS.build(cfg.model).eval()
    model.load_state_dict(torch.load(best, weights_only=False)['state_dict'])
    mean, std = (torch.tensor(cfg.model.data_preprocessor[key]) for key in ('mean', 'std'))
    for place in range(4):
        clips = dataset[place]['inputs'].float()  # (4, 3, T, H, W)
        clips = (clips - mean.view(3, 1, 1, 1)) / std.view(3, 1, 1, 1)
        with torch.no_grad():
            maps = [model.backbone(clip[None]).mean((0, 2, 3, 4)) for clip in clips]
        expected = torch.stack(maps).mean(0)
        torch.testing.assert_close(
            torch.from_numpy(embeddings[place]), expected, rtol=1e-4, atol=1e-6
        )


@pytest.mark.nightly
def test_seed_and_batch_size_of_the_test_change_nothing(undisturbed, command, smoke, tmp_path):
    best = best_checkpoint(undisturbed / GOOD)
    words = [CONFIG, best, '--scale', smoke, '--work-dir', tmp_path, '--cfg-options']
    words += ['test_dataloader.batch_size=1', 'randomness.seed=7', 'test_dataloader.num_workers=1']
    done = command('python', ROOT / 'tools' / 'test.py', *words)
    assert done.returncode == 0, done.stderr
    ours, theirs = (pd.read_csv(folder / 'scores.csv') for folder in (tmp_path, undisturbed / GOOD))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-5)
