import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_ind
from sklearn.metrics import roc_auc_score

from mmfake.errors import MMFakeError
from mmfake.evaluation.comparisons import (
    RESOLVED,
    Comparison,
    PairedDifference,
    compare_regimes,
    compare_runs,
    verdict,
)
from mmfake.evaluation.scores import NOT_SCORED, RunScores
from mmfake.evaluation.significance import holm, mcnemar

# compare runs


def without(frame, places):
    """The frame with some videos not scored."""
    frame = frame.copy()
    frame.loc[places, ['status', 'score']] = [NOT_SCORED, math.nan]
    return frame


def test_by_hand(make_frame):
    a = make_frame([[0.1, 0.2, 0.6, 0.3], [0.9, 0.8, 0.7, 0.4]])
    b = make_frame([[0.1, 0.7, 0.8, 0.3], [0.9, 0.2, 0.7, 0.6]])
    found = compare_runs(a, b, ('ours', 'theirs'))
    assert (found.name_a, found.name_b) == ('ours', 'theirs')
    assert (found.n_original, found.n_manipulated, found.n_left_out) == (4, 4, 0)
    # A errs on an original (0.6) and a fake (0.4); B on two originals and a fake (0.2)
    assert (found.acc.a, found.acc.b, found.acc.difference) == (6 / 8, 5 / 8, 1 / 8)
    assert (found.only_a, found.only_b) == (2, 1)
    assert found.acc.p == 1.0
    # pairs won of 16: A loses 0.4 : 0.6; B loses 0.2 : 0.3, 0.7, 0.8, then 0.7 : 0.8 and draws
    # 0.7 : 0.7, then 0.6 : 0.7 and 0.6 : 0.8
    assert found.auc.a == pytest.approx(15 / 16)
    assert found.auc.b == pytest.approx((16 - 3 - 1.5 - 2) / 16)
    assert math.isnan(found.acc.p_seeds)
    assert math.isnan(found.auc.sd_seeds_a)


def test_thresholds(make_frame):
    a = make_frame([[0.1, 0.2], [0.9, 0.3]])
    found = compare_runs(a, a, thresholds=(0.25, 0.5))
    assert (found.acc.a, found.acc.b) == (1.0, 0.75)
    assert (found.only_a, found.only_b) == (1, 0)


def test_only_common_videos_count_and_the_others_are_counted(make_run):
    a, b = make_run('a').frame, make_run('b').frame
    found = compare_runs(without(a, [0, 25]), b.drop(index=[1, 25, 30]))
    kept = sorted(set(range(40)) - {0, 1, 25, 30})
    expected = compare_runs(a.loc[kept], b.loc[kept])
    # 0 is scored in b alone, 1 and 30 in a alone, 25 in none
    assert found.n_left_out == 3
    assert (found.n_original + found.n_manipulated, expected.n_left_out) == (36, 0)
    assert found.acc == expected.acc or math.isnan(found.acc.p_seeds)
    for metric in ('acc', 'auc'):
        ours, theirs = getattr(found, metric), getattr(expected, metric)
        assert (ours.difference, ours.low, ours.p) == (theirs.difference, theirs.low, theirs.p)


def test_order_of_rows_does_not_matter(make_run):
    a, b = make_run('a').frame, make_run('b').frame
    shuffled = b.sample(frac=1, random_state=0)
    assert repr(compare_runs(a, shuffled)) == repr(compare_runs(a, b))


def test_seeds_are_averaged_and_their_spread_stands_apart(make_run):
    a = [make_run('a', seed=seed, distance=2).frame for seed in range(3)]
    b = [make_run('b', seed=seed).frame for seed in range(2)]
    found = compare_runs(a, b)
    aucs = [[roc_auc_score(one['label'], one['score']) for one in side] for side in (a, b)]
    assert found.auc.a == pytest.approx(np.mean(aucs[0]))
    assert found.auc.b == pytest.approx(np.mean(aucs[1]))
    assert found.auc.sd_seeds_a == pytest.approx(np.std(aucs[0], ddof=1))
    assert found.auc.p_seeds == pytest.approx(ttest_ind(*aucs).pvalue)
    assert (found.n_seeds_a, found.n_seeds_b, found.only_a) == (3, 2, None)
    # the same networks twice are no more evidence over videos than once
    single, doubled = compare_runs(a[0], b[0]), compare_runs([a[0]] * 2, [b[0]] * 2)
    for metric in ('acc', 'auc'):
        ours, twice = getattr(single, metric), getattr(doubled, metric)
        assert (twice.p, twice.low, twice.high) == pytest.approx((ours.p, ours.low, ours.high))
        assert math.isnan(twice.p_seeds)


def test_accuracy_interval_equals_a_plain_paired_bootstrap(make_run):
    a, b = make_run('a', distance=2.5).frame, make_run('b', distance=1).frame
    found = compare_runs(a, b, n_bootstrap=300, seed=5)
    labels = a['label'].to_numpy()
    right = [(one['score'].to_numpy() >= 0.5) == labels for one in (a, b)]
    rng = np.random.default_rng(5)
    draws = [np.flatnonzero(labels == label)[rng.integers(20, size=(300, 20))] for label in (0, 1)]
    differences = [
        right[0][np.r_[originals, fakes]].mean() - right[1][np.r_[originals, fakes]].mean()
        for originals, fakes in zip(*draws)
    ]
    assert [found.acc.low, found.acc.high] == pytest.approx(
        np.quantile(differences, [0.025, 0.975])
    )
    assert found.acc.p == pytest.approx(mcnemar(*right)[2])


def test_one_class(make_frame):
    found = compare_runs(make_frame([[0.1, 0.7], []]), make_frame([[0.1, 0.2], []]))
    assert found.acc.difference == -0.5
    assert np.isnan([found.auc.a, found.auc.difference, found.auc.low, found.auc.p]).all()


def test_contradicting_labels(make_frame):
    a = make_frame([[0.1, 0.7], [0.9]])
    b = a.assign(label=1 - a['label'])
    with pytest.raises(MMFakeError, match=r'x and y disagree on the label of 3 videos \(ffpp/df/c'):
        compare_runs(a, b, ('x', 'y'))


def test_nothing_in_common(make_frame):
    a = make_frame([[0.1, 0.7], [0.9]])
    with pytest.raises(MMFakeError, match='x and y have no scored video in common; compare'):
        compare_runs(a, without(a, [0, 1, 2]), ('x', 'y'))


# compare regimes


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


def test_equal_regimes_are_seldom_told_apart_and_unequal_ones_are():
    """Level and power by simulation: 5 % of 200 are at most 18 with a chance of 99 %."""
    rng = np.random.default_rng(0)
    equal = [compare_regimes(simulated(rng), n_bootstrap=2)['df'][0] for _ in range(200)]
    unequal = [compare_regimes(simulated(rng, 2.0), n_bootstrap=2)['df'][0] for _ in range(20)]
    for metric in ('acc', 'auc'):
        told_apart = sum(verdict(one, metric) == RESOLVED for one in equal)
        over_videos = sum(getattr(one, metric).p_holm <= 0.05 for one in equal)
        assert told_apart <= 18
        assert over_videos > told_apart  # what the videos alone would have said of these networks
        assert sum(verdict(one, metric) == RESOLVED for one in unequal) >= 15


# verdicts


def difference(p, p_joint=math.nan):
    return PairedDifference(
        *(0.9, 0.7, 0.2, 0.1, 0.3, p, 0.01, 0.01, 0.01, p, 0.01),
        p_joint=p_joint,
        p_joint_holm=p_joint,
    )


def comparison(auc):
    return Comparison('a', 'b', 3, 3, 140, 138, 0, difference(0.5), auc)


@pytest.mark.parametrize(
    ('p', 'p_joint', 'expected'),
    [
        (0.05, 0.05, 'resolved'),
        (0.01, 0.06, 'these networks differ'),
        (0.01, math.nan, 'these networks differ'),
        (0.06, 0.01, 'not resolved'),
        (math.nan, 0.01, 'undefined'),
    ],
)
def test_verdict(p, p_joint, expected):
    assert verdict(comparison(difference(p, p_joint)), 'auc') == expected


def test_alpha():
    assert verdict(comparison(difference(0.04, 0.04)), 'auc', alpha=0.01) == 'not resolved'
