import hashlib
import json
import shutil

import pytest
from mmengine.config import Config

from mmfake.apis.cross_manipulation.cell import Cell
from mmfake.apis.cross_manipulation.cell_config import fingerprint, settings_of
from mmfake.apis.cross_manipulation.collect_runs import collect_runs
from mmfake.apis.cross_manipulation.command import cross_manipulation


def write_training(folder, cfg, processes=1, name='20260101_000000'):
    """What a start of a training leaves."""
    (folder / name / 'vis_data').mkdir(parents=True)
    Config(cfg).dump(folder / name / 'vis_data' / 'config.py')
    (folder / name / f'{name}.log').write_text(f'    GPU number: {processes}\n')


@pytest.mark.parametrize(
    'copy', [Cell('bin_ce', 'df', 1), Cell('bin_con', 'df', 0), Cell('bin_ce', 'nt', 0)]
)
def test_a_copied_or_renamed_cell_is_lost(make_cell, copy, tmp_path):
    cell = make_cell()
    shutil.copytree(tmp_path / cell.name, tmp_path / copy.name)
    runs, lost = collect_runs(tmp_path, [cell, copy])
    assert [(run.regime, run.holdout, run.seed) for run in runs] == [('bin_ce', 'df', 0)]
    assert list(lost) == [copy]
    assert 'its cell.json is of bin_ce_holdout_df/seed_0, so this is a copy' in lost[copy]


@pytest.mark.parametrize(
    ('changed', 'reason'),
    [
        (dict(without=['threshold']), "its cell.json has no usable 'threshold'"),
        (dict(threshold='high'), "its cell.json has no usable 'threshold'"),
        (dict(without=['commit']), "its cell.json has no usable 'commit'"),
        (dict(without=['seed']), "its cell.json has no usable 'seed'"),
        (dict(method='nt'), "holds nt manipulated videos in a run that tests 'df'"),
        (dict(test_order=['ffpp/original/c23/000']), 'lacks videos of its scores.csv (ffpp/df/'),
        (dict(scores_sha256='0'), 'its scores.csv is not the one that was recorded'),
    ],
)
def test_a_bad_cell_is_lost_and_the_others_are_not(make_cell, changed, reason, tmp_path):
    good, bad = make_cell(), make_cell(seed=1, **changed)
    runs, lost = collect_runs(tmp_path, [good, bad])
    assert [run.seed for run in runs] == [good.seed]
    assert list(lost) == [bad]
    assert reason in lost[bad]


def test_the_table_is_made_without_a_bad_cell(make_cell, tmp_path, capsys):
    make_cell()
    bad = make_cell(seed=1, method='nt')
    assert cross_manipulation(['--work-dir', str(tmp_path), '--collect-only']) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f'not in the table: {bad.name}: ')
    content = json.loads((tmp_path / 'table.json').read_text())
    assert [run['seed'] for run in content['runs']] == [0]
    assert f'not in the table: {bad.name}.' in (tmp_path / 'table.md').read_text()


def test_a_record_that_is_no_json_is_lost(make_cell, tmp_path):
    cell = make_cell()
    (tmp_path / cell.name / 'cell.json').write_text('{')
    assert collect_runs(tmp_path, [cell])[1] == {
        cell: 'its cell.json cannot be read; run the cell again'
    }


def test_mislabelled_scores_are_lost(make_cell, tmp_path):
    cell = make_cell()
    scores, record = (tmp_path / cell.name / name for name in ('scores.csv', 'cell.json'))
    before = hashlib.sha256(scores.read_bytes()).hexdigest()
    scores.write_text(scores.read_text().replace(',original,0,', ',original,1,', 1))
    after = hashlib.sha256(scores.read_bytes()).hexdigest()
    record.write_text(record.read_text().replace(before, after))
    assert "expected 0, since the method is 'original'" in collect_runs(tmp_path, [cell])[1][cell]


def test_a_record_of_an_earlier_version_is_brought_up_to_date(make_cell, tmp_path):
    old = ('settings_rules', 'processes', 'total_batch')
    cell = make_cell(without=old, settings_without_seed='by other rules')
    cfg = dict(
        randomness=dict(seed=0),
        train_dataloader=dict(batch_size=8),
        optim_wrapper=dict(accumulative_counts=2),
    )
    write_training(tmp_path / cell.name, cfg, processes=4)
    (run,), lost = collect_runs(tmp_path, [cell])
    assert not lost
    assert run.info['processes'] == [4]
    assert run.info['total_batch'] == [4 * 8 * 2]
    expected = fingerprint(settings_of(Config(cfg)), with_seed=False)
    assert run.info['settings_without_seed'] == expected


def test_without_logs_a_record_of_an_earlier_version_still_counts(make_cell, tmp_path):
    cell = make_cell(without=('settings_rules', 'processes', 'total_batch'))
    (run,), _ = collect_runs(tmp_path, [cell])
    assert run.info['processes'] == run.info['total_batch'] == []
    assert run.info['settings_without_seed'] == 'bin_ce/df'
