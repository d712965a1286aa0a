"""Figures of calibration and robustness: what is drawn is what was computed."""

import numpy as np
import pandas as pd
import pytest

from mmfake.evaluation.calibration import coverage_curve, reliability, temper
from mmfake.visualization.calibration_figures import draw_coverage, draw_reliability
from mmfake.visualization.robustness_curves import draw_robustness_curves
from tests.evaluation.conftest import make_run as make_run_fixture

make_run = make_run_fixture


def arrays(run):
    return run.scored['label'].to_numpy(), run.scored['score'].to_numpy()


def test_reliability_before_and_after(make_run):
    runs = [make_run('a'), make_run('b', seed=1)]
    figure = draw_reliability(runs, {'a': 2.0, 'b': None})
    first, second = figure.axes
    tables = [reliability(labels, scores) for labels, scores in map(arrays, runs)]
    labels, scores = arrays(runs[0])
    tempered = reliability(labels, temper(scores, 2.0))
    drawn = [np.c_[container.lines[0].get_xydata()] for container in first.containers]
    for points, table in zip(drawn, (tables[0], tempered)):
        assert points == pytest.approx(table[['probability', 'share']].to_numpy())
    assert len(second.containers) == 1
    assert [text.get_text() for text in second.texts] == [str(n) for n in tables[1]['n']]


def test_coverage(make_run):
    run = make_run('a', threshold=0.4)
    (ax,) = draw_coverage([run], {'a': 2.0}).axes
    truth = coverage_curve(*arrays(run), 0.4, 2.0)
    assert ax.lines[0].get_xydata() == pytest.approx(truth[['coverage', 'accuracy']].to_numpy())
    assert ax.get_legend().get_texts()[0].get_text() == 'a (n = 40)'


def test_curves_begin_with_the_clean_videos():
    cells = [('clean', '0', 0.9), ('noise', '2', 0.7), ('noise', '1', 0.8), ('noise', 'mean', 0.75)]
    rows = [
        dict(detector=name, kind=kind, level=level, value=auc, low=auc - 0.1, high=auc + 0.1)
        for name in ('a', 'b')
        for kind, level, auc in cells
    ]
    figure = draw_robustness_curves(pd.DataFrame(rows), ['noise'], 'mini')
    (ax,) = figure.axes
    lines = [line.get_xydata().tolist() for line in ax.lines[1:]]  # the first is chance
    assert lines == [[[0, 0.9], [1, 0.8], [2, 0.7]]] * 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['a', 'b']
