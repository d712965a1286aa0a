import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    roc_auc_score,
)

from mmfake.evaluation.statistics import binary_metrics, bootstrap_intervals, replicate_metrics


def make_videos(n_original, n_manipulated, seed=0, decimals=8):
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n_original, n_manipulated])
    return labels, np.round(1 / (1 + np.exp(-rng.normal(labels - 0.3))), decimals)


@pytest.mark.parametrize('decimals', [1, 8])  # with one decimal most scores are tied
def test_replicates_equal_sklearn(decimals):
    labels, scores = make_videos(15, 25, decimals=decimals)
    order = np.random.default_rng(1).permutation(len(labels))
    labels, scores = labels[order], scores[order]
    counts = np.random.default_rng(2).integers(0, 4, size=(30, len(labels)))
    ours = replicate_metrics(labels, scores, counts, threshold=0.42)

    for row, weight in enumerate(counts):
        right = dict(sample_weight=weight)
        assert ours['auc'][row] == pytest.approx(roc_auc_score(labels, scores, **right))
        assert ours['ap'][row] == pytest.approx(average_precision_score(labels, scores, **right))
        assert ours['acc'][row] == pytest.approx(accuracy_score(labels, scores >= 0.5, **right))
        assert ours['bacc'][row] == pytest.approx(
            balanced_accuracy_score(labels, scores >= 0.5, **right)
        )
        assert ours['acc_val'][row] == pytest.approx(
            accuracy_score(labels, scores >= 0.42, **right)
        )
        # a weight is a repetition: write the replicate out and measure it as a test set
        repeated = binary_metrics(np.repeat(labels, weight), np.repeat(scores, weight), 0.42)
        assert {name: ours[name][row] for name in ours} == pytest.approx(repeated)


def test_interval_ends_equal_a_plain_bootstrap():
    labels, scores = make_videos(12, 18)
    intervals = bootstrap_intervals(labels, scores, n_bootstrap=200, confidence=0.9, seed=7)

    rng = np.random.default_rng(7)
    originals = scores[labels == 0][rng.integers(12, size=(200, 12))]
    manipulated = scores[labels == 1][rng.integers(18, size=(200, 18))]
    aucs = [
        roc_auc_score(labels, np.r_[original, fake])
        for original, fake in zip(originals, manipulated)
    ]
    assert intervals['auc'] == pytest.approx(np.percentile(aucs, [5, 95]))


def test_agrees_with_scipy():
    labels, scores = make_videos(60, 60)

    def auc(original, manipulated):
        return (manipulated[:, None] > original[None]).mean()

    reference = stats.bootstrap(
        (scores[labels == 0], scores[labels == 1]),
        auc,
        vectorized=False,
        method='percentile',
        n_resamples=1500,
    ).confidence_interval
    low, high = bootstrap_intervals(labels, scores, n_bootstrap=1500)['auc']
    # two independent sets of draws: the ends agree to a tenth of the width
    assert [low, high] == pytest.approx(list(reference), abs=0.1 * (high - low))


def test_coverage():
    """The true AUC of two unit normals d apart is Phi(d / sqrt(2))."""
    distance, n, runs = 1.5, 60, 200
    truth = stats.norm.cdf(distance / math.sqrt(2))
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], n)
    hits = 0
    for seed in range(runs):
        scores = stats.norm.cdf(rng.normal(distance * labels))
        low, high = bootstrap_intervals(labels, scores, n_bootstrap=200, seed=seed)['auc']
        hits += low <= truth <= high
    # 95 % nominal; the percentile interval is a little short at this n and an estimate from 200
    # runs has a standard error of 1.5 points
    assert 0.89 <= hits / runs <= 0.985


def test_each_replicate_keeps_the_class_counts():
    # constant scores within a class: any mixing of the strata would move the accuracy
    labels = np.repeat([0, 1], [3, 9])
    scores = np.where(labels == 1, 0.9, 0.7)
    intervals = bootstrap_intervals(labels, scores, threshold=0.8)
    assert intervals['acc'] == (0.75, 0.75)
    assert intervals['acc_val'] == intervals['auc'] == (1.0, 1.0)
    assert intervals['eer'] == (0.0, 0.0)


def test_seed():
    labels, scores = make_videos(20, 20)
    first = bootstrap_intervals(labels, scores, n_bootstrap=50, seed=1)
    assert first == bootstrap_intervals(labels, scores, n_bootstrap=50, seed=1)
    assert first != bootstrap_intervals(labels, scores, n_bootstrap=50, seed=2)


@pytest.mark.filterwarnings('error')
def test_one_class_is_nan_without_noise():
    intervals = bootstrap_intervals(np.ones(5, int), np.linspace(0.3, 0.9, 5), n_bootstrap=20)
    assert np.isnan([intervals[name] for name in ('auc', 'ap', 'eer', 'bacc')]).all()
    assert 0 <= intervals['acc'][0] < intervals['acc'][1] <= 1


def test_no_videos_is_nan():
    intervals = bootstrap_intervals(np.array([], int), np.array([]), threshold=0.5)
    assert set(intervals) == {'auc', 'ap', 'eer', 'acc', 'bacc', 'acc_val'}
    assert np.isnan(list(intervals.values())).all()


def test_one_video_per_class():
    intervals = bootstrap_intervals(np.array([0, 1]), np.array([0.2, 0.9]), n_bootstrap=5)
    assert intervals['auc'] == (1.0, 1.0)
