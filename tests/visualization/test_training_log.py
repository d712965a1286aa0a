import json
import logging
import math

import pytest
from mmengine.logging import MMLogger

from mmfake.errors import MMFakeError
from mmfake.visualization.training_curves import read_training_log

LATER = '20260102_000000'


def _steps(log):
    return list(log.training['step'])


def test_training_and_validation_are_told_apart(write_log, log_lines):
    train, val = log_lines
    work_dir = write_log(
        [train(5, 1), train(9, 1, loss=1.5), val(1, 0.6, df=0.7), train(14, 2), val(2, 0.8)]
    )
    log = read_training_log(work_dir)
    assert _steps(log) == [5, 9, 14]
    assert list(log.training['epoch']) == [1, 1, 2]
    assert list(log.training['loss']) == [2.0, 1.5, 2.0]
    assert list(log.validation.index) == [1, 2]
    assert list(log.validation['auc']) == [0.6, 0.8]
    assert log.validation.loc[1, 'df/auc'] == 0.7
    assert math.isnan(log.validation.loc[2, 'df/auc'])  # not logged in that epoch
    assert log.config.randomness.seed == 7


def test_nan_is_read_as_nan(write_log, log_lines):
    train, val = log_lines
    log = read_training_log(write_log([train(5, 1), val(1, math.nan)]))
    assert math.isnan(log.validation.loc[1, 'auc'])


def test_a_resumed_run_replaces_what_it_repeats(write_log, log_lines):
    train, val = log_lines
    first = [train(5, 1, loss=1), train(10, 1, loss=1), val(1, 0.51)]
    first += [train(15, 2, loss=1), train(20, 2, loss=1), val(2, 0.52), train(25, 3, loss=1)]
    write_log(first)
    # resumed after epoch 1 with another logging interval, and killed before its validation
    work_dir = write_log([train(13, 2, loss=9), train(16, 2, loss=9)], LATER)
    log = read_training_log(work_dir)
    assert dict(zip(log.training['step'], log.training['loss'])) == {5: 1, 10: 1, 13: 9, 16: 9}
    assert dict(log.validation['auc']) == {1: 0.51}


def test_a_fresh_start_replaces_everything_and_its_config_counts(write_log, log_lines):
    train, val = log_lines
    write_log([train(5, 1), val(1, 0.9), train(10, 2), val(2, 0.9)])
    work_dir = write_log([train(5, 1)], LATER, config=dict(randomness=dict(seed=8)))
    log = read_training_log(work_dir)
    assert _steps(log) == [5]
    assert log.validation.empty
    assert log.config.randomness.seed == 8


def test_a_start_without_training_line_changes_nothing(write_log, log_lines):
    train, val = log_lines
    write_log([train(5, 1), val(1, 0.6)])
    work_dir = write_log([val(0, 0.99)], LATER)  # a validation alone is logged at epoch 0
    log = read_training_log(work_dir)
    assert dict(log.validation['auc']) == {1: 0.6}


def test_a_log_without_config(write_log, log_lines):
    assert read_training_log(write_log([log_lines[0](5, 1)], config=None)).config is None


def test_a_last_line_cut_short_is_left_out_with_one_note(write_log, log_lines, monkeypatch):
    train, val = log_lines
    work_dir = write_log([train(5, 1), val(1, 0.6), train(10, 2)])
    file = next(work_dir.glob('*/vis_data/2*.json'))
    file.write_text(file.read_text()[:-20])
    notes = []
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'log', lambda level, message: notes.append((level, message)))
    assert _steps(read_training_log(work_dir)) == [5]
    assert notes == [(logging.WARNING, f'{file}:3: the last line is cut short and left out')]


def test_a_broken_line_in_the_middle_is_named(write_log, log_lines):
    train, _ = log_lines
    work_dir = write_log([train(5, 1), train(10, 1)])
    file = next(work_dir.glob('*/vis_data/2*.json'))
    file.write_text('{"loss": 1.0, "ep\n' + file.read_text())
    with pytest.raises(MMFakeError, match=r'000\.json:1: not a JSON object .*; delete this line'):
        read_training_log(work_dir)


def test_no_log(tmp_path):
    with pytest.raises(MMFakeError, match='no training log .* run of tools/train.py'):
        read_training_log(tmp_path / 'absent')


def test_an_empty_log(write_log):
    work_dir = write_log([])
    folder = work_dir / '20260101_000000' / 'vis_data'
    (folder / '20260101_000000.json').touch()
    with pytest.raises(MMFakeError, match='no training line yet'):
        read_training_log(work_dir)


def test_a_log_by_iteration_is_refused(tmp_path):
    folder = tmp_path / 'a' / 'vis_data'
    folder.mkdir(parents=True)
    (folder / '20260101_000000.json').write_text(json.dumps(dict(loss=1.0, iter=5, step=5)))
    with pytest.raises(MMFakeError, match='without epoch; set log_processor.by_epoch=True'):
        read_training_log(tmp_path)


def test_a_config_that_cannot_be_read_is_named(write_log, log_lines):
    lost = dict(custom_imports=dict(imports=['no_such_module_'], allow_failed_imports=False))
    work_dir = write_log([log_lines[0](5, 1)], config=lost)
    with pytest.raises(MMFakeError, match=r'config\.py: .*no_such_module_') as error:
        read_training_log(work_dir)
    assert '\n' not in str(error.value)
