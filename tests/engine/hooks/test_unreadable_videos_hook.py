import logging

import pytest
from mmengine.logging import MMLogger

from mmfake import MMFakeError


def captured(runner, caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        runner.train()
    finally:
        logger.removeHandler(caplog.handler)
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


HOOKS = [dict(type='mmfake.UnreadableVideosHook')]


def test_each_is_named_once_and_counted_at_the_end(run, caplog):
    runner = run(HOOKS, epochs=3, streams=(), unreadable=[2, 7])
    lines = captured(runner, caplog)
    for name in ('ffpp/x/c23/002', 'ffpp/x/c23/007'):
        told = [line for line in lines if line.startswith(name)]
        assert len(told) == 1
        assert 'cannot be decoded, training goes on without it: no frame' in told[0]
    assert any(
        '2 of 12 training videos could not be decoded and were not used: '
        'ffpp/x/c23/002, ffpp/x/c23/007.' in line
        for line in lines
    )


def test_a_resumed_run_counts_on(run, caplog):
    run(HOOKS, epochs=1, streams=(), unreadable=[2]).train()
    resumed = run(HOOKS, epochs=2, streams=(), unreadable=[5], resume=True)
    lines = captured(resumed, caplog)
    assert any('2 of 12 training videos' in line for line in lines)


def test_a_dataset_that_nothing_can_be_read_of_ends_the_run(run):
    runner = run(HOOKS, streams=(), unreadable=range(7))
    with pytest.raises(MMFakeError, match='7 of 12 training videos cannot be decoded, e.g. ffpp'):
        runner.train()


def test_silent_when_all_is_well(run, caplog):
    lines = captured(run(HOOKS, streams=()), caplog)
    assert not any('decoded' in line for line in lines)
