import errno
import os
import signal
from functools import partial
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmfake import MMFakeError
from mmfake.apis.train import _merge, _parse, train_detector
from mmfake.console import run_command
from mmfake.engine.config import _set_data_root


def merged(*options, **cfg):
    cfg = Config(dict(optim_wrapper=dict(type='OptimWrapper'), **cfg))
    _merge(cfg, _parse(['config.py', *options]))
    return cfg


@pytest.mark.parametrize(
    ('options', 'config', 'expected'),
    [
        ([], None, dict(seed=0)),
        (['--seed', '5'], None, dict(seed=5)),
        ([], dict(seed=7), dict(seed=7)),
        (['--seed', '5', '--deterministic'], dict(seed=7), dict(seed=5, deterministic=True)),
        (['--diff-rank-seed'], dict(seed=7), dict(seed=7, diff_rank_seed=True)),
    ],
)
def test_what_the_command_line_says_of_randomness_wins(options, config, expected):
    assert merged(*options, randomness=config).randomness == expected


def test_mixed_precision_without_a_gpu_is_refused():
    if torch.cuda.is_available():
        pytest.skip(reason='a GPU is here')
    with pytest.raises(MMFakeError, match='--amp needs a GPU'):
        merged('--amp')


def test_the_data_root_reaches_a_wrapped_dataset():
    dataset = dict(type='RepeatDataset', times=2, dataset=dict(type='x', data_root='old'))
    cfg = Config(dict(train_dataloader=dict(dataset=dataset)))
    _set_data_root(cfg, 'new')
    assert cfg.train_dataloader.dataset.dataset.data_root == 'new'
    assert 'data_root' not in cfg.train_dataloader.dataset


@pytest.mark.parametrize(
    ('variables', 'told'),
    [
        ({}, 'error: wrong'),
        (dict(RANK='0', SLURM_PROCID='2'), 'error: wrong'),
        (dict(RANK='3'), 'error [rank 3]: wrong'),
        (dict(SLURM_PROCID='2'), 'error [rank 2]: wrong'),
        (dict(OMPI_COMM_WORLD_RANK='1', SLURM_PROCID='0'), 'error [rank 1]: wrong'),
    ],
)
def test_a_mistake_is_told_with_its_rank(monkeypatch, capsys, variables, told):
    def main(argv):
        raise MMFakeError('wrong')

    for name in ('RANK', 'OMPI_COMM_WORLD_RANK', 'SLURM_PROCID'):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as status:
        run_command(main)
    assert status.value.code == 2
    assert capsys.readouterr().err == f'{told}\n'


def test_an_interruption_ends_without_a_traceback(capsys, request):
    def main(argv):
        raise KeyboardInterrupt

    # the second Ctrl-C would end the process at once
    request.addfinalizer(partial(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT)))
    with pytest.raises(SystemExit) as status:
        run_command(main)
    assert (status.value.code, capsys.readouterr().err) == (130, 'interrupted\n')


def test_a_full_disk_ends_in_one_line(smoke, tmp_path, capfd, largest_file):
    """No file may grow beyond 9,000 bytes, as the copy of the config would."""
    config = Path(__file__).parents[2] / 'configs' / 'mtl' / 'bin_ce_holdout_f2f.py'
    with largest_file(9000), pytest.raises(MMFakeError) as error:
        train_detector([str(config), '--scale', str(smoke), '--work-dir', str(tmp_path)])
    told = f'the disk is full ({os.strerror(errno.EFBIG)}); its checkpoints are whole'
    assert told in str(error.value)
    assert '\n' not in str(error.value)
    assert 'Traceback' not in capfd.readouterr().err


def test_a_work_dir_that_cannot_be_made_ends_in_one_line(smoke, tmp_path):
    (tmp_path / 'file').touch()
    config = Path(__file__).parents[2] / 'configs' / 'mtl' / 'bin_ce_holdout_f2f.py'
    with pytest.raises(MMFakeError, match='file/x: a work dir cannot be made .*Not a directory'):
        train_detector([str(config), '--scale', str(smoke), '--work-dir', f'{tmp_path}/file/x'])
