import errno
import logging
import os
import resource
import signal
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmfake import MMFakeError
from mmfake.apis import train_detector
from mmfake.apis.config import _set_data_root
from mmfake.apis.run_command import run_command
from mmfake.apis.train_detector import _merge, _parse


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


@pytest.mark.parametrize(('rank', 'told'), [(None, 'error: wrong'), ('3', 'error [rank 3]: wrong')])
def test_a_mistake_is_told_with_its_rank(monkeypatch, capsys, rank, told):
    def main(argv):
        raise MMFakeError('wrong')

    monkeypatch.delenv('RANK', raising=False)
    if rank:
        monkeypatch.setenv('RANK', rank)
    with pytest.raises(SystemExit) as status:
        run_command(main)
    assert status.value.code == 2
    assert capsys.readouterr().err == f'{told}\n'


def test_an_interruption_ends_without_a_traceback(capsys):
    def main(argv):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as status:
        run_command(main)
    assert (status.value.code, capsys.readouterr().err) == (130, 'interrupted\n')


def test_a_full_disk_ends_in_one_line(smoke, tmp_path, monkeypatch, capfd):
    """No file may grow beyond 9,000 bytes, as the copy of the config would."""
    monkeypatch.setattr(logging, 'raiseExceptions', True)
    config = Path(__file__).parents[2] / 'configs' / 'mtl' / 'bin_ce_holdout_f2f.py'
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, hard))
    try:
        with pytest.raises(MMFakeError) as error:
            train_detector([str(config), '--scale', str(smoke), '--work-dir', str(tmp_path)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    told = f'the disk is full ({os.strerror(errno.EFBIG)})'
    assert told in str(error.value)
    assert '\n' not in str(error.value)
    assert 'Traceback' not in capfd.readouterr().err
