import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from mmfake.evaluation.statistics import best_threshold


@pytest.mark.parametrize('seed', range(5))
def test_no_threshold_is_better(seed):
    rng = np.random.default_rng(seed)
    labels = (rng.random(30) < 0.7).astype(int)
    scores = np.round(np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1), 2)
    chosen = best_threshold(labels, scores)
    reached = balanced_accuracy_score(labels, scores >= chosen)
    grid = [balanced_accuracy_score(labels, scores >= t) for t in np.arange(0, 1.001, 0.005)]
    assert reached == pytest.approx(max(grid))


def test_middle_of_the_gap():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.7])
    assert best_threshold(labels, scores) == pytest.approx(0.25)


def test_tie_goes_to_the_nearest_to_one_half():
    # 0.1 | 0.3 and 0.6 | 0.8 both give 3 of 4 right: |0.2 - 0.5| against |0.7 - 0.5|
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.3, 0.6, 0.8])
    assert best_threshold(labels, scores) == pytest.approx(0.7)
    # mirrored: 0.3 against 0.8
    assert best_threshold(1 - labels, 1 - scores) == pytest.approx(0.3)


def test_equally_near_goes_to_the_lower():
    # midpoints 0.25 and 0.75, exact in binary
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.125, 0.375, 0.625, 0.875])
    assert best_threshold(labels, scores) == 0.25


def test_inverted_detector_calls_everything():
    labels, scores = np.array([1, 1, 0, 0]), np.array([0.0, 0.2, 0.8, 0.9])
    assert best_threshold(labels, scores) == 0.0


def test_neighbouring_floats_stay_apart():
    low = 0.3
    for _ in range(4):  # midpoints of neighbours round to even: try both parities
        high = np.nextafter(low, 1)
        labels, scores = np.array([0, 1]), np.array([low, high])
        assert (scores >= best_threshold(labels, scores)).tolist() == [False, True]
        low = high


@pytest.mark.parametrize('labels', [[], [0, 0], [1, 1]])
def test_one_class_is_nan(labels):
    assert math.isnan(best_threshold(np.array(labels), np.full(len(labels), 0.4)))
