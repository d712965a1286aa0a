import math

import numpy as np
import pytest

from mmfake.evaluation.statistics import binary_metrics, equal_error_rate


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
    recalls = [naive_accuracy(labels[labels == y], scores[labels == y], 0.5) for y in (0, 1)]
    assert metrics['bacc'] == pytest.approx(sum(recalls) / 2)


def test_hand_made_case():
    labels = np.array([0, 0, 0, 1, 1])
    scores = np.array([0.1, 0.5, 0.6, 0.4, 0.9])
    # pairs won by 0.4: over 0.1 only; by 0.9: all three -> 4 of 6
    # at 0.5: right are 0.1, 0.9 -> 2 of 5, and (1/3 + 1/2) / 2; a score equal to 0.5 is called
    assert binary_metrics(labels, scores) == pytest.approx(
        {'auc': 4 / 6, 'ap': 0.5 * 1 + 0.5 * 2 / 4, 'eer': 0.5, 'acc': 0.4, 'bacc': 5 / 12}
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
    assert set(empty) == {'auc', 'ap', 'eer', 'acc', 'bacc', 'acc_val'}
    assert all(math.isnan(value) for value in empty.values())
