import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from mmfake.evaluation.significance import delong, delong_test

LABELS = np.repeat([0, 1], [25, 35])


def correlated_scores(rng, labels=LABELS, distances=(1.0, 1.0), shared=0.7):
    common = rng.normal(size=len(labels))
    own = rng.normal(size=(len(distances), len(labels)))
    return shared * common + math.sqrt(1 - shared**2) * own + np.outer(distances, labels)


def slow_delong(labels, scores):
    """The formulas of the paper, pair by pair."""
    fakes, originals = scores[:, labels == 1], scores[:, labels == 0]
    k, m, n = len(scores), fakes.shape[1], originals.shape[1]
    win = np.zeros((k, m, n))
    for r in range(k):
        for i in range(m):
            for j in range(n):
                gap = fakes[r, i] - originals[r, j]
                win[r, i, j] = 1.0 if gap > 0 else 0.5 if gap == 0 else 0.0
    aucs = win.mean(axis=(1, 2))
    v10, v01 = win.mean(axis=2), win.mean(axis=1)
    covariance = np.zeros((k, k))
    for r in range(k):
        for s in range(k):
            s10 = sum((v10[r, i] - aucs[r]) * (v10[s, i] - aucs[s]) for i in range(m)) / (m - 1)
            s01 = sum((v01[r, j] - aucs[r]) * (v01[s, j] - aucs[s]) for j in range(n)) / (n - 1)
            covariance[r, s] = s10 / m + s01 / n
    return aucs, covariance


@pytest.mark.parametrize('decimals', [0, 8])  # without decimals most scores are tied
def test_equals_the_slow_formulas(decimals):
    rng = np.random.default_rng(1)
    scores = np.round(correlated_scores(rng, distances=(1.0, 0.5, 0.8)), decimals)
    order = rng.permutation(len(LABELS))
    aucs, covariance = delong(LABELS[order], scores[:, order])
    expected_aucs, expected_covariance = slow_delong(LABELS, scores)
    assert aucs == pytest.approx(expected_aucs)
    assert covariance == pytest.approx(expected_covariance)
    assert aucs == pytest.approx([roc_auc_score(LABELS, row) for row in scores])

    # a weighted sum of the covariances, three seeds against... here two against one
    weights = np.array([0.5, 0.5, -1])
    difference, low, high, p = delong_test(LABELS, scores, weights)
    error = math.sqrt(weights @ expected_covariance @ weights)
    assert difference == pytest.approx(weights @ expected_aucs)
    assert [low, high] == pytest.approx(list(stats.norm.interval(0.95, difference, error)))
    assert p == pytest.approx(2 * stats.norm.cdf(-abs(difference) / error))


def test_spread_equals_that_of_new_samples():
    """The variance it estimates is the one seen when everything is drawn anew."""
    rng = np.random.default_rng(2)
    found = [delong_test(LABELS, correlated_scores(rng), [1, -1]) for _ in range(600)]
    errors = [(high - low) / 2 / stats.norm.ppf(0.975) for _, low, high, _ in found]
    seen = np.std([difference for difference, *_ in found])
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(seen, rel=0.08)


def test_p_values_of_a_true_null_are_uniform():
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 60)
    p_values = [delong_test(labels, correlated_scores(rng, labels), [1, -1])[3] for _ in range(500)]
    assert stats.kstest(p_values, 'uniform').pvalue > 0.01
    assert 0.03 < np.mean(np.array(p_values) < 0.05) < 0.08


def test_interval_covers_the_true_difference():
    rng = np.random.default_rng(4)
    labels, distances = np.repeat([0, 1], 60), (1.5, 0.8)
    truth = np.subtract(*stats.norm.cdf(np.array(distances) / math.sqrt(2)))
    hits = rejected = 0
    for _ in range(300):
        _, low, high, p = delong_test(labels, correlated_scores(rng, labels, distances), [1, -1])
        hits += low <= truth <= high
        rejected += p < 0.05
    assert 0.91 <= hits / 300 <= 0.985
    assert rejected > 200  # a difference that is there is found


def test_equal_detectors():
    scores = correlated_scores(np.random.default_rng(5), distances=(1.0,))
    assert delong_test(LABELS, np.repeat(scores, 2, axis=0), [1, -1]) == (0, 0, 0, 1)
    # the same ranking in other numbers
    assert delong_test(LABELS, np.r_[scores, np.exp(scores)], [1, -1])[3] == 1


def test_no_variance():
    labels = np.repeat([0, 1], 20)
    perfect, blind = labels.astype(float), np.full(40, 0.5)
    assert delong_test(labels, np.array([perfect, 2 * perfect]), [1, -1]) == (0, 0, 0, 1)
    assert delong_test(labels, np.array([perfect, blind]), [1, -1]) == (0.5, 0.5, 0.5, 2**-39)
    # all 6 videos on one side: 2 of the 64 ways to exchange the detectors are as extreme
    few = [0, 1, 2, 20, 21, 22]
    *_, p = delong_test(labels[few], np.array([blind, perfect])[:, few], [1, -1])
    assert p == 2 / 64


@pytest.mark.filterwarnings('error')
def test_too_few_videos():
    scores = np.array([[0.1, 0.9], [0.9, 0.1]])
    difference, *rest = delong_test(np.array([0, 1]), scores, [1, -1])
    assert difference == 1
    assert np.isnan(rest).all()
    assert np.isnan(delong_test(np.array([1, 1]), scores, [1, -1])).all()
