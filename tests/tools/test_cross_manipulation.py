"""The whole matrix at a scale of seconds: two cells, one of which cannot be trained."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from mmaction.registry import DATASETS, MODELS

from mmfake import MMFakeError
from mmfake.apis.cross_manipulation.cell_folder import CellFolder
from mmfake.apis.cross_manipulation.command import cross_manipulation
from mmfake.apis.cross_manipulation.embed_cell import embed_cell

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'cross_manipulation.py'
CONFIG = ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py'
GOOD, BAD = 'good_holdout_f2f/seed_1', 'bad_holdout_f2f/seed_1'


@pytest.fixture(scope='module')
def options(tmp_path_factory, smoke):
    """Configs of two regimes; two epochs of three iterations, a checkpoint after each."""
    folder = tmp_path_factory.mktemp('configs')
    for name, more in (('good', ''), ('bad', 'model = dict(backbone=dict(typo=3))\n')):
        (folder / f'{name}_holdout_f2f.py').write_text(f'_base_ = {str(CONFIG)!r}\n{more}')
    settings = ['train_cfg.max_epochs=2', 'train_dataloader.batch_size=5']
    return [
        *('--configs', folder, '--scale', smoke, '--seeds', '1'),
        *('--cfg-options', *settings),
    ]


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory, command, options):
    work_dir = tmp_path_factory.mktemp('undisturbed')
    done = command('python', TOOL, '--work-dir', work_dir, *options)
    done.work_dir = work_dir
    return done


def test_a_failed_cell_is_listed_and_the_others_finish(undisturbed):
    assert undisturbed.returncode == 3, undisturbed.stderr
    assert 'Traceback' not in undisturbed.stderr
    (line,) = (x for x in undisturbed.stderr.splitlines() if x.startswith(f'failed: {BAD}: '))
    assert 'typo' in line
    assert str(undisturbed.work_dir / BAD / 'train.log') in line
    table = pd.read_csv(undisturbed.work_dir / 'table.csv')
    assert table['regime'].tolist() == ['good', 'good']
    assert f'Not finished, and so not in the table: {BAD}.' in read(undisturbed, 'table.md')
    assert 'Not compared with the paper: good/f2f' in read(undisturbed, 'comparison.md')
    for name in ('heat_map', 'intervals', 'roc', 'confusion'):
        for ending in ('png', 'svg'):
            assert (undisturbed.work_dir / f'{name}.{ending}').stat().st_size > 1000


def test_the_record_says_what_the_scores_were_made_of(undisturbed):
    (run,) = json.loads(read(undisturbed, 'table.json'))['runs']
    assert (run['regime'], run['holdout'], run['seed']) == ('good', 'f2f', 1)
    assert run['dataset'] == 'mini_ffpp'
    info = run['info']
    kinds = dict(original=4, df=4, fs=4, nt=4, expected=16)
    assert info['splits']['train'] == kinds
    assert info['splits']['test'] == dict(original=2, f2f=2, expected=4)
    assert {'torch', 'mmengine', 'mmfake', 'python'} <= set(info['versions'])
    assert (undisturbed.work_dir / GOOD / info['checkpoint']).is_file()
    assert '--seed 1 --resume' in info['command']


def test_killed_in_the_middle_of_a_cell_it_ends_as_if_undisturbed(undisturbed, options, tmp_path):
    words = ['--work-dir', tmp_path, '--regimes', 'good', *options]
    words = [str(word) for word in (sys.executable, TOOL, *words)]
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
    for name in ('scores.csv', 'cell.json'):
        ours, theirs = (folder / GOOD / name for folder in (tmp_path, undisturbed.work_dir))
        if name == 'scores.csv':
            assert ours.read_text() == theirs.read_text()
        else:
            assert (
                json.loads(ours.read_text())['settings']
                == json.loads(theirs.read_text())['settings']
            )
    assert (tmp_path / 'table.csv').read_text() == read(undisturbed, 'table.csv')

    stamp = (tmp_path / GOOD / 'scores.csv').stat().st_mtime_ns
    third = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
    assert third.returncode == 0, third.stderr
    assert f'skipped  {GOOD}' in third.stderr
    assert (tmp_path / GOOD / 'scores.csv').stat().st_mtime_ns == stamp


@pytest.fixture
def copy(undisturbed, tmp_path):
    """The matrix of the undisturbed run, its good cell alone, in a folder of its own."""
    shutil.copytree(undisturbed.work_dir / GOOD, tmp_path / 'm' / GOOD, copy_function=os.link)
    return tmp_path / 'm'


def collect(work_dir, capsys, *words):
    status = cross_manipulation(['--work-dir', str(work_dir), '--collect-only', *words])
    return status, capsys.readouterr().err


def test_a_cell_that_was_run_by_hand_is_collected(copy, undisturbed, capsys):
    (copy / GOOD / 'cell.json').unlink()
    assert collect(copy, capsys)[0] == 0
    assert (copy / 'table.csv').read_text() == read(undisturbed, 'table.csv')
    record, first = (
        json.loads((folder / GOOD / 'cell.json').read_text())
        for folder in (copy, undisturbed.work_dir)
    )
    same = ('settings', 'checkpoint_sha256', 'scores_sha256', 'threshold', 'splits', 'test_order')
    assert {key: record[key] for key in same} == {key: first[key] for key in same}


@pytest.mark.parametrize(
    ('break_it', 'reason'),
    [
        (lambda cell: (cell / 'scores.csv').unlink(), 'not finished'),
        (lambda cell: (cell / 'last_checkpoint').write_text('epoch_1.pth'), 'not finished'),
        (lambda cell: shutil.rmtree(sorted(cell.glob('2*'))[-1]), 'not finished'),
        (lambda cell: [shutil.rmtree(path) for path in cell.glob('2*')], 'not begun'),
        (lambda cell: cell.rename(cell.with_name('seed_3')), 'seed 1, but its folder says 3'),
    ],
)
def test_a_cell_that_was_not_finished_by_hand_is_not(break_it, reason, copy, capsys):
    (copy / GOOD / 'cell.json').unlink()
    last = copy / GOOD / 'last_checkpoint'  # of its own, not a link
    text = last.read_text()
    last.unlink()
    last.write_text(text)
    break_it(copy / GOOD)
    with pytest.raises(MMFakeError, match='no cell is finished'):
        collect(copy, capsys)
    assert reason in capsys.readouterr().err


def test_scores_that_were_changed_are_not_collected(copy, capsys):
    scores = copy / GOOD / 'scores.csv'
    text = scores.read_text()
    scores.unlink()
    scores.write_text(text.replace('0.', '0.1', 1))
    with pytest.raises(MMFakeError, match='no cell is finished'):
        collect(copy, capsys)
    assert 'its scores.csv is not the one that was recorded' in capsys.readouterr().err


def test_other_settings_are_refused_and_nothing_is_touched(copy, options, capsys):
    before = {path: path.stat().st_mtime_ns for path in (copy / GOOD).rglob('*.*')}
    words = ['--work-dir', copy, '--regimes', 'good', *options, 'optim_wrapper.optimizer.lr=0.5']
    assert cross_manipulation([str(word) for word in words]) == 3
    reason = 'was trained with other settings (optim_wrapper.optimizer.lr: 0.001, now 0.5)'
    assert reason in capsys.readouterr().err
    after = {path: path.stat().st_mtime_ns for path in (copy / GOOD).rglob('*.*')}
    assert {path for path in after if before.get(path) != after[path]} <= {copy / GOOD / '.lock'}
    # how many workers load is no setting
    words[-1] = 'val_dataloader.num_workers=1'
    assert cross_manipulation([str(word) for word in words]) == 0
    assert 'skipped' in capsys.readouterr().err


def test_embeddings_are_those_of_the_encoder(undisturbed, tiny_tree):
    folder = CellFolder(undisturbed.work_dir / GOOD)
    embeddings, methods = embed_cell(folder)
    assert embeddings.shape == (4, 1024)
    cfg = folder.test_config()
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    assert methods == [dataset.get_data_info(place)['method'] for place in range(4)]
    model = MODELS.build(cfg.model).eval()
    weights = torch.load(folder.best_checkpoint(), weights_only=False)['state_dict']
    model.load_state_dict(weights)
    mean, std = (torch.tensor(cfg.model.data_preprocessor[key]) for key in ('mean', 'std'))
    for place in range(4):
        clips = dataset[place]['inputs'].float()  # (4, 3, T, H, W)
        clips = (clips - mean.view(3, 1, 1, 1)) / std.view(3, 1, 1, 1)
        with torch.no_grad():
            expected = torch.stack(
                [model.backbone(clip[None]).mean((0, 2, 3, 4)) for clip in clips]
            )
        torch.testing.assert_close(
            torch.from_numpy(embeddings[place]), expected.mean(0), rtol=1e-4, atol=1e-6
        )


def test_seed_and_batch_size_of_the_test_change_nothing(undisturbed, command, smoke, tmp_path):
    cell = undisturbed.work_dir / GOOD
    best = CellFolder(cell).best_checkpoint()
    words = [CONFIG, best, '--scale', smoke, '--work-dir', tmp_path, '--cfg-options']
    words += ['test_dataloader.batch_size=1', 'randomness.seed=7', 'test_dataloader.num_workers=1']
    done = command('python', ROOT / 'tools' / 'test.py', *words)
    assert done.returncode == 0, done.stderr
    ours, theirs = (pd.read_csv(folder / 'scores.csv') for folder in (tmp_path, cell))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-5)


def test_an_interruption_ends_the_commands(tmp_path):
    """Slurm's place is taken by a program that waits for ever."""
    begun, never = tmp_path / 'begun', tmp_path / 'never'
    subprocess.run(['mkfifo', str(begun), str(never)], check=True)
    srun = tmp_path / 'bin' / 'srun'
    srun.parent.mkdir()
    srun.write_text(f'#!/bin/bash\necho "$MASTER_PORT $@" > {begun}\nexec cat {never}\n')
    srun.chmod(0o755)
    words = ['--work-dir', tmp_path / 'm', '--regimes', 'bin_ce', '--holdouts', 'df', 'nt']
    words += ['--launcher', 'slurm', '--partition', 'deep', '--gpus', '2']
    environment = dict(os.environ, PATH=f'{srun.parent}{os.pathsep}{os.environ["PATH"]}')
    words = [str(word) for word in (sys.executable, TOOL, *words)]
    process = subprocess.Popen(
        words, env=environment, start_new_session=True, stdout=-1, stderr=-1, text=True
    )
    try:
        told = begun.read_text().split()  # returns when the first cell is being trained
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert errors.endswith('interrupted\n')
    assert 'Traceback' not in errors
    assert told[0].isdecimal()
    assert told[1:3] == ['-p', 'deep']
    assert '--ntasks=2' in told
    assert told[-3:] == ['--seed', '0', '--resume']
    assert [path.name for path in (tmp_path / 'm').iterdir()] == ['bin_ce_holdout_df']


def read(done, name):
    return (done.work_dir / name).read_text()
