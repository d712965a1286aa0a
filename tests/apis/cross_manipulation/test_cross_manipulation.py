"""Calls that run no training."""

import contextlib
import io
import shlex
import subprocess
from pathlib import Path

import pytest

from mmfake import MMFakeError
from mmfake.apis.cross_manipulation import cross_manipulation

REGIMES = [
    *('baseline_s3d', 'bin_ce', 'bin_con'),
    *('bin_ce_con', 'bin_multi_ce', 'bin_multi_con'),
]


def printed(*words):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert cross_manipulation([str(word) for word in words]) == 0
    return output.getvalue().splitlines()


def test_dry_run_prints_every_command_and_writes_nothing(tmp_path):
    work_dir = tmp_path / 'my results'
    options = ['--seeds', '0', '2', '--cfg-options', 'train_cfg.max_epochs=3', 'a="b c"']
    lines = printed('--work-dir', work_dir, '--dry-run', *options)
    assert list(tmp_path.iterdir()) == []
    assert len(lines) == 6 * 4 * 2 * 3
    titles = [line[2:] for line in lines[::3]]
    assert titles[:3] == [
        f'baseline_s3d_holdout_{x}' for x in ('df/seed_0', 'df/seed_2', 'f2f/seed_0')
    ]
    assert [title.split('_holdout_')[0] for title in titles[::8]] == REGIMES
    train, test = (shlex.split(line) for line in lines[1:3])
    assert Path(train[1]).name == 'train.py'
    assert Path(train[2]).is_file()
    assert Path(train[2]).name == 'baseline_s3d_holdout_df.py'
    folder = str(work_dir / 'baseline_s3d_holdout_df' / 'seed_0')
    assert train[3:5] == ['--work-dir', folder]
    assert train[-3:] == ['--seed', '0', '--resume']
    assert 'a="b c"' in train
    assert Path(test[1]).name == 'test.py'
    assert '--seed' not in test


def test_the_printed_test_command_finds_the_best_checkpoint(tmp_path):
    work_dir = tmp_path / 'my results'
    folder = work_dir / 'bin_ce_holdout_df' / 'seed_0'
    folder.mkdir(parents=True)
    for name in ('best_deepfake_auc_epoch_12', 'best_deepfake_auc_epoch_12-0a1b2c3d', 'epoch_12'):
        (folder / f'{name}.pth').touch()
    words = ['--regimes', 'bin_ce', '--holdouts', 'df', '--dry-run']
    line = printed('--work-dir', work_dir, *words)[2]
    arguments = line.split(' ', 1)[1]
    shown = subprocess.run(
        ['bash', '-c', f'printf "%s\\n" {arguments}'], capture_output=True, text=True
    )
    assert shown.stdout.splitlines()[2] == str(folder / 'best_deepfake_auc_epoch_12.pth')


def test_launchers(tmp_path):
    words = ['--work-dir', tmp_path, '--regimes', 'bin_ce', '--holdouts', 'df', 'nt', '--dry-run']
    train, test = printed(*words, '--launcher', 'pytorch', '--gpus', 4)[1:3]
    assert '-m torch.distributed.run --standalone --nproc_per_node 4' in train
    assert train.count('--launcher pytorch') == test.count('--launcher pytorch') == 1
    lines = printed(*words, '--launcher', 'slurm', '--gpus', 16, '--partition', 'deep')
    first, second = shlex.split(lines[1]), shlex.split(lines[4])
    assert first[0] == 'env'
    assert {'GPUS=16', 'GPUS_PER_NODE=8'} <= set(first)
    script = next(place for place, word in enumerate(first) if word.endswith('slurm_train.sh'))
    assert first[script + 1 : script + 3] == ['deep', 'bin_ce_holdout_df_seed_0']
    # runs that may share a machine must not meet at one port
    ports = [word for words in (first, second) for word in words if word.startswith('MASTER_PORT=')]
    assert len(set(ports)) == 2


@pytest.mark.parametrize(
    ('words', 'part'),
    [
        (['--regimes', 'bin_cee'], '--regimes bin_cee: no such regime; there are: baseline_s3d,'),
        (['--holdouts', 'df', 'xx'], '--holdouts xx: no such holdout; there are: df, f2f, fs, nt'),
        (['--configs', 'nowhere'], 'nowhere: no config named'),
        (['--scale', 'giant'], 'giant: no such config file'),
        (['--collect-only'], 'none of the cells asked for is here'),
        (['--embedding-of', 'bin_ce'], 'write REGIME/HOLDOUT/SEED'),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(words, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MMFakeError) as error:
        cross_manipulation(['--work-dir', str(tmp_path / 'work'), *words])
    assert part in str(error.value)
    assert '\n' not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    'words', [['--gpus', '2'], ['--launcher', 'slurm'], ['--jobs', '0'], ['--seeds', 'x']]
)
def test_usage(words, tmp_path, capsys):
    with pytest.raises(SystemExit) as status:
        cross_manipulation(['--work-dir', str(tmp_path), *words])
    assert status.value.code == 2
