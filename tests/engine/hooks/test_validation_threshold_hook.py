from types import SimpleNamespace

import pytest
import torch

from mmfake import DeepfakeMetric, ValidationThresholdHook


def runner_at(iteration, metric=None):
    evaluator = SimpleNamespace(metrics=[metric, SimpleNamespace()])
    return SimpleNamespace(iter=iteration, test_evaluator=evaluator)


def test_travels_with_the_weights_it_was_chosen_for():
    hook = ValidationThresholdHook()
    hook.after_val_epoch(runner_at(10), {'deepfake/threshold_bacc': 0.3, 'deepfake/auc': 0.8})
    best, later = dict(meta={}), dict(meta={})
    hook.before_save_checkpoint(runner_at(10), best)  # the best checkpoint, saved after validation
    hook.before_save_checkpoint(runner_at(20), later)  # the next epoch, not validated yet
    assert best['meta'] == dict(val_threshold=0.3)
    assert later['meta'] == {}

    tester, metric = ValidationThresholdHook(), DeepfakeMetric()
    tester.after_load_checkpoint(runner_at(0), best)
    tester.before_test(runner_at(0, metric))
    assert metric.threshold == 0.3


@pytest.mark.parametrize('metrics', [None, {}, {'deepfake/threshold_bacc': float('nan')}])
def test_no_threshold_is_no_threshold(metrics):
    hook, checkpoint, metric = ValidationThresholdHook(), dict(meta={}), DeepfakeMetric()
    hook.after_val_epoch(runner_at(10), metrics)
    hook.before_save_checkpoint(runner_at(10), checkpoint)
    assert checkpoint['meta'] == {}
    hook.after_load_checkpoint(runner_at(0), dict(state_dict=torch.zeros(1)))
    hook.before_test(runner_at(0, metric))
    assert metric.threshold is None


def test_a_threshold_in_the_config_wins():
    hook, metric = ValidationThresholdHook(), DeepfakeMetric(threshold=0.7)
    hook.after_load_checkpoint(runner_at(0), dict(meta=dict(val_threshold=0.2)))
    hook.before_test(runner_at(0, metric))
    assert metric.threshold == 0.7
