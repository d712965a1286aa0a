"""Log of a run: what is folded, and what comes last again."""

import pytest
from mmengine.logging import MMLogger, print_log

from mmfake.engine.run_log import (
    BriefLog,
    _later_start,
    forget_warnings,
    paramwise_line,
    repeat_warnings,
)

TABLE = """Hooks will be executed in the following order:
before_run:
(VERY_HIGH   ) RuntimeInfoHook                    
(BELOW_NORMAL) LoggerHook                         
 -------------------- 
after_run:
(BELOW_NORMAL) LoggerHook                         
"""  # noqa: W291 - as mmengine makes it


@pytest.fixture
def log(tmp_path):
    """A logger with the filter, and what it wrote so far, without the time of day."""
    path = tmp_path / 'log'
    logger = MMLogger.get_instance(str(tmp_path), log_file=str(path))
    logger.addFilter(BriefLog('by parameter'))
    yield logger, lambda: [line.split(' - ')[-1] for line in path.read_text().splitlines()]
    del MMLogger._instance_dict[str(tmp_path)]


def test_hundreds_of_lines_become_one(log):
    logger, lines = log
    logger.info('first')
    for number in range(100):
        print_log(f'paramwise_options -- backbone.{number}:lr=0.1', logger='current')
    logger.info(TABLE)
    logger.warning('"FileClient" will be deprecated in future.')
    logger.warning('"HardDiskBackend" is the alias of "LocalBackend"')
    logger.warning('backbone.0.weight is skipped since its requires_grad=False')
    logger.info('100 % of it')
    assert lines() == [
        *('first', 'by parameter', 'Hooks: RuntimeInfoHook, LoggerHook.', '100 % of it'),
    ]


def test_warnings_of_the_set_up_come_twice_more(log):
    logger, lines = log
    logger.warning('at random')
    logger.info('begins')
    repeat_warnings(logger, 'Before')
    logger.warning('of an epoch')
    repeat_warnings(logger, 'Last')
    assert lines() == ['at random', 'begins', 'Before: at random', 'of an epoch', 'Last: at random']


def test_weights_that_were_replaced_are_not_warned_of_again(log):
    logger, lines = log
    logger.warning('at random')
    logger.warning('of the videos')
    (brief,) = [part for part in logger.filters if isinstance(part, BriefLog)]
    brief.of_weights.append('at random')  # as BriefRunner notes it
    forget_warnings(logger)
    repeat_warnings(logger, 'Last')
    assert lines() == ['at random', 'of the videos', 'Last: of the videos']


@pytest.mark.parametrize(
    ('paramwise', 'said'),
    [
        (None, 'by parameter: , the rest'),
        (
            dict(custom_keys={'backbone': dict(lr_mult=0.1, decay_mult=0), 'x': dict(lr_mult=2)}),
            ': backbone lr x 0.1, backbone weight decay x 0, x lr x 2, the rest x 1.',
        ),
        (dict(norm_decay_mult=0.0), ': norm_decay_mult=0.0, the rest x 1.'),
    ],
)
def test_the_line_for_the_options_by_parameter(paramwise, said):
    assert said in paramwise_line(dict(optim_wrapper=dict(paramwise_cfg=paramwise)))


@pytest.mark.parametrize(
    ('before', 'name'),
    [
        ([], '20261025_020500'),
        (['20261025_015959', 'vis_data'], '20261025_020500'),
        (['20261025_023000'], '20261025_023001'),  # the clock was set back
        (['20261025_020500'], '20261025_020501'),  # two starts in one second
        (['20261231_235959'], '20270101_000000'),
    ],
)
def test_a_start_is_named_later_than_those_before_it(tmp_path, before, name):
    for folder in before:
        (tmp_path / folder).mkdir()
    assert _later_start(str(tmp_path), '20261025_020500') == name
