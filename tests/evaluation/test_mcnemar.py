from itertools import product

import numpy as np
import pytest
from scipy.stats import permutation_test

from mmfake.evaluation.significance import mcnemar, sign_flip


def test_worked_example():
    right_a = np.array([1] * 10 + [0] * 2 + [1] * 30 + [0] * 5, bool)
    right_b = np.array([0] * 10 + [1] * 2 + [1] * 30 + [0] * 5, bool)
    # twice the chance of at most 2 heads in 12 throws: (1 + 12 + 66) / 4096
    assert mcnemar(right_a, right_b) == (10, 2, pytest.approx(2 * 79 / 4096))
    assert mcnemar(right_b, right_a) == (2, 10, pytest.approx(2 * 79 / 4096))


def test_equal_detectors():
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
