import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    roc_auc_score,
)

from mmfake.evaluation.statistics import (
    best_threshold,
    binary_metrics,
    bootstrap_intervals,
    equal_error_rate,
    joint_counts,
    replicate_metrics,
)

# binary metrics


NAMES = {'auc', 'ap', 'eer', 'acc', 'bacc', 'tpr_fpr1', 'tpr_fpr5'}


def naive_auc(labels, scores):
    """Mann-Whitney: the share of (manipulated, original) pairs in the right order, ties half."""
    won = 0.0
    for manipulated in scores[labels == 1]:
        for original in scores[labels == 0]:
            won += 1.0 if manipulated > original else 0.5 if manipulated == original else 0.0
    return won / ((labels == 1).sum() * (labels == 0).sum())


def naive_ap(labels, scores):
    average, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        called = [label for label, score in zip(labels, scores) if score >= threshold]
        recall = sum(called) / labels.sum()
        average += (recall - recall_before) * sum(called) / len(called)
        recall_before = recall
    return average


def naive_eer(labels, scores):
    """Walk the curve threshold by threshold and intersect its segment with fpr = fnr."""
    before = (0.0, 1.0)  # fpr, fnr with nothing called manipulated
    for threshold in sorted(set(scores), reverse=True):
        called = scores >= threshold
        now = (called[labels == 0].mean(), 1 - called[labels == 1].mean())
        if now[0] >= now[1]:
            gap_before, gap_now = before[1] - before[0], now[0] - now[1]
            share = gap_before / (gap_before + gap_now)
            return before[0] + share * (now[0] - before[0])
        before = now
    raise AssertionError('the curve ends at fpr 1, fnr 0')


def naive_accuracy(labels, scores, threshold):
    return sum((s >= threshold) == bool(y) for y, s in zip(labels, scores)) / len(labels)


def naive_found(labels, scores, most):
    shares = [0.0]
    for threshold in scores:
        called = scores >= threshold
        if sum(called & (labels == 0)) <= most * sum(labels == 0):
            shares.append(sum(called & (labels == 1)) / sum(labels == 1))
    return max(shares)


def test_found_at_a_share_of_false_alarms():
    # 100 originals from 0.00 to 0.99; manipulated videos between them
    labels = np.r_[np.zeros(100, int), np.ones(4, int)]
    scores = np.r_[np.arange(100) / 100, 0.995, 0.985, 0.945, 0.2]
    metrics = binary_metrics(labels, scores)
    assert metrics['tpr_fpr1'] == 0.5  # one false alarm allowed: 0.99
    assert metrics['tpr_fpr5'] == 0.75  # five: 0.99 to 0.95


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('decimals', [1, 8])  # with one decimal most scores are tied
def test_against_naive_loops(seed, decimals):
    rng = np.random.default_rng(seed)
    labels = (rng.random(40) < 0.6).astype(int)
    scores = np.round(np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1), decimals)
    metrics = binary_metrics(labels, scores, threshold=0.37)

    assert metrics['auc'] == pytest.approx(naive_auc(labels, scores), abs=1e-12)
    assert metrics['ap'] == pytest.approx(naive_ap(labels, scores), abs=1e-12)
    assert metrics['eer'] == pytest.approx(naive_eer(labels, scores), abs=1e-12)
    assert metrics['acc'] == pytest.approx(naive_accuracy(labels, scores, 0.5))
    assert metrics['acc_val'] == pytest.approx(naive_accuracy(labels, scores, 0.37))
    for name, most in (('tpr_fpr1', 0.01), ('tpr_fpr5', 0.05)):
        assert metrics[name] == pytest.approx(naive_found(labels, scores, most))
    recalls = [naive_accuracy(labels[labels == y], scores[labels == y], 0.5) for y in (0, 1)]
    assert metrics['bacc'] == pytest.approx(sum(recalls) / 2)


def test_hand_made_case():
    labels = np.array([0, 0, 0, 1, 1])
    scores = np.array([0.1, 0.5, 0.6, 0.4, 0.9])
    # pairs won by 0.4: over 0.1 only; by 0.9: all three -> 4 of 6
    # at 0.5: right are 0.1, 0.9 -> 2 of 5, and (1/3 + 1/2) / 2; a score equal to 0.5 is called
    # without a false alarm 0.9 alone is found
    expected = {'auc': 4 / 6, 'ap': 0.5 * 1 + 0.5 * 2 / 4, 'eer': 0.5, 'acc': 0.4, 'bacc': 5 / 12}
    assert binary_metrics(labels, scores) == pytest.approx(
        dict(expected, tpr_fpr1=0.5, tpr_fpr5=0.5)
    )


def test_perfect_and_inverted():
    labels = np.array([0, 0, 1, 1])
    scores = np.array([0.1, 0.2, 0.8, 0.9])
    assert equal_error_rate(labels, scores) == 0.0
    assert equal_error_rate(labels, 1 - scores) == 1.0
    assert binary_metrics(labels, scores)['auc'] == 1.0
    # one score for all: a coin
    assert equal_error_rate(labels, np.full(4, 0.3)) == 0.5


@pytest.mark.parametrize('label', [0, 1])
def test_one_class_leaves_only_accuracy(label):
    metrics = binary_metrics(np.full(4, label), np.array([0.2, 0.6, 0.7, 0.8]), threshold=0.65)
    assert metrics['acc'] == (0.75 if label else 0.25)
    assert metrics['acc_val'] == 0.5
    assert all(math.isnan(metrics[name]) for name in ('auc', 'ap', 'eer', 'bacc'))


def test_no_videos():
    empty = binary_metrics(np.array([], int), np.array([]), threshold=0.5)
    assert set(empty) == {*NAMES, 'acc_val'}
    assert all(math.isnan(value) for value in empty.values())


# operating point


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


@pytest.mark.parametrize(
    ('labels', 'scores'),
    [
        ([0, 1], [0.3, 0.3]),
        ([0, 1, 0, 1], [0.9, 0.9, 0.9, 0.9]),
        ([1, 1, 0, 0], [0.0, 0.2, 0.8, 0.9]),  # inverted
        ([0, 1, 0, 1], [0.1, 0.1, 0.4, 0.4]),  # of no use
    ],
)
def test_where_none_beats_a_coin_it_is_one_half(labels, scores):
    labels, scores = np.array(labels), np.array(scores)
    grid = [balanced_accuracy_score(labels, scores >= t) for t in np.arange(0, 1.001, 0.005)]
    assert max(grid) == 0.5
    assert best_threshold(labels, scores) == 0.5


def test_one_that_beats_a_coin_by_one_video_is_taken():
    labels, scores = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.05, 0.25])
    # 0.225: 2 of 3 originals and 1 of 2 manipulated videos
    assert best_threshold(labels, scores) == pytest.approx(0.225)


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


# bootstrap


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


def test_seed_of_the_bootstrap():
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
    assert set(intervals) == {*NAMES, 'acc_val'}
    assert np.isnan(list(intervals.values())).all()


@pytest.mark.parametrize('labels', [[0, 1], [0, 1, 1, 1], [1, 0, 0], [1]])
def test_a_class_of_one_video_has_no_interval(labels):
    """It would have none of the width 0 that repeating one video gives."""
    scores = np.linspace(0.1, 0.9, len(labels))
    intervals = bootstrap_intervals(np.array(labels), scores, n_bootstrap=5)
    assert set(intervals) == NAMES
    assert np.isnan(list(intervals.values())).all()


# joint bootstrap


def test_of_one_run_it_is_the_plain_bootstrap(make_run):
    scored = make_run('a', n=15).scored
    (counts,) = joint_counts([scored], 300, seed=3)
    arrays = scored['label'].to_numpy(), scored['score'].to_numpy()
    aucs = replicate_metrics(*arrays, counts)['auc']
    expected = bootstrap_intervals(*arrays, n_bootstrap=300, seed=3)['auc']
    assert np.quantile(aucs, [0.025, 0.975]) == pytest.approx(expected)


def test_videos_go_together_across_hold_outs(make_run):
    frames = [make_run('a', holdout, n=12).scored for holdout in ('df', 'nt')]
    # one fake of the second is lost: the others must still find their partners
    frames[1] = frames[1][~frames[1]['video'].str.contains('/003_')].reset_index(drop=True)
    counts = [
        pd.DataFrame(drawn.T, index=frame['video'])
        for frame, drawn in zip(frames, joint_counts(frames, 40))
    ]
    originals = [f'ffpp/original/c23/{i:03d}' for i in range(12)]
    assert (counts[0].loc[originals] == counts[1].loc[originals]).all(axis=None)
    assert (counts[0].loc[originals].sum() == 12).all()
    assert counts[0].loc[originals].to_numpy().std() > 0.5  # they are drawn
    for i in (0, 2, 4, 11):
        pair = [
            drawn.loc[f'ffpp/{name}/c23/{i:03d}_{900 + i}']
            for drawn, name in zip(counts, ('df', 'nt'))
        ]
        assert (pair[0] == pair[1]).all()
    assert (counts[0].filter(like='/df/', axis=0).sum() == 12).all()


def test_each_dataset_keeps_its_number_of_videos(make_run):
    """Each is drawn as if it were alone; of one dataset under two names the same are drawn."""
    large, small = make_run('a', 'df', n=12).scored, make_run('a', 'df', n=3).scored
    small['video'] = small['video'].str.replace('ffpp/', 'cdf/', regex=False)
    for frame, drawn in zip((large, small), joint_counts([large, small], 60)):
        for label in (0, 1):
            assert (drawn[:, frame['label'] == label].sum(axis=1) == len(frame) / 2).all()
    first, again = joint_counts([large, large], 60)
    assert (first == again).all()


def test_a_run_of_several_methods_draws_each_video_by_itself(make_run):
    frames = [make_run('a', holdout, n=12).scored for holdout in ('df', 'nt')]
    whole = pd.concat([frames[0], frames[1].query('label == 1')]).sort_values('video')
    (counts,) = joint_counts([whole.reset_index(drop=True)], 50)
    labels = whole['label'].to_numpy()
    assert (counts[:, labels == 1].sum(axis=1) == 24).all()
    df, nt = (counts[:, (whole['method'] == name).to_numpy()] for name in ('df', 'nt'))
    assert (df != nt).any()


def test_seed_of_the_joint_bootstrap(make_run):
    frame = make_run('a').scored
    first, again, other = (joint_counts([frame], 20, seed)[0] for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
