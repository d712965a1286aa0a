import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MMLogger

from mmfake import DeepfakeMetric, ValidationThresholdHook
from mmfake.engine.hooks import validation_threshold_hook
from mmfake.engine.hooks.validation_threshold_hook import Validation

FOUND = dict(auc=0.9512, auc_low=0.897, auc_high=0.994, n_original=32.0, n_manipulated=32.0)
FOUND = {f'deepfake/{key}': value for key, value in FOUND.items()}
FOUND['deepfake/threshold_bacc'] = 0.3
SENTENCE = 'On its 64 validation videos this detector had AUC 0.951 [0.897, 0.994].'


@pytest.fixture
def told(monkeypatch):
    """What is logged: level and line."""
    lines = []

    def log(line, logger, level=logging.INFO):
        lines.append((level, line))

    monkeypatch.setattr(validation_threshold_hook, 'print_log', log)
    return lines


def runner_at(iteration, metric=None):
    evaluator = SimpleNamespace(metrics=[SimpleNamespace(), metric])
    both = dict(test_evaluator=evaluator, val_evaluator=evaluator)
    return SimpleNamespace(iter=iteration, epoch=iteration // 10, **both)


def saved(metrics, validated_at=10, saved_at=10, **settings):
    """The meta of a checkpoint."""
    hook, checkpoint = ValidationThresholdHook(), dict(meta={})
    hook.after_val_epoch(runner_at(validated_at, DeepfakeMetric(**settings)), metrics)
    hook.before_save_checkpoint(runner_at(saved_at), checkpoint)
    return checkpoint['meta']


def threshold_in_test(meta, metric):
    """Set the threshold for a test with a checkpoint of this meta."""
    hook = ValidationThresholdHook()
    hook.after_load_checkpoint(runner_at(0), dict(meta=meta))
    hook.before_test(runner_at(0, metric))
    hook.after_test_epoch(runner_at(0, metric), {})
    return metric.threshold


def test_the_temperature_travels_beside_it(told):
    keys = {'temperature': 1.5, 'confidence_at_50': 0.9, 'confidence_at_90': 0.6}
    found = dict(FOUND, **{f'deepfake/{key}': value for key, value in keys.items()})
    meta = saved(found)
    assert meta['calibration'] == dict(temperature=1.5, confidences={50: 0.9, 90: 0.6})
    metric = DeepfakeMetric()
    threshold_in_test(meta, metric)
    assert metric.temperature == 1.5
    assert 'calibration' not in saved(dict(found, **{'deepfake/auc_low': 0.5}))  # at chance
    assert 'calibration' not in saved(FOUND)
    metric = DeepfakeMetric()
    threshold_in_test(dict(meta, calibration='nonsense'), metric)
    assert metric.temperature is None


def test_travels_with_the_weights_it_was_chosen_for(told):
    best = saved(FOUND)  # the best checkpoint, saved after validation
    assert best['val_threshold'] == 0.3
    expected = dict(auc=0.9512, low=0.897, high=0.994, n_original=32, n_manipulated=32)
    assert best['validation'] == dict(expected, threshold=0.3, confidence=0.95)
    assert saved(FOUND, saved_at=20) == {}  # the next epoch, not validated yet
    assert told == []
    assert threshold_in_test(best, DeepfakeMetric()) == 0.3
    assert told == [
        (logging.INFO, 'Threshold chosen on validation, from the checkpoint: 0.3000.'),
        (logging.INFO, SENTENCE),
    ]


@pytest.mark.parametrize(
    ('auc', 'low', 'high'),
    [(0.5, 0.5, 0.5), (0.62, 0.49, 0.7), (0.3, 0.2, 0.4), (0.5, None, None)],
)
def test_a_detector_at_chance_hands_no_threshold_on(told, auc, low, high):
    found = dict(FOUND, **{'deepfake/auc': auc, 'deepfake/auc_low': low, 'deepfake/auc_high': high})
    meta = saved({key: value for key, value in found.items() if value is not None})
    assert meta['validation']['threshold'] is None
    assert 'val_threshold' not in meta
    assert threshold_in_test(meta, DeepfakeMetric()) is None
    (first, source, last) = told  # of training and of the test
    assert first == (logging.WARNING, f'epoch 1: {last[1]}')
    assert f'AUC {auc:.3f}' in first[1]
    assert 'no better than chance (0.5)' in first[1]
    assert source[1] == 'No threshold from validation in the checkpoint: 0.5 is used.'


def test_chance_is_told_again_in_the_log_of_a_training(tmp_path):
    MMLogger.get_instance(str(tmp_path), log_file=str(tmp_path / 'log'))  # drops what it has said
    hook = ValidationThresholdHook()
    hook.after_val_epoch(runner_at(10), dict(FOUND, **{'deepfake/auc_low': 0.5}))
    hook.after_train(runner_at(20))
    first, again = (tmp_path / 'log').read_text().splitlines()
    assert 'epoch 1: AUC 0.951' in first
    assert again.endswith(f'To bear in mind: {first.split(" - ")[-1]}')
    del MMLogger._instance_dict[str(tmp_path)]


def test_chance_is_told_again_at_the_end_of_training(told):
    hook = ValidationThresholdHook()
    hook.after_train(runner_at(0))
    hook.after_val_epoch(runner_at(10), dict(FOUND, **{'deepfake/auc_low': 0.5}))
    hook.after_train(runner_at(20))
    assert len(told) == 2
    hook.after_val_epoch(runner_at(20), FOUND)
    hook.after_train(runner_at(30))
    assert len(told) == 2


def test_at_the_end_a_reader_knows_that_the_best_checkpoint_is_not_meant(told):
    hook, checkpoint = ValidationThresholdHook(), dict(meta={})
    hook.after_val_epoch(runner_at(10), FOUND)
    hook.before_save_checkpoint(runner_at(10), checkpoint)
    hook.after_val_epoch(runner_at(20), dict(FOUND, **{'deepfake/auc_low': 0.5}))
    hook.after_train(runner_at(20))
    assert checkpoint['meta']['val_threshold'] == 0.3
    assert told[-1][1].startswith('To bear in mind: epoch 2: AUC 0.951 ')


@pytest.mark.parametrize('low', [0.897, 0.45])
def test_the_level_of_the_interval_travels_with_it_and_is_said(told, low):
    eye = dict(auc=0.8, auc_low=0.7, auc_high=0.9, n_unaltered=48.0, n_altered=16.0)
    found = {f'deepfake/eye_altered/{key}': value for key, value in eye.items()}
    found.update(FOUND, **{'deepfake/auc_low': low, 'deepfake/eye_altered/threshold_bacc': 0.4})
    meta = saved(found, confidence=0.8)
    threshold_in_test(meta, DeepfakeMetric())
    assert meta['validation']['confidence'] == 0.8
    assert f'AUC 0.951 [80 % interval: {low:.3f}, 0.994]' in told[-1][1]
    assert ('no better than chance' in told[-1][1]) == (low < 0.5)
    judged = Validation.from_dict(meta['validation_prompts']['eye'])
    assert judged.worth.startswith('validation AUC 0.800 [80 % interval: 0.700, 0.900], n = 16')
    del meta['validation']['confidence']  # as of an older checkpoint
    assert Validation.from_dict(meta['validation']).confidence == 0.95


@pytest.mark.parametrize(
    'metrics', [None, {}, dict(FOUND, **{'deepfake/threshold_bacc': float('nan')})]
)
def test_no_threshold_is_no_threshold(metrics):
    assert saved(metrics) == {}
    hook, metric = ValidationThresholdHook(), DeepfakeMetric()
    hook.after_load_checkpoint(runner_at(0), dict(state_dict=torch.zeros(1)))
    hook.before_test(runner_at(0, metric))
    assert metric.threshold is None
    # nor is one found on the test videos
    samples = [
        dict(method=method, label_bin=int(method != 'original'), pred_score=[1 - score, score])
        for method, score in (('original', 0.2), ('original', 0.4), ('df', 0.3), ('df', 0.8))
    ]
    ids = (f'ffpp/{sample["method"]}/c23/{place}' for place, sample in enumerate(samples))
    metric.process(None, [dict(sample, video_id=name) for sample, name in zip(samples, ids)])
    keys = {key.split('/')[-1] for key in metric.evaluate(4)}
    assert keys.isdisjoint(['threshold_bacc', 'temperature', 'confidence_at_90', 'acc_val'])
    assert {'auc', 'ece', 'brier'} <= keys


def test_an_older_checkpoint_has_a_threshold_alone(told):
    assert threshold_in_test(dict(val_threshold=0.2), DeepfakeMetric()) == 0.2
    assert len(told) == 1


def test_a_threshold_in_the_config_wins(told):
    assert threshold_in_test(dict(val_threshold=0.2), DeepfakeMetric(threshold=0.7)) == 0.7
    assert told == [(logging.INFO, 'Threshold as given: 0.7000.')]


def test_so_do_the_thresholds_of_prompts_that_validation_could_judge(told):
    eye = dict(auc=0.8, auc_low=0.7, auc_high=0.9, n_unaltered=48.0, n_altered=16.0)
    nose = dict(eye, auc=0.55, auc_low=0.4)  # no better than chance
    found = {f'deepfake/eye_altered/{key}': value for key, value in eye.items()}
    found.update({f'deepfake/physical_consistency_altered/{key}': v for key, v in nose.items()})
    for name in ('eye', 'physical_consistency'):
        found[f'deepfake/{name}_altered/threshold_bacc'] = 0.4
    judged = saved({**FOUND, **found})['validation_prompts']
    expected = dict(auc=0.8, low=0.7, high=0.9, n_original=48, n_manipulated=16, threshold=0.4)
    assert judged['eye'] == dict(expected, confidence=0.95)
    assert judged['physical consistency']['threshold'] is None
    assert set(judged) == {'eye', 'physical consistency'}, 'illumination had no video'
    assert 'validation_prompts' not in saved(FOUND)
