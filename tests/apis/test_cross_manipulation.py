"""Cross-manipulation matrix: cells run, resumed, refused, interrupted; calls that run nothing."""

import json
import multiprocessing
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from mmfake import MMFakeError
from mmfake.apis.cell import Cell
from mmfake.apis.cross_manipulation import cross_manipulation
from mmfake.evaluation.scores_file import read_scores_file, write_scores
from mmfake.files import sha256_of
from tests.apis.untrained_matrix import GOOD, names_of, scores_of
from tools.cross_manipulation import parse

REGIMES = ['baseline_s3d', 'bin_ce', 'bin_con', 'bin_ce_con', 'bin_multi_ce', 'bin_multi_con']


# --- running --------------------------------------------------------------------------------------


def test_what_the_test_of_a_cell_warned_of_is_in_the_table(matrix, tables, monkeypatch):
    monkeypatch.setattr('mmfake.apis.matrix_report.save_png_and_svg', lambda figure, stem: None)
    assert matrix.run() == 0
    scores = matrix.cell(GOOD) / 'scores.csv'
    write_scores(read_scores_file(scores), scores, dict(warnings=['6 videos were trained on']))
    record = matrix.cell(GOOD) / 'cell.json'
    known = json.loads(record.read_text())
    record.write_text(json.dumps(dict(known, scores_sha256=sha256_of(scores))))
    assert matrix.run('--collect-only') == 0
    told = '**good, seed 0 (f2f): 6 videos were trained on**'
    assert told in (matrix.work_dir / 'table.md').read_text()


def test_cells_of_one_row_trained_in_two_ways_are_told(matrix, tables, monkeypatch):
    monkeypatch.setattr('mmfake.apis.matrix_report.save_png_and_svg', lambda figure, stem: None)
    assert matrix.run() == 0
    assert matrix.run('--seeds', '1') == 0
    assert matrix.run('--collect-only') == 0
    assert 'not trained as' not in (matrix.work_dir / 'table.md').read_text()
    matrix.add('good', 'train_cfg = dict(max_epochs=2)\n')
    assert matrix.run('--seeds', '2') == 0
    assert matrix.run('--collect-only') == 0
    told = '**good_holdout_f2f/seed_2 was not trained as good_holdout_f2f/seed_0 was '
    told += '(train_cfg.max_epochs: not there, now 2): the row good mixes them.**'
    assert told in (matrix.work_dir / 'table.md').read_text()


def test_a_finished_cell_of_other_split_files_is_refused(matrix, tmp_path, capsys):
    splits = tmp_path / 'data' / 'splits'
    splits.mkdir(parents=True)
    (splits / 'test.json').write_text('[["000", "001"]]')
    data = f'dict(type="ListedVideos", data_root={str(tmp_path / "data")!r})'
    matrix.add('good', f'val_dataloader = dict(dataset={data})\n')
    assert (matrix.run(), matrix.run()) == (0, 0)
    (splits / 'test.json').write_text('[["000", "002"]]')
    assert matrix.run() == 3
    assert 'seed_0: was trained and tested on other videos' in capsys.readouterr().err
    matrix.run('--collect-only')
    assert matrix.reported[-1] == ['good/0']


def test_failed_cells_are_listed_and_the_others_finish(matrix, tables, capsys):
    matrix.add('bad', before_train='echo "error: lr must be positive"; exit 3')
    matrix.add('killed', before_train='kill -KILL $$')
    assert matrix.run() == 3
    errors = capsys.readouterr().err.splitlines()
    log = matrix.work_dir / 'bad_holdout_f2f' / 'seed_0' / 'train.log'
    reason = f'bad_holdout_f2f/seed_0: exit status 3: error: lr must be positive [{log}]'
    assert f'failed: {reason}' in errors
    (killed,) = (line for line in errors if line.startswith('failed: killed_holdout_f2f/seed_0: '))
    assert 'ended by SIGKILL (out of memory?) [' in killed
    assert pd.read_csv(matrix.work_dir / 'table.csv')['regime'].tolist() == ['good', 'good']
    page = (matrix.work_dir / 'table.md').read_text()
    assert 'not in the table: bad_holdout_f2f/seed_0, killed_holdout_f2f/seed_0.' in page
    for name in ('heat_map', 'intervals', 'roc', 'confusion'):
        for ending in ('png', 'svg'):
            assert (matrix.work_dir / f'{name}.{ending}').stat().st_size > 1000


def test_whatever_goes_wrong_with_a_cell_is_its_failure(matrix, capsys):
    matrix.add('odd', "test_dataloader['dataset']['error'] = 'no such video'\n")
    matrix.add('wrong')
    train = matrix.train

    def broken(cell):
        if cell.regime == 'wrong':
            raise ZeroDivisionError('division by zero')
        return train(cell)

    matrix.train = broken
    assert matrix.run() == 3
    errors = capsys.readouterr().err
    assert 'failed: wrong_holdout_f2f/seed_0: ZeroDivisionError: division by zero' in errors
    assert 'failed: odd_holdout_f2f/seed_0: KeyError: ' in errors
    assert matrix.reported == [['good/0']]


def test_the_record_says_what_the_scores_were_made_of(matrix, tables):
    assert matrix.run('--seeds', '1', '2') == 0
    first, second = json.loads((matrix.work_dir / 'table.json').read_text())['runs']
    assert (first['regime'], first['holdout'], first['seed']) == ('good', 'f2f', 1)
    assert (second['seed'], second['threshold'], second['dataset']) == (2, 0.4, 'ffpp')
    info = first['info']
    assert {'torch', 'mmengine', 'numpy'} <= set(info['versions'])
    assert (matrix.cell(Cell('good', 'f2f', 1)) / info['checkpoint']).is_file()
    assert info['command'].startswith('bash ')
    record = json.loads((matrix.cell(Cell('good', 'f2f', 1)) / 'cell.json').read_text())
    assert record['test_order'] == names_of('f2f')


def test_started_again_it_runs_what_is_not_finished(matrix, capsys):
    matrix.add('bad', before_train='exit 3')
    assert matrix.run('--seeds', 0, 1) == 3
    assert len(matrix.told()) == 2 * 2 + 2
    matrix.add('bad')
    assert matrix.run('--seeds', 0, 1) == 0
    bad = [f'{what} bad_holdout_f2f/seed_{seed}' for seed in (0, 1) for what in ('train', 'test')]
    assert matrix.told() == bad
    assert capsys.readouterr().err.count('skipped  good_holdout_f2f/seed_') == 2
    # scores that are not those of the record are made again
    (matrix.cell(GOOD) / 'scores.csv').write_text(scores_of('f2f', 0.2))
    assert matrix.run('--seeds', 0, 1) == 0
    assert matrix.told() == ['train good_holdout_f2f/seed_0', 'test good_holdout_f2f/seed_0']


@pytest.mark.parametrize('finished', [True, False])
def test_other_settings_are_refused_and_nothing_is_touched(matrix, finished, capsys):
    matrix.run()
    if not finished:  # interrupted in its training
        (matrix.cell(GOOD) / 'cell.json').unlink()
    before = {path: path.stat().st_mtime_ns for path in matrix.work_dir.rglob('*')}
    matrix.told()
    capsys.readouterr()
    assert matrix.run('--cfg-options', 'lr=0.5') == 3
    assert 'was trained with other settings (lr: 0.1, now 0.5); rem' in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in matrix.work_dir.rglob('*')} == before
    assert matrix.run('--dry-run', '--cfg-options', 'lr=0.5') == 3
    assert f'# {GOOD.name}: refused: ' in capsys.readouterr().out
    # how many workers load is no setting
    assert matrix.run('--cfg-options', 'test_dataloader.num_workers=1') == 0
    assert len(matrix.told()) == (0 if finished else 2)


def test_a_record_by_other_rules_counts_if_the_logs_say_the_same(matrix, capsys):
    matrix.run()
    record = json.loads((matrix.cell(GOOD) / 'cell.json').read_text())
    record['settings'] = 'by other rules'
    (matrix.cell(GOOD) / 'cell.json').write_text(json.dumps(record))
    assert matrix.run() == 0
    assert f'skipped  {GOOD.name}' in capsys.readouterr().err
    shutil.rmtree(matrix.cell(GOOD) / '20260101_000000')
    assert matrix.run() == 3
    assert 'was trained with other settings (its logs are gone)' in capsys.readouterr().err


def test_a_finished_cell_tells_its_auc_and_the_time_left(matrix, capsys):
    matrix.add('bad', before_train='exit 3')
    assert matrix.run('--seeds', 0, 1) == 3
    lines = capsys.readouterr().err.splitlines()
    first, second = (line for line in lines if line.startswith('finished good_holdout_f2f/seed_'))
    assert first.startswith('finished good_holdout_f2f/seed_0: AUC 1.000 [1.000, 1.000]')
    assert '; 1 cell left, about 0 min' in first or '; 2 cells left, about 0 min' in first
    assert not any('left' in line for line in lines if line.startswith('failed   bad_holdout_f2f'))


def test_tidy(matrix):
    matrix.run('--tidy')
    left = {path.name for path in matrix.cell(GOOD).glob('*.pth')}
    assert left == {'best_deepfake_auc_epoch_1.pth'}


def test_jobs_run_at_the_same_time_on_gpus_and_cores_of_their_own(matrix, monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '4, 7')
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr('mmfake.apis.run_cells.cores_at_hand', lambda: 6)
    for name, other in (('a', 'b'), ('b', 'a')):
        subprocess.run(['mkfifo', f'{matrix.folder}/to_{name}'], check=True)
        script = f'echo $CUDA_VISIBLE_DEVICES, $OMP_NUM_THREADS > {matrix.folder}/gpu_{name}\n'
        # neither goes on before the other has begun
        script += f'(echo > {matrix.folder}/to_{other}) & read < {matrix.folder}/to_{name}; wait'
        matrix.add(name, before_train=script)
    assert matrix.run('--jobs', 2, '--regimes', 'a', 'b') == 0
    assert {(matrix.folder / f'gpu_{name}').read_text() for name in 'ab'} == {'4, 3\n', '7, 3\n'}


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_the_commands_and_begins_no_other(matrix, number):
    begun, never = matrix.folder / 'begun', matrix.folder / 'never'
    subprocess.run(['mkfifo', str(begun), str(never)], check=True)
    for name in ('first', 'second'):
        matrix.add(name, before_train=f'echo $$ > {begun}; read < {never}')

    def whole():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the tool does
        try:
            matrix.run('--regimes', 'first', 'second')
        except KeyboardInterrupt:
            os._exit(130)

    process = multiprocessing.get_context('fork').Process(target=whole, daemon=True)
    process.start()
    try:
        child = int(begun.read_text())  # returns when the first cell is being trained
        os.kill(process.pid, number)  # that of the matrix alone, not its group
        process.join(60)
        assert process.exitcode == 130
    finally:
        process.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert [path.name for path in matrix.work_dir.iterdir()] == ['first_holdout_f2f']


@pytest.mark.parametrize('end', ['kill -INT $$', 'exit 130'])
def test_a_command_that_ctrl_c_ended_is_the_last(matrix, end):
    """The group has the signal, and this process may get it last."""
    matrix.add('a', before_train=end)
    with pytest.raises(KeyboardInterrupt):
        matrix.run()
    assert matrix.told() == ['train a_holdout_f2f/seed_0']


# --- calls that run nothing -----------------------------------------------------------------------


def call(*words):
    return cross_manipulation(**vars(parse([str(word) for word in words])))


def printed(capsys, *words):
    assert call(*words) == 0
    return capsys.readouterr().out.splitlines()


def test_dry_run_prints_every_command_and_writes_nothing(tmp_path, capsys):
    work_dir = tmp_path / 'my results'
    options = ['--seeds', '0', '2', '--cfg-options', 'train_cfg.max_epochs=3', 'a="b c"']
    lines = printed(capsys, '--work-dir', work_dir, '--dry-run', *options)
    assert list(tmp_path.iterdir()) == []
    assert len(lines) == 7 * 4 * 2 * 2
    titles = [line[2:] for line in lines[::2]]
    first = ['df/seed_0', 'df/seed_2', 'f2f/seed_0']
    assert titles[:3] == [f'baseline_s3d_holdout_{name}' for name in first]
    assert [title.split('_holdout_')[0] for title in titles[::8]] == [*REGIMES, 'dfdc_winner']
    train, test = (shlex.split(command) for command in lines[1].split(' && '))
    assert Path(train[1]).name == 'train.py'
    assert Path(train[2]).is_file()
    assert Path(train[2]).name == 'baseline_s3d_holdout_df.py'
    assert train[3:5] == ['--work-dir', str(work_dir / 'baseline_s3d_holdout_df' / 'seed_0')]
    assert train[-3:] == ['--seed', '0', '--resume']
    assert 'a="b c"' in train
    assert Path(test[1]).name == 'test.py'
    assert '--seed' not in test


ONE = ['--regimes', 'bin_ce', '--holdouts', 'df', '--dry-run']


def test_both_commands_have_scale_data_and_compression(tmp_path, capsys):
    shared = ['--scale', 'mini', '--data-root', tmp_path / 'my data', '--compression', 'c40']
    line = printed(capsys, '--work-dir', tmp_path / 'm', *shared, *ONE)[1]
    for command in line.split(' && '):
        words = shlex.split(command)
        assert [words[words.index(name) + 1] for name in shared[::2]] == [*map(str, shared[1::2])]


def test_the_printed_test_command_finds_the_best_checkpoint(tmp_path, capsys):
    folder = tmp_path / 'my results' / 'bin_ce_holdout_df' / 'seed_0'
    folder.mkdir(parents=True)
    # a kill has left a former best one, and the numbers are not in the order of the letters
    for name in ('epoch_9', 'epoch_12', 'epoch_12-0a1b2c3d', 'epoch_10'):
        (folder / f'best_deepfake_auc_{name}.pth').touch()
    (folder / 'epoch_13.pth').touch()
    test = printed(capsys, '--work-dir', tmp_path / 'my results', *ONE)[1].split(' && ')[1]
    arguments = test.split(' ', 1)[1]
    shown = subprocess.run(
        ['bash', '-c', f'printf "%s\\n" {arguments}'], capture_output=True, text=True
    )
    best = folder / 'best_deepfake_auc_epoch_12.pth'
    assert shown.stdout.splitlines()[2] == str(best)


def test_after_a_failed_training_nothing_is_tested(tmp_path, capsys):
    line = printed(capsys, '--work-dir', tmp_path / 'm', *ONE)[1]
    for status, told in ((0, ['train.py', 'test.py']), (1, ['train.py'])):
        shell = f'{Path(line.split()[0]).name}() {{ echo ${{1##*/}}; return {status}; }}'
        script = line.replace(line.split()[0], Path(line.split()[0]).name)
        done = subprocess.run(['bash', '-c', f'{shell}\n{script}'], capture_output=True, text=True)
        assert done.stdout.split() == told
        assert done.returncode == status


def test_launchers(tmp_path, capsys):
    words = ['--work-dir', tmp_path, '--regimes', 'bin_ce', '--holdouts', 'df', 'nt', '--dry-run']
    line = printed(capsys, *words, '--launcher', 'pytorch', '--gpus', 4)[1]
    train, test = line.split(' && ')
    assert '-m torch.distributed.run --standalone --nproc_per_node 4' in train
    assert train.count('--launcher pytorch') == test.count('--launcher pytorch') == 1
    lines = printed(capsys, *words, '--launcher', 'slurm', '--gpus', 16, '--partition', 'deep')
    first, second = shlex.split(lines[1]), shlex.split(lines[3])
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
        (['--scale', 'giant'], '--scale giant: neither a file nor'),
        (['--collect-only'], 'none of the cells asked for is here'),
        (['--embedding-of', 'bin_ce'], 'write REGIME/HOLDOUT/SEED'),
        (['--embedding-of', 'bin_ce/df/7'], '--embedding-of bin_ce/df/7: is none of the 28 cells'),
        (['--cfg-options', 'foo'], '--cfg-options foo: not KEY=VALUE (it has no "=")'),
        (['--cfg-options', '=3'], '--cfg-options =3: not KEY=VALUE (a part of its key is empty)'),
        (['--cfg-options', 'a=1', 'a..b=3'], '--cfg-options a..b=3: not KEY=VALUE (a part of its'),
        (['--cfg-options', 'load_from=x.pth'], 'load_from: has no effect here; cells are'),
        (['--cfg-options', 'a=[1,(2]'], '--cfg-options a=[1,(2]: not KEY=VALUE (Imbalanced'),
        (['--cfg-options', 'resume=True'], 'an interrupted cell is always resumed'),
        (['--cfg-options', 'work_dir=x'], 'use --work-dir'),
        (['--cfg-options', 'randomness.seed=3'], 'use --seeds'),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(words, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MMFakeError) as error:
        call('--work-dir', tmp_path / 'work', *words)
    assert part in str(error.value)
    assert '\n' not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    'words',
    [
        *(['--gpus', '2'], ['--launcher', 'slurm'], ['--jobs', '0']),
        ['--update-readme', 'README.md'],
        *(['--seeds', 'x'], ['--seeds', '-1'], ['--seeds', '4294967296']),
    ],
)
def test_usage(words, tmp_path):
    with pytest.raises(SystemExit, match='2'):
        parse(['--work-dir', str(tmp_path), *words])
