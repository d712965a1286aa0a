import numpy as np
import pytest
from scipy.stats import t

from mmfake.evaluation.compare_regimes import compare_regimes
from mmfake.evaluation.compare_runs import compare_runs
from mmfake.evaluation.holm import holm


@pytest.fixture
def runs(make_run):
    distances = dict(a=1.0, b=1.6, c=3.0)
    return [
        make_run(regime, holdout, seed, distance=distance)
        for holdout in ('df', 'nt')
        for regime, distance in distances.items()
        for seed in range(2)
    ]


def test_every_pair_of_each_hold_out(runs):
    found = compare_regimes(runs)
    pairs = [('a', 'b'), ('a', 'c'), ('b', 'c')]
    for holdout in ('df', 'nt'):
        assert [(one.name_a, one.name_b) for one in found[holdout]] == pairs
        for one in found[holdout]:
            sides = [
                [run.frame for run in runs if (run.regime, run.holdout) == (name, holdout)]
                for name in (one.name_a, one.name_b)
            ]
            expected = compare_runs(*sides)
            assert (one.auc.p, one.acc.low) == (expected.auc.p, expected.acc.low)
    assert list(found) == ['df', 'nt']


@pytest.mark.parametrize('metric', ['acc', 'auc'])
def test_corrections_are_made_within_hold_out_and_metric(runs, metric):
    found = [getattr(one, metric) for one in compare_regimes(runs)['nt']]
    assert [one.p_holm for one in found] == pytest.approx(holm([one.p for one in found]))
    seeds = [one.p_seeds for one in found]
    assert [one.p_seeds_holm for one in found] == pytest.approx(holm(seeds))
    # the spread over seeds is pooled over the three regimes: three degrees of freedom
    spread = np.sqrt(
        np.mean([found[0].sd_seeds_a ** 2, found[0].sd_seeds_b ** 2, found[1].sd_seeds_b ** 2])
    )
    expected = [2 * t.sf(abs(one.difference) / spread, 3) for one in found]  # sqrt(1/2 + 1/2) = 1
    assert seeds == pytest.approx(expected)


def test_thresholds_are_of_regimes(make_run):
    runs = [make_run('a'), make_run('b')]
    expected = compare_runs(runs[0].frame, runs[1].frame, thresholds=(0.3, 0.5)).acc
    (found,) = compare_regimes(runs, dict(a=0.3))['df']
    assert (found.acc.a, found.acc.b, found.acc.p) == (expected.a, expected.b, expected.p)
    assert found.acc.a != compare_regimes(runs)['df'][0].acc.a


def test_one_regime_has_no_pair(make_run):
    assert compare_regimes([make_run('a')]) == {'df': []}
