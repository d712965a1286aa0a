from itertools import combinations

import numpy as np
import pytest

from mmfake.evaluation.significance import holm


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


def test_worked_example():
    # by hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, then 0.04 is pulled up to the one before
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_undefined_tests_do_not_count():
    assert holm([0.02, np.nan, 0.03]) == pytest.approx([0.04, np.nan, 0.04], nan_ok=True)
    assert holm([]).shape == (0,)
