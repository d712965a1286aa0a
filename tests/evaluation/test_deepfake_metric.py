import hashlib
import json
import logging
import math
import multiprocessing
import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from sklearn.metrics import roc_auc_score

from mmfake.engine.hooks.validation_threshold_hook import Validation, ValidationThresholdHook
from mmfake.engine.run_log import BriefLog
from mmfake.errors import MMFakeError
from mmfake.evaluation.deepfake_metric import DeepfakeMetric
from mmfake.evaluation.scores_file import known_warnings, read_scores_file, read_sidecar


def make_samples(n=12, per_video=2, seed=0):
    """Several samples of each video, as the recognizer returns them."""
    rng = np.random.default_rng(seed)
    samples = []
    for method in ('original', 'df', 'nt'):
        for stem in range(n):
            for _ in range(per_video):
                p = rng.beta(2, 3) if method == 'original' else rng.beta(3, 2)
                sample = ActionDataSample().set_pred_score(torch.tensor([1 - p, p]))
                sample.set_metainfo(
                    dict(
                        video_id=f'ffpp/{method}/c23/{stem:03d}',
                        method=method,
                        label_bin=int(method != 'original'),
                        sample_idx=len(samples),
                        num_clips=3,
                    )
                )
                samples.append(sample)
    return samples


def expected_of(samples):
    return {
        sample.video_id: dict(method=sample.method, label=sample.label_bin) for sample in samples
    }


def run(samples, batch_size=4, expected=None, **kwargs):
    metric = DeepfakeMetric(**{'n_bootstrap': 20, **kwargs})
    evaluator = Evaluator(metric)
    evaluator.dataset_meta = dict(expected_videos=expected) if expected else {}
    for start in range(0, len(samples), batch_size):
        evaluator.process(samples[start : start + batch_size])
    return evaluator.evaluate(len(samples))


@pytest.fixture
def log():
    """Records of mmengine's current logger, which does not hand them on to pytest's caplog."""
    logger, records = MMLogger.get_current_instance(), []
    handler = logging.Handler()
    handler.emit = records.append
    level = logger.level
    logger.setLevel(logging.INFO)  # another test's runner may have asked for less
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_registered_for_configs():
    metric = METRICS.build(dict(type='DeepfakeMetric', seed=3, scores_file='s.csv'))
    assert isinstance(metric, DeepfakeMetric)
    assert (metric.threshold, metric.n_bootstrap, metric.confidence) == (None, 1000, 0.95)
    assert (metric.seed, metric.scores_file, metric.prefix) == (3, 's.csv', 'deepfake')


def test_results_against_sklearn():
    samples = make_samples()
    results = run(samples)
    truth = {}
    for sample in samples:
        truth.setdefault(sample.video_id, []).append(float(sample.pred_score[1]))
    labels = [int('original' not in video) for video in truth]
    assert results['deepfake/auc'] == pytest.approx(
        roc_auc_score(labels, [np.mean(scores) for scores in truth.values()])
    )
    nt = [video for video in truth if '/df/' not in video]
    assert results['deepfake/nt/auc'] == pytest.approx(
        roc_auc_score([int('/nt/' in v) for v in nt], [np.mean(truth[v]) for v in nt])
    )
    assert results['deepfake/n_expected'] == results['deepfake/n_scored'] == 36
    assert results['deepfake/nt/n_original'] == results['deepfake/nt/n_manipulated'] == 12
    assert results['deepfake/auc_low'] < results['deepfake/auc'] < results['deepfake/auc_high']
    assert all(type(value) is float for value in results.values())


def test_the_threshold_of_the_validation_serves_the_test():
    validation = run(make_samples(seed=1))
    chosen = validation['deepfake/threshold_bacc']
    assert not [key for key in validation if 'acc_val' in key or key == 'deepfake/threshold']

    samples = make_samples(per_video=1)
    metric = DeepfakeMetric(n_bootstrap=5)
    metric.threshold = chosen  # as a hook does after building the metric
    metric.process(None, [sample.to_dict() for sample in samples])
    test = metric.evaluate(len(samples))
    right = [(float(s.pred_score[1]) >= chosen) == bool(s.label_bin) for s in samples]
    assert test['deepfake/acc_val'] == pytest.approx(np.mean(right))
    assert test['deepfake/threshold'] == chosen
    assert 'deepfake/threshold_bacc' not in test  # nothing is chosen on the test
    assert {'deepfake/df/acc_val', 'deepfake/acc_val_low'} <= set(test)


def test_the_temperature_of_the_validation_calibrates_the_test():
    validation = run(make_samples(seed=1))
    temperature = validation['deepfake/temperature']
    confidences = [validation[f'deepfake/confidence_at_{percent}'] for percent in (95, 80, 50)]
    assert confidences == sorted(confidences)
    assert not [key for key in validation if 'calibrated' in key]
    samples = make_samples(per_video=1)
    metric = DeepfakeMetric(n_bootstrap=5)
    metric.threshold, metric.temperature = 0.4, temperature
    metric.process(None, [sample.to_dict() for sample in samples])
    test = metric.evaluate(len(samples))
    assert 'deepfake/temperature' not in test  # nothing is fitted on the test
    labels = np.array([int(sample.label_bin) for sample in samples])
    odds = np.array([float(s.pred_score[1]) / float(s.pred_score[0]) for s in samples])
    tempered = 1 / (1 + odds ** (-1 / temperature))
    halves = [np.mean((tempered - labels)[labels == label] ** 2) for label in (0, 1)]
    assert test['deepfake/brier_calibrated'] == pytest.approx(np.mean(halves), abs=1e-6)
    assert test['deepfake/ece_calibrated_low'] <= test['deepfake/ece_calibrated_high']


def test_batch_size_and_order_change_nothing():
    samples = make_samples()
    shuffled = random.Random(0).sample(samples, len(samples))
    first = run(samples, batch_size=1)
    assert first == run(shuffled, batch_size=7) == run(samples[::-1], batch_size=100)
    assert first['deepfake/auc_low'] != run(samples, seed=1)['deepfake/auc_low']


@pytest.mark.parametrize('noise', [0.0, 1e-7])
def test_equal_scores_give_a_warning_and_no_threshold(noise, log):
    samples = make_samples(n=3)
    for place, sample in enumerate(samples):
        sample.pred_score = torch.tensor([0.7, 0.3]) + noise * (place % 2)
    results = run(samples)
    assert noise or results['deepfake/threshold_bacc'] == 0.5
    (warning,) = (r.getMessage() for r in log if r.levelno == logging.WARNING)
    assert warning.startswith('all 9 scores are equal (0.3000): the detector does not tell videos')


def test_the_sidecar_says_what_the_scores_are_of(tmp_path, log):
    samples, path, checkpoint = make_samples(n=3), tmp_path / 'scores.csv', tmp_path / 'a.pth'
    checkpoint.write_bytes(b'weights')
    facts = dict(checkpoint=str(checkpoint), config='c.py', averaging='prob')
    metric = DeepfakeMetric(n_bootstrap=0, scores_file=str(path), facts=facts)
    metric.threshold = 0.25  # as a hook does
    metric.process(None, [sample.to_dict() for sample in samples])
    metric.evaluate(len(samples))
    names = sorted({sample.video_id for sample in samples})
    assert json.loads((tmp_path / 'scores.json').read_text()) == dict(
        facts,
        checkpoint_sha256=hashlib.sha256(b'weights').hexdigest(),
        scores_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        videos=9,
        videos_sha256=hashlib.sha256('\n'.join(names).encode()).hexdigest(),
        threshold=0.25,
        threshold_from='chosen on validation',
    )

    # the same list replaces the file, another one keeps it and says what differs
    text = path.read_text()
    run(samples, scores_file=str(path), threshold=0.5)
    assert json.loads((tmp_path / 'scores.json').read_text())['threshold_from'] == 'given'
    assert sorted(file.name for file in tmp_path.glob('scores*')) == ['scores.csv', 'scores.json']
    run(samples[2:], scores_file=str(path))
    warning = log[-1].getMessage()
    assert 'other videos than before, 8 instead of 9: 1 missing (ffpp/original/c23/000)' in warning
    (kept,) = tmp_path.glob('scores-*.csv')
    assert warning.endswith(f'the earlier scores are kept as {kept.name}')
    assert (kept.read_text(), kept.with_suffix('.json').is_file()) == (text, True)


@pytest.mark.parametrize('world_size', [2, 5])
def test_ranks_and_padding_change_nothing(world_size):
    samples = [sample.to_dict() for sample in make_samples(n=7)]  # 42 samples
    padded = samples + samples[: -len(samples) % world_size]
    ranks = [DeepfakeMetric(n_bootstrap=20) for _ in range(world_size)]
    for rank, metric in enumerate(ranks):
        metric.process(None, padded[rank::world_size])
    gathered = ranks[0].compute_metrics([metric.results for metric in ranks])

    single = DeepfakeMetric(n_bootstrap=20)
    single.process(None, samples)
    assert gathered == single.compute_metrics([single.results])


def judge_a_share(rank, folder):
    """One of two processes: contiguous, uneven and overlapping shares."""
    store = f'file://{folder}/store'
    torch.distributed.init_process_group('gloo', init_method=store, rank=rank, world_size=2)
    samples = make_samples()
    evaluator = Evaluator(DeepfakeMetric(n_bootstrap=20, scores_file=f'{folder}/scores.csv'))
    evaluator.dataset_meta = dict(expected_videos=expected_of(samples))
    evaluator.process(samples[:50] if rank == 0 else samples[48:])
    results = evaluator.evaluate(len(samples))
    Path(folder, f'rank{rank}.json').write_text(json.dumps(results))


def test_two_real_processes(tmp_path):
    """What mmengine's own gathering would cut; forked, as a cold import would take longest."""
    fork = multiprocessing.get_context('fork')
    processes = [
        fork.Process(target=judge_a_share, args=(rank, tmp_path), daemon=True) for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    alone = run(make_samples(), expected=expected_of(make_samples()))
    for rank in (0, 1):
        assert json.loads((tmp_path / f'rank{rank}.json').read_text()) == alone
    frame = read_scores_file(tmp_path / 'scores.csv')
    assert len(frame) == 36
    assert set(frame['clips']) == {6}


def test_nothing_vanishes(tmp_path, log):
    samples = make_samples(n=4, per_video=1)
    expected = expected_of(samples)
    samples[0].set_metainfo(dict(unreadable='cut short'))
    samples[5].pred_score = torch.full((2,), math.nan)
    arrived = samples[:-2]  # the last two never do
    path = tmp_path / 'new' / 'scores.csv'
    results = run(arrived, expected=expected, scores_file=str(path))

    assert (results['deepfake/n_expected'], results['deepfake/n_scored']) == (12, 8)
    assert (results['deepfake/n_original'], results['deepfake/df/n_manipulated']) == (3, 3)
    assert results['deepfake/nt/n_expected'] == 8
    frame = read_scores_file(path).set_index('video')
    assert len(frame) == 12
    assert frame['reason'][frame['status'] == 'not-scored'].to_dict() == {
        'ffpp/original/c23/000': 'cut short',
        'ffpp/df/c23/001': 'the score is not a number',
        'ffpp/nt/c23/002': 'no prediction',
        'ffpp/nt/c23/003': 'no prediction',
    }
    for sample in arrived[1:5]:
        assert frame['score'][sample.video_id] == float(sample.pred_score[1])
    (summary,) = [record for record in log if record.getMessage().startswith('scored ')]
    assert summary.levelno == logging.WARNING
    assert summary.getMessage().startswith(
        'scored 8 of 12 videos; not scored: 4 (no prediction x 2: ffpp/nt/c23/002, ffpp/nt/c23/003;'
    )


def test_log_has_table_summary_and_level(log):
    found = run(make_samples(n=3), threshold=0.4, n_bootstrap=30, confidence=0.9, seed=2)
    messages = [record.getMessage() for record in log]
    table = messages[0].splitlines()
    assert [line.split('|')[1].strip() for line in table[1:6]] == [
        *('videos', '---------'),
        *('overall', 'df', 'nt'),
    ]
    assert table[6] == 'threshold given: 0.4000'
    assert messages[1:] == [
        'scored 9 of 9 videos; not scored: 0',
        '90 % stratified bootstrap, B=30, seed 2',
        'scores as probabilities: ECE {ece:.3f} [{ece_low:.3f}, {ece_high:.3f}], Brier score '
        '{brier:.3f} [{brier_low:.3f}, {brier_high:.3f}]'.format(
            **{key.split('/')[-1]: value for key, value in found.items() if key.count('/') == 1}
        ),
    ]
    assert {record.levelno for record in log} == {logging.INFO}


@pytest.mark.parametrize('kept', ['original', 'df', None])
def test_undefined_is_nan_with_one_warning(kept, log):
    samples = [sample for sample in make_samples(n=3) if sample.method == kept]
    results = run(samples)
    assert all(math.isnan(results[f'deepfake/{key}']) for key in ('auc', 'eer', 'threshold_bacc'))
    assert math.isnan(results['deepfake/acc']) == (kept is None)
    warnings = [r.getMessage() for r in log if r.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert 'need scored videos of both classes; they are NaN for overall (' in warnings[0]


def test_reusable_for_the_next_epoch():
    metric = DeepfakeMetric(n_bootstrap=0)
    for seed in (0, 1):
        samples = make_samples(seed=seed)
        metric.process(None, [sample.to_dict() for sample in samples])
        assert metric.evaluate(len(samples)) == run(samples, n_bootstrap=0)


def test_contradiction_and_wrong_shape():
    samples = make_samples(n=3)
    samples[0].set_metainfo(dict(label_bin=1))
    with pytest.raises(MMFakeError, match="'ffpp/original/c23/000' has contradicting labels"):
        run(samples)
    samples[0].pred_score = torch.tensor([0.2, 0.2, 0.6])
    with pytest.raises(MMFakeError, match=r"'ffpp/original/c23/000' has shape \(3,\)"):
        run(samples)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(threshold=1.2), 'threshold=1.2; use a score'),
        (dict(threshold=math.nan), 'threshold=nan'),
        (dict(n_bootstrap=-1), 'n_bootstrap=-1; use 1000'),
        (dict(confidence=95), 'confidence=95; use 0.95'),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(MMFakeError, match=message):
        DeepfakeMetric(**kwargs)


def test_bad_threshold_set_later():
    metric = DeepfakeMetric()
    with pytest.raises(MMFakeError, match='threshold=-0.1'):
        metric.threshold = -0.1
    assert metric.threshold is None


def test_what_the_set_up_of_a_test_warned_of_stands_beside_the_scores(tmp_path):
    logger, brief = MMLogger.get_current_instance(), BriefLog('')
    logger.addFilter(brief)
    try:
        logger.warning('12 of the 48 test videos were training videos')
        metric = DeepfakeMetric(n_bootstrap=0, scores_file=str(tmp_path / 'scores.csv'))
        metric.process(None, [sample.to_dict() for sample in make_samples()])
        logger.warning('a video is broken')  # which its row says
        metric.evaluate(1)
    finally:
        logger.removeFilter(brief)
    facts, _ = read_sidecar(tmp_path / 'scores.csv')
    assert known_warnings(facts) == ['12 of the 48 test videos were training videos']


def test_a_detector_at_chance_stands_beside_the_scores(tmp_path):
    metric = DeepfakeMetric(n_bootstrap=0, scores_file=str(tmp_path / 'scores.csv'))
    hook, known = ValidationThresholdHook(), Validation(0.53, 0.35, 0.71, 16, 48, None)
    hook.after_load_checkpoint(None, dict(meta={hook.VALIDATION_KEY: known._asdict()}))
    hook.before_test(SimpleNamespace(test_evaluator=SimpleNamespace(metrics=[metric])))
    metric.process(None, [sample.to_dict() for sample in make_samples()])
    metric.evaluate(1)
    facts, _ = read_sidecar(tmp_path / 'scores.csv')
    assert known_warnings(facts) == [known.warning]


def test_the_auc_comes_first_which_save_best_auto_takes():
    metrics = run(make_samples())
    assert next(iter(metrics)) == 'deepfake/auc'
    assert list(metrics).count('deepfake/auc') == 1
