import math
from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats
from scipy.stats import permutation_test, ttest_ind
from sklearn.metrics import roc_auc_score

from mmfake.evaluation.significance import (
    delong,
    delong_test,
    holm,
    mcnemar,
    pooled_spread,
    seed_test,
    sign_flip,
)

# delong


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


def test_equal_detectors_by_delong():
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


# mcnemar


def test_mcnemar_by_hand():
    right_a = np.array([1] * 10 + [0] * 2 + [1] * 30 + [0] * 5, bool)
    right_b = np.array([0] * 10 + [1] * 2 + [1] * 30 + [0] * 5, bool)
    # twice the chance of at most 2 heads in 12 throws: (1 + 12 + 66) / 4096
    assert mcnemar(right_a, right_b) == (10, 2, pytest.approx(2 * 79 / 4096))
    assert mcnemar(right_b, right_a) == (2, 10, pytest.approx(2 * 79 / 4096))


def test_equal_detectors_by_mcnemar():
    right = np.array([True, False, True])
    assert mcnemar(right, right) == (0, 0, 1.0)
    assert sign_flip(right[None], right[None]) == 1.0


@pytest.mark.parametrize('seed', range(5))
def test_with_one_network_a_side_sign_flip_is_mcnemar(seed):
    right = np.random.default_rng(seed).uniform(size=(2, 280)) < [[0.8], [0.7]]
    assert sign_flip(right[:1], right[1:]) == pytest.approx(mcnemar(*right)[2], rel=1e-9)


@pytest.mark.parametrize(('n_a', 'n_b'), [(3, 3), (2, 3), (1, 3)])
def test_several_networks_against_every_exchange(n_a, n_b):
    rng = np.random.default_rng(n_a)
    right_a = rng.uniform(size=(n_a, 9)) < 0.9
    right_b = rng.uniform(size=(n_b, 9)) < 0.5
    gains = right_a.mean(axis=0) - right_b.mean(axis=0)
    sums = [abs(np.dot(signs, gains)) for signs in product([-1, 1], repeat=9)]
    expected = np.mean([value >= abs(gains.sum()) - 1e-9 for value in sums])
    assert 0.001 < expected < 0.9
    assert sign_flip(right_a, right_b) == pytest.approx(expected)
    reference = permutation_test(
        (right_a.mean(axis=0), right_b.mean(axis=0)),
        lambda a, b: np.round(a.mean() - b.mean(), 9),
        permutation_type='samples',
        n_resamples=np.inf,
    )
    assert sign_flip(right_a, right_b) == pytest.approx(reference.pvalue)


def test_a_true_null_is_rejected_no_more_often_than_said():
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(1000):
        hard = rng.uniform(size=60) < 0.3  # both sides find the same videos hard
        right = rng.uniform(size=(6, 60)) < np.where(hard, 0.5, 0.95)
        p_values.append(sign_flip(right[:3], right[3:]))
    share = np.mean(np.array(p_values) <= 0.05)
    # whole videos only: an exact test stays below its level, here near 3 %
    assert 0.01 < share <= 0.05


# holm


def closed_testing(p_values):
    """Holm's procedure is Bonferroni's test of every set of hypotheses that holds the one."""
    places = range(len(p_values))
    sets = [s for size in places for s in combinations(places, size + 1)]
    return [
        max(min(1, len(s) * min(p_values[i] for i in s)) for s in sets if place in s)
        for place in places
    ]


@pytest.mark.parametrize('seed', range(5))
def test_equals_closed_testing(seed):
    p_values = np.random.default_rng(seed).uniform(size=6) ** 3
    p_values[3] = p_values[1]  # a tie
    assert holm(p_values) == pytest.approx(closed_testing(p_values))


def test_holm_by_hand():
    # by hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, then 0.04 is pulled up to the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_undefined_tests_do_not_count_for_holm():
    assert holm([0.02, np.nan, 0.03]) == pytest.approx([0.04, np.nan, 0.04], nan_ok=True)
    assert holm([]).shape == (0,)


# seed spread


def test_two_groups_are_students_test():
    a, b = np.array([0.81, 0.84, 0.86]), np.array([0.75, 0.80])
    pooled = pooled_spread([(a.std(ddof=1), 3), (b.std(ddof=1), 2)])
    p = seed_test(a.mean() - b.mean(), 3, 2, *pooled)
    assert p == pytest.approx(ttest_ind(a, b).pvalue)


def test_spread_of_three_groups():
    groups = [[1.0, 3.0], [10.0, 10.0, 10.0], [5.0]]
    # squares about the means: 2, 0 and 0; degrees of freedom 1, 2 and 0
    found = pooled_spread(
        [(np.std(group, ddof=min(1, len(group) - 1)), len(group)) for group in groups]
    )
    assert found == (pytest.approx(math.sqrt(2 / 3)), 3)


def test_a_true_null_is_rejected_as_often_as_said():
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(800):
        runs = rng.normal(size=(6, 3))
        pooled = pooled_spread([(row.std(ddof=1), 3) for row in runs])
        p_values.append(seed_test(runs[0].mean() - runs[1].mean(), 3, 3, *pooled))
    assert 0.033 < np.mean(np.array(p_values) < 0.05) < 0.07


@pytest.mark.filterwarnings('error')
def test_undefined_over_seeds():
    assert math.isnan(seed_test(0.1, 1, 3, 0.02, 2))  # one seed
    assert math.isnan(seed_test(0.1, 3, 3, 0.0, 4))  # nothing varies
    spread, freedom = pooled_spread([(math.nan, 1), (math.nan, 1)])
    assert math.isnan(spread)
    assert freedom == 0
    assert math.isnan(seed_test(0.1, 1, 1, spread, freedom))
