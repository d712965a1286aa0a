import pytest
from mmengine.config import Config

from mmfake import MMFakeError
from mmfake.apis.cross_manipulation.cell_config import (
    cell_config,
    fingerprint,
    first_difference,
    settings_of,
)

CFG = dict(
    work_dir='a',
    log_level='INFO',
    visualizer=dict(type='ActionVisualizer', vis_backends=[dict(type='LocalVisBackend')]),
    default_hooks=dict(
        logger=dict(type='LoggerHook', interval=20),
        checkpoint=dict(interval=1, by_epoch=True, save_best='deepfake/auc'),
    ),
    train_dataloader=dict(batch_size=4, num_workers=2),
    train_cfg=dict(max_epochs=3),
)


@pytest.mark.parametrize(
    'options',
    [
        {'default_hooks.logger.interval': 50},
        {'work_dir': 'b'},
        {'visualizer.vis_backends': []},
        {'log_level': 'ERROR'},
        {'log_processor': dict(window_size=5)},
        {'default_hooks.checkpoint.by_epoch': False},
        {'default_hooks.checkpoint.interval': 20},
        {'train_dataloader.num_workers': 0},
    ],
)
def test_what_a_run_logs_and_keeps_is_no_setting(options):
    cfg = Config(CFG)
    cfg.merge_from_dict(options)
    assert first_difference(settings_of(Config(CFG)), settings_of(cfg)) is None
    assert fingerprint(settings_of(Config(CFG))) == fingerprint(settings_of(cfg))


@pytest.mark.parametrize(
    ('key', 'value', 'said'),
    [
        ('default_hooks.checkpoint.save_best', 'x', '"deepfake/auc", now "x"'),
        ('train_dataloader.batch_size', 8, '4, now 8'),
        ('train_cfg.max_epochs', 30, '3, now 30'),
        ('default_hooks.logger_of_mine', 1, 'not there, now 1'),
    ],
)
def test_what_decides_the_result_is_one(key, value, said):
    cfg = Config(CFG)
    cfg.merge_from_dict({key: value})
    assert first_difference(settings_of(Config(CFG)), settings_of(cfg)) == f'{key}: {said}'
    assert fingerprint(settings_of(Config(CFG))) != fingerprint(settings_of(cfg))


@pytest.mark.parametrize('option', ['param_scheduler.7.end=3', 'param_scheduler.x=1'])
def test_options_that_do_not_fit_are_one_line(option, tmp_path):
    path = tmp_path / 'c.py'
    path.write_text('param_scheduler = [dict(end=1)]\ntrain_cfg = dict(max_epochs=1)\na = 3\n')
    with pytest.raises(MMFakeError) as error:
        cell_config(path, 0, ['--cfg-options', option])
    text = f'{path}: the options --cfg-options {option} do not fit it'
    assert str(error.value).startswith(text)
    assert '\n' not in str(error.value)
