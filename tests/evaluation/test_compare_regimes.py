import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from mmfake.evaluation.comparisons import compare_regimes, compare_runs
from mmfake.evaluation.scores import RunScores
from mmfake.evaluation.significance import holm
from mmfake.evaluation.verdicts import RESOLVED, verdict


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
    joint = [one.p_joint for one in found]
    assert [one.p_joint_holm for one in found] == pytest.approx(holm(joint))
    for one, p in zip(found, joint):  # Welch and Satterthwaite, videos without end of freedom
        variances = one.error**2, spread**2
        freedom = sum(variances) ** 2 / (variances[1] ** 2 / 3)
        assert p == pytest.approx(2 * t.sf(abs(one.difference) / np.sqrt(sum(variances)), freedom))


def test_thresholds_are_of_regimes(make_run):
    runs = [make_run('a'), make_run('b')]
    expected = compare_runs(runs[0].frame, runs[1].frame, thresholds=(0.3, 0.5)).acc
    (found,) = compare_regimes(runs, dict(a=0.3))['df']
    assert (found.acc.a, found.acc.b, found.acc.p) == (expected.a, expected.b, expected.p)
    assert found.acc.a != compare_regimes(runs)['df'][0].acc.a


def test_one_regime_has_no_pair(make_run):
    assert compare_regimes([make_run('a')]) == {'df': []}


def simulated(rng, better=0.0):
    """Two regimes, three seeds each, 40 + 40 videos; regimes, videos and seeds all vary.

    Each regime finds other videos hard, and each training succeeds more or less. ``better`` is what
    the first regime is ahead of the second, in standard deviations of a score.
    """
    labels = np.repeat([0, 1], 40)
    videos = [f'{number:03d}' for number in range(80)]
    common, runs = rng.normal(size=80), []
    for regime in range(2):
        own = 0.7 * rng.normal(size=80)
        for seed in range(3):
            distance = 1.5 + 0.3 * rng.normal() + better * (regime == 0)
            z = (labels - 0.5) * distance + common + own + 0.3 * rng.normal(size=80)
            columns = dict(video=videos, method=np.where(labels, 'df', 'original'), label=labels)
            columns.update(score=1 / (1 + np.exp(-z)), clips=1, status='scored', reason='')
            runs.append(RunScores(f'{regime}', 'df', seed, pd.DataFrame(columns)))
    return runs


@pytest.mark.parametrize('metric', ['acc', 'auc'])
def test_equal_regimes_are_seldom_told_apart_and_unequal_ones_are(metric):
    """Level and power by simulation: 5 % of 200 are at most 18 with a chance of 99 %."""
    rng = np.random.default_rng(0)
    found = [compare_regimes(simulated(rng), n_bootstrap=2)['df'][0] for _ in range(200)]
    told_apart = sum(verdict(one, metric) == RESOLVED for one in found)
    over_videos = sum(getattr(one, metric).p_holm <= 0.05 for one in found)
    assert told_apart <= 18
    assert over_videos > told_apart  # what the videos alone would have said of these networks
    found = [compare_regimes(simulated(rng, 2.0), n_bootstrap=2)['df'][0] for _ in range(20)]
    assert sum(verdict(one, metric) == RESOLVED for one in found) >= 15
