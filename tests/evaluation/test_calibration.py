"""Calibration: against loops, sklearn and scipy's optimum; AUC untouched; hand-made cases."""

import math

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from mmfake.engine.hooks.validation_threshold_hook import Calibration
from mmfake.evaluation.calibration import (
    COVERAGES,
    calibration_errors,
    calibration_table,
    confidence_of,
    coverage_curve,
    fit_temperature,
    reliability,
    temper,
    validation_calibration,
)
from mmfake.evaluation.statistics import draw_counts


def make(n=40, m=40, sharpness=3.0, seed=0):
    """Scores whose logits are ``sharpness`` times those of calibrated probabilities."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n, m])
    logits = rng.normal(np.where(labels == 1, 1.0, -1.0), math.sqrt(2))  # calibrated as they are
    return labels, 1 / (1 + np.exp(-sharpness * logits))


def naive_ece(labels, probabilities, bins=10):
    """ECE of equally frequent classes, bin by bin, by repeating videos."""
    n, m = sum(labels == 0), sum(labels == 1)
    videos = [(p, y) for p, y in zip(probabilities, labels) for _ in range(n if y else m)]
    total = 0
    for number in range(bins):
        end = number == bins - 1
        mine = [
            (p, y) for p, y in videos if number / bins <= p and (p < (number + 1) / bins or end)
        ]
        if mine:
            gap = sum(p for p, _ in mine) / len(mine) - sum(y for _, y in mine) / len(mine)
            total += abs(gap) * len(mine) / len(videos)
    return total


@pytest.mark.parametrize(('n', 'm'), [(40, 40), (10, 30)])
def test_ece_and_brier_against_loops_and_sklearn(n, m):
    labels, scores = make(n, m, seed=n)
    scores[:2] = 0.3, 1.0  # on an edge, and the last bin
    found = calibration_errors(labels, scores)
    assert float(found['ece']) == pytest.approx(naive_ece(labels, scores))
    weights = np.where(labels == 1, 1 / m, 1 / n)
    truth = brier_score_loss(labels, scores, sample_weight=weights)
    assert float(found['brier']) == pytest.approx(truth)


def test_hand_made_ece():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.2, 0.8, 0.8, 0.8])
    # bin of 0.2: one original, 0.2 off; bin of 0.8: 2 of 3 manipulated, 0.1333 off
    assert float(calibration_errors(labels, scores)['ece']) == pytest.approx(
        0.25 * 0.2 + 0.75 * (0.8 - 2 / 3)
    )


def test_intervals_are_those_of_a_plain_bootstrap():
    labels, scores = make(12, 20)
    table = calibration_table(labels, scores, n_bootstrap=40, seed=5)
    draws = draw_counts(labels, 40, np.random.default_rng(5)).astype(int)
    sets = [(np.repeat(labels, drawn), np.repeat(scores, drawn)) for drawn in draws]
    ends = np.quantile([naive_ece(*one) for one in sets], [0.025, 0.975])
    assert [table['ece_low'], table['ece_high']] == pytest.approx(list(ends))
    assert table['brier_low'] < table['brier'] < table['brier_high']


@pytest.mark.parametrize('labels', [[1, 1], [0, 1, 1]])
def test_what_is_undefined_is_nan(labels):
    labels, scores = np.array(labels), np.linspace(0.3, 0.8, len(labels))
    table = calibration_table(labels, scores, n_bootstrap=5)
    assert math.isnan(table['ece_low'])
    assert math.isnan(table['ece']) == (0 not in labels)
    assert math.isnan(fit_temperature(np.ones(3, int), np.full(3, 0.4)))


@pytest.mark.parametrize('sharpness', [0.3, 1.0, 2.0])
def test_the_temperature_undoes_what_was_too_sharp(sharpness):
    labels, scores = make(4000, 4000, sharpness)
    found = fit_temperature(labels, scores)
    assert found == pytest.approx(sharpness, rel=0.06)
    tempered = temper(scores, found)
    assert float(calibration_errors(labels, tempered)['ece']) < 0.02
    assert roc_auc_score(labels, tempered) == roc_auc_score(labels, scores)
    # a logistic regression of one slope is the same problem
    logits = np.log(scores / (1 - scores))[:, None]
    slope = LogisticRegression(C=1e9, fit_intercept=False).fit(logits, labels).coef_[0, 0]
    assert found == pytest.approx(1 / slope, rel=2e-3)  # apart from the smoothed targets


def test_the_temperature_of_unequal_classes_is_the_optimum():
    labels, scores = make(20, 60, 3.0, seed=2)

    def loss(x):
        p = 1 / (1 + (1 / scores - 1) ** (1 / math.exp(x[0])))
        fakes = -(61 / 62 * np.log(p) + 1 / 62 * np.log(1 - p))[labels == 1].mean()
        originals = -(1 / 22 * np.log(p) + 21 / 22 * np.log(1 - p))[labels == 0].mean()
        return fakes + originals

    best = minimize(loss, [0.0], method='Nelder-Mead', options=dict(xatol=1e-7, fatol=1e-12))
    assert fit_temperature(labels, scores) == pytest.approx(math.exp(best.x[0]), rel=1e-3)


def test_videos_told_apart_without_error_do_not_ask_for_endless_confidence():
    labels = np.repeat([0, 1], [10, 10])
    scores = np.where(labels == 1, 0.6, 0.4)
    tempered = temper(scores, fit_temperature(labels, scores))
    assert tempered == pytest.approx(np.where(labels == 1, 11 / 12, 1 / 12), abs=1e-3)


def test_tempering_keeps_scores_that_have_no_logit():
    assert temper(np.array([0.0, 0.5, 1.0]), 2.0) == pytest.approx([0, 0.5, 1])
    # nor are there new ties
    scores = np.r_[1e-300, 1e-20, 1e-9, 0.5, 1 - 1e-9, 1 - 1e-15]
    assert (np.diff(temper(scores, 3.0)) > 0).all()


def test_reliability_of_equal_classes_counts_videos():
    labels = np.array([0, 1, 1, 0, 0, 1])
    table = reliability(labels, np.array([0.11, 0.13, 0.77, 0.15, 0.71, 0.19]))
    assert table['probability'].tolist() == pytest.approx([0.145, 0.74])
    assert table['share'].tolist() == pytest.approx([0.5, 0.5])
    assert table['n'].tolist() == [4, 2]
    assert ((table['low'] < 0.5) & (table['high'] > 0.5)).all()
    # three times the fakes: what is so if there were as many originals
    labels = np.r_[labels, np.ones(6, int)]
    scores = np.r_[[0.11, 0.13, 0.77, 0.15, 0.71, 0.19], [0.13, 0.77, 0.19] * 2]
    assert reliability(labels, scores)['share'].tolist() == pytest.approx([0.5, 0.5])


def test_coverage_against_a_loop():
    labels, scores = make(15, 15, seed=4)
    table = coverage_curve(labels, scores, threshold=0.4, temperature=2.0)
    confidence = confidence_of(scores, 0.4, 2.0)
    right = (scores >= 0.4) == (labels == 1)
    for row in table.to_dict('records'):
        kept = confidence >= row['confidence']
        assert row['coverage'] == pytest.approx(kept.mean())
        assert row['accuracy'] == pytest.approx(right[kept].mean())
    assert table['coverage'].iloc[-1] == 1
    assert (table['low'] <= table['accuracy']).all()
    # called manipulated against its own probability: less than even
    assert confidence_of(np.array([0.45]), 0.4, 2.0)[0] < 0.5


def test_equal_scores_are_covered_together():
    table = coverage_curve(np.array([0, 1, 1]), np.array([0.9, 0.9, 0.9]), 0.5)
    assert table[['coverage', 'n']].values.tolist() == [[1, 3]]


def test_what_a_checkpoint_keeps_gives_back_the_probabilities_and_coverages():
    labels, scores = make(200, 200, 3.0, seed=9)
    kept = validation_calibration(labels, scores, 0.45)
    known = {percent: kept[f'confidence_at_{percent}'] for percent in COVERAGES}
    calibration = Calibration(kept['temperature'], known)
    mine = [calibration.probability(score) for score in scores]
    assert mine == pytest.approx(temper(scores, kept['temperature']))
    confidence = confidence_of(scores, 0.45, kept['temperature'])
    for percent in (60, 85, 95):
        least = calibration.confidence_for(percent)
        assert np.mean(confidence >= least) == pytest.approx(percent / 100, abs=0.02)
    assert calibration.confidence_for(40) is calibration.confidence_for(99) is None
    assert all(map(math.isnan, validation_calibration(labels * 0, scores, 0.5).values()))


@pytest.mark.parametrize(
    'values',
    [None, 3, {}, dict(temperature=1.0), dict(temperature=-1, confidences={})]
    + [dict(temperature=math.nan, confidences={}), dict(temperature='x', confidences={})]
    + [dict(temperature=1, confidences={90: 2.0}), dict(temperature=1, confidences=[1])],
)
def test_a_strangers_entry_is_none(values):
    assert Calibration.from_dict(values) is None
