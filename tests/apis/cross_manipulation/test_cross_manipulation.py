"""Calls that run no training."""

import contextlib
import io
import json
import shlex
import subprocess
from pathlib import Path

import pytest

from mmfake import MMFakeError
from mmfake.apis.cross_manipulation.cell_folder import CellFolder
from mmfake.apis.cross_manipulation.command import cross_manipulation

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
    assert len(lines) == 6 * 4 * 2 * 2
    titles = [line[2:] for line in lines[::2]]
    assert titles[:3] == [
        f'baseline_s3d_holdout_{x}' for x in ('df/seed_0', 'df/seed_2', 'f2f/seed_0')
    ]
    assert [title.split('_holdout_')[0] for title in titles[::8]] == REGIMES
    train, test = (shlex.split(command) for command in lines[1].split(' && '))
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
    # a kill has left a former best one, and the numbers are not in the order of the letters
    for name in ('epoch_9', 'epoch_12', 'epoch_12-0a1b2c3d', 'epoch_10'):
        (folder / f'best_deepfake_auc_{name}.pth').touch()
    (folder / 'epoch_13.pth').touch()
    words = ['--regimes', 'bin_ce', '--holdouts', 'df', '--dry-run']
    test = printed('--work-dir', work_dir, *words)[1].split(' && ')[1]
    arguments = test.split(' ', 1)[1]
    shown = subprocess.run(
        ['bash', '-c', f'printf "%s\\n" {arguments}'], capture_output=True, text=True
    )
    assert shown.stdout.splitlines()[2] == str(CellFolder(folder).best_checkpoint())
    assert shown.stdout.splitlines()[2].endswith('_epoch_12.pth')


def test_after_a_failed_training_nothing_is_tested(tmp_path):
    words = ['--regimes', 'bin_ce', '--holdouts', 'df', '--dry-run']
    line = printed('--work-dir', tmp_path / 'm', *words)[1]
    for status, told in ((0, ['train.py', 'test.py']), (1, ['train.py'])):
        shell = f'{Path(line.split()[0]).name}() {{ echo ${{1##*/}}; return {status}; }}'
        script = line.replace(line.split()[0], Path(line.split()[0]).name)
        done = subprocess.run(['bash', '-c', f'{shell}\n{script}'], capture_output=True, text=True)
        assert done.stdout.split() == told
        assert done.returncode == status


def test_under_dry_run_a_refused_cell_does_not_end_the_listing(make_cell, tmp_path, capsys):
    folder = tmp_path / make_cell('bin_ce', 'f2f').name / '20260101_000000' / 'vis_data'
    folder.mkdir(parents=True)
    (folder / 'config.py').write_text('train_cfg = dict(max_epochs=1)\n')
    words = ['--work-dir', str(tmp_path), '--regimes', 'bin_ce', '--dry-run']
    assert cross_manipulation(words) == 3
    lines = capsys.readouterr().out.splitlines()
    titles = [line for line in lines if line.startswith('#')]
    assert [title.split(':')[0] for title in titles] == [
        f'# bin_ce_holdout_{name}/seed_0' for name in ('df', 'f2f', 'fs', 'nt')
    ]
    assert ': refused: ' in titles[1]
    assert 'was trained with other settings' in titles[1]
    assert len(lines) == 4 + 3


def test_launchers(tmp_path):
    words = ['--work-dir', tmp_path, '--regimes', 'bin_ce', '--holdouts', 'df', 'nt', '--dry-run']
    train, test = printed(*words, '--launcher', 'pytorch', '--gpus', 4)[1].split(' && ')
    assert '-m torch.distributed.run --standalone --nproc_per_node 4' in train
    assert train.count('--launcher pytorch') == test.count('--launcher pytorch') == 1
    lines = printed(*words, '--launcher', 'slurm', '--gpus', 16, '--partition', 'deep')
    first, second = shlex.split(lines[1]), shlex.split(lines[3])
    assert first[0] == 'env'
    assert {'GPUS=16', 'GPUS_PER_NODE=8'} <= set(first)
    script = next(place for place, word in enumerate(first) if word.endswith('slurm_train.sh'))
    assert first[script + 1 : script + 3] == ['deep', 'bin_ce_holdout_df_seed_0']
    # runs that may share a machine must not meet at one port
    ports = [word for words in (first, second) for word in words if word.startswith('MASTER_PORT=')]
    assert len(set(ports)) == 2


def test_the_table_says_whose_the_options_are(make_cell, tmp_path):
    cell = make_cell(command='python tools/train.py --scale mini')
    words = ['--work-dir', str(tmp_path), '--collect-only', '--scale', 'my scale']
    assert cross_manipulation(words) == 0
    content = json.loads((tmp_path / 'table.json').read_text())
    call = ['tools/cross_manipulation.py', *words]
    assert shlex.split(content['inputs']['made_by']['call']) == call
    assert content['inputs']['work_dir'] == str(tmp_path)
    (run,) = content['runs']
    assert run['info']['command'] == 'python tools/train.py --scale mini'
    assert run['regime'] == cell.regime


def test_a_map_of_a_cell_that_is_not_finished(make_cell, tmp_path, capsys):
    make_cell()
    (tmp_path / 'bin_ce_holdout_df' / 'seed_1').mkdir()
    words = ['--work-dir', str(tmp_path), '--collect-only', '--embedding-of']
    assert cross_manipulation([*words, 'bin_ce/df/1']) == 3
    said = capsys.readouterr().err
    assert 'no map of embeddings: bin_ce_holdout_df/seed_1 is not finished' in said
    with pytest.raises(MMFakeError, match='is none of the 2 cells of this call'):
        cross_manipulation([*words, 'bin_ce/nt/0'])


@pytest.mark.parametrize(
    ('words', 'part'),
    [
        (['--regimes', 'bin_cee'], '--regimes bin_cee: no such regime; there are: baseline_s3d,'),
        (['--holdouts', 'df', 'xx'], '--holdouts xx: no such holdout; there are: df, f2f, fs, nt'),
        (['--configs', 'nowhere'], 'nowhere: no config named'),
        (['--scale', 'giant'], 'giant: no such config file'),
        (['--collect-only'], 'none of the cells asked for is here'),
        (['--embedding-of', 'bin_ce'], 'write REGIME/HOLDOUT/SEED'),
        (['--embedding-of', 'bin_ce/df/7'], '--embedding-of bin_ce/df/7: is none of the 24 cells'),
        (['--cfg-options', 'foo'], '--cfg-options foo: write KEY=VALUE'),
        (['--cfg-options', 'load_from=x.pth'], 'load_from=x.pth: has no effect here; cells are'),
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
    'words',
    [
        *(['--gpus', '2'], ['--launcher', 'slurm'], ['--jobs', '0']),
        *(['--seeds', 'x'], ['--seeds', '-1'], ['--seeds', '4294967296']),
    ],
)
def test_usage(words, tmp_path, capsys):
    with pytest.raises(SystemExit) as status:
        cross_manipulation(['--work-dir', str(tmp_path), *words])
    assert status.value.code == 2
