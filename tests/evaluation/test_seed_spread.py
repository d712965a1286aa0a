import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from mmfake.evaluation.significance import pooled_spread, seed_test


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
def test_undefined():
    assert math.isnan(seed_test(0.1, 1, 3, 0.02, 2))  # one seed
    assert math.isnan(seed_test(0.1, 3, 3, 0.0, 4))  # nothing varies
    spread, freedom = pooled_spread([(math.nan, 1), (math.nan, 1)])
    assert math.isnan(spread)
    assert freedom == 0
    assert math.isnan(seed_test(0.1, 1, 1, spread, freedom))
