"""Metrics by which a run is steered, and the rule of each."""

import pytest
import torch
from mmengine.registry import PARAM_SCHEDULERS

from mmfake.engine.monitors import check_monitors, told_of_schedule
from mmfake.errors import MMFakeError

OURS = dict(type='mmfake.DeepfakeMetric')


def cfg(evaluator=OURS, **parts):
    return dict(val_evaluator=evaluator, **parts)


def best(save_best, rule='greater'):
    return dict(default_hooks=dict(checkpoint=dict(save_best=save_best, rule=rule), timer=None))


def early(**settings):
    return dict(custom_hooks=[dict(type='EarlyStoppingHook', **settings)])


@pytest.mark.parametrize(
    ('parts', 'told'),
    [
        (best('deepfake/eer'), r"checkpoint.rule .* set rule='less'"),
        (best('deepfake/auc_low', 'less'), r"set rule='greater'"),
        (best(['deepfake/auc', 'deepfake/brier'], ['greater', 'greater']), 'deepfake/brier'),
        (best('acc/top1'), "save_best of the config is 'acc/top1', which no validation gives"),
        (early(monitor='deepfake/df/eer', rule='greater'), r'custom_hooks.0.rule'),
        (early(monitor='auc'), r"custom_hooks.0.monitor of the config is 'auc'"),
        (dict(param_scheduler=dict(type='ReduceOnPlateauLR', monitor='deepfake/auc')), 'scheduler'),
    ],
)
def test_a_rule_that_takes_the_worst_and_a_metric_that_is_not_there(parts, told):
    for evaluator in (OURS, [OURS]):
        with pytest.raises(MMFakeError, match=told):
            check_monitors(cfg(evaluator, **parts))
    check_monitors(cfg(dict(type='AccMetric'), **parts))  # its metrics are not known here
    check_monitors(cfg(None, **parts))


@pytest.mark.parametrize(
    'parts',
    [
        best('deepfake/auc'),
        best('auto'),
        best(None),
        best('deepfake/eer', 'less'),
        best(['deepfake/auc', 'deepfake/eer'], ['greater', 'less']),
        early(monitor='deepfake/auc'),
        dict(param_scheduler=[dict(type='PolyLR'), dict(monitor='deepfake/n_scored', rule='less')]),
    ],
)
def test_what_is_meant_passes(parts):
    check_monitors(cfg(**parts))


WARMUP = dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=2)
COSINE = dict(type='CosineAnnealingLR', T_max=6, eta_min=0, by_epoch=True, begin=2, end=8)
STEP = dict(type='MultiStepLR', milestones=[3], by_epoch=True, begin=0, end=8)


@pytest.mark.parametrize(
    ('schedule', 'length', 'told'),
    [
        ([WARMUP, COSINE], 8, False),
        ([WARMUP, COSINE], 4, False),
        ([WARMUP, COSINE], 12, True),
        ([WARMUP], 12, False),
        ([STEP], 12, False),
        (dict(COSINE, T_max=8, begin=0), 9, True),
        ([dict(type='PolyLR', power=0.9, eta_min=0, by_epoch=True, begin=0, end=8)], 12, True),
        ([dict(type='CosineAnnealingLR', T_max=5, eta_min=0, by_epoch=True)], 12, False),
        (None, 12, False),
    ],
)
def test_epochs_after_the_end_of_the_learning_rate_are_told(schedule, length, told):
    parts = schedule if isinstance(schedule, list) else [schedule] * (schedule is not None)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    built = [PARAM_SCHEDULERS.build(dict(part, optimizer=optimizer)) for part in parts]
    rates = []
    for _ in range(length):
        rates.append(optimizer.param_groups[0]['lr'])
        for one in built:
            one.step()
    # the last two epochs have the same low rate
    assert (rates[-1] == rates[-2] < 0.09) == told
    cfg = dict(param_scheduler=schedule, train_cfg=dict(max_epochs=length))
    assert bool(told_of_schedule(cfg)) == told
    assert not told or f'ends at epoch 8 of {length}' in told_of_schedule(cfg)


def test_a_schedule_of_iterations():
    schedule = dict(type='PolyLR', by_epoch=False, begin=0, end=90)
    cfg = dict(param_scheduler=[schedule], train_cfg=dict(max_iters=100))
    assert 'ends at iteration 90 of 100' in told_of_schedule(cfg)
    assert told_of_schedule(dict(cfg, train_cfg=dict(max_epochs=100))) == ''
