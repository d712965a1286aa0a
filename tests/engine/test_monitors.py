"""Metrics by which a run is steered, and the rule of each."""

import pytest

from mmfake.engine.monitors import check_monitors
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
