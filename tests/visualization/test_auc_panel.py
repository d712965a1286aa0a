import math

import pandas as pd
import pytest
from matplotlib.figure import Figure
from mmengine.config import Config

from mmfake.datasets.protocol import get_manipulation
from mmfake.errors import MMFakeError
from mmfake.visualization.style import figure_style
from mmfake.visualization.training_curves import TrainingLog, draw_auc


def _draw(config=None, last_epoch=None, **columns):
    columns = {key.replace('__', '/'): value for key, value in columns.items()}
    n = len(next(iter(columns.values()), []))
    index = pd.RangeIndex(1, n + 1, name='epoch')
    training = pd.DataFrame(dict(step=[1], epoch=[last_epoch or n], loss=[1.0]))
    log = TrainingLog(training, pd.DataFrame(columns, index=index), config)
    with figure_style():
        ax = Figure().subplots()
        draw_auc(ax, log)
    return ax


def _line(ax, label):
    return next(line for line in ax.get_lines() if line.get_label() == label)


def test_curves_band_chance_and_best_epoch():
    ax = _draw(
        auc=[0.6, 0.9, 0.9, 0.8],
        auc_low=[0.5, 0.81, 0.82, 0.7],
        auc_high=[0.7, 0.97, 0.98, 0.9],
        df__auc=[0.5, 0.8, 0.9, 0.7],
        nt__auc=[0.7, 1.0, 0.9, 0.9],
        df__n_scored=[32, 32, 32, 32],
    )
    overall = _line(ax, 'All seen methods')
    assert overall.get_xydata().tolist() == [[1, 0.6], [2, 0.9], [3, 0.9], [4, 0.8]]
    for key, values in (('df', [0.5, 0.8, 0.9, 0.7]), ('nt', [0.7, 1.0, 0.9, 0.9])):
        line = _line(ax, get_manipulation(key).name)
        assert list(line.get_ydata()) == values
        assert line.get_linewidth() < overall.get_linewidth()
    (band,) = ax.collections
    corners = {tuple(point) for point in band.get_paths()[0].vertices.round(6)}
    assert {(1, 0.5), (2, 0.81), (3, 0.98), (4, 0.9)} <= corners
    assert any(set(line.get_ydata()) == {0.5} for line in ax.get_lines())  # chance
    # the first of equals, as CheckpointHook keeps a checkpoint until a strictly better one comes
    marked = [line for line in ax.get_lines() if line.get_marker() == 'o']
    assert [line.get_xydata().tolist() for line in marked] == [[[2, 0.9]]]
    assert ax.get_title(loc='left') == (
        '(b) Validation AUC, 95 % interval in grey\nbest: epoch 2, 0.900 [0.810, 0.970]'
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == ('Epoch', 'AUC')


def test_without_intervals_there_is_no_band():
    ax = _draw(auc=[0.6, 0.7])
    assert not ax.collections
    assert ax.get_title(loc='left') == '(b) Validation AUC\nbest: epoch 2, 0.700'


@pytest.mark.parametrize('several', [False, True])
def test_the_level_of_the_interval_is_that_of_the_config(several):
    metric = dict(type='mmfake.DeepfakeMetric', confidence=0.9)
    evaluators = [dict(type='AccMetric'), metric] if several else metric
    ax = _draw(Config(dict(val_evaluator=evaluators)), auc=[0.6], auc_low=[0.5], auc_high=[0.7])
    assert '90 % interval' in ax.get_title(loc='left')


def test_one_epoch_has_an_error_bar_and_points():
    ax = _draw(auc=[0.6], auc_low=[0.45], auc_high=[0.7], df__auc=[0.65])
    assert _line(ax, 'Deepfakes').get_marker() == 'o'
    (bar,) = ax.containers
    (stroke,) = bar.lines[2]
    assert stroke.get_segments()[0].tolist() == [[1, pytest.approx(0.45)], [1, pytest.approx(0.7)]]


def test_undefined_epochs_are_gaps():
    ax = _draw(auc=[math.nan, 0.6, math.nan], df__auc=[math.nan, 0.7, 0.8])
    assert ax.get_title(loc='left').endswith('best: epoch 2, 0.600')
    assert {text.get_text() for text in ax.texts} == {'chance', 'Deepfakes', 'All seen methods'}


def test_the_axis_reaches_the_epoch_that_is_running():
    assert _draw(auc=[0.6], last_epoch=5).get_xlim()[1] >= 5


def test_low_values_stay_inside():
    ax = _draw(auc=[0.3, 0.5], auc_low=[0.05, 0.4], auc_high=[0.5, 0.6])
    low, high = ax.get_ylim()
    assert low < 0.05
    assert high >= 1


def test_a_method_looks_the_same_whichever_is_held_out():
    one = _line(_draw(auc=[0.6, 0.7], fs__auc=[0.6, 0.7], nt__auc=[0.6, 0.7]), 'FaceSwap')
    two = _line(_draw(auc=[0.6, 0.7], df__auc=[0.6, 0.7], fs__auc=[0.6, 0.7]), 'FaceSwap')
    assert one.get_color() == two.get_color()
    assert one.get_linestyle() == two.get_linestyle()


@pytest.mark.parametrize(
    ('columns', 'message'),
    [({}, 'No validation yet'), (dict(auc=[math.nan]), 'AUC is undefined: one class only')],
)
def test_without_auc_the_panel_says_so(columns, message):
    ax = _draw(last_epoch=1, **columns)
    assert [text.get_text() for text in ax.texts] == [message]
    assert ax.get_title(loc='left') == '(b) Validation AUC'


def test_a_method_without_name():
    with pytest.raises(MMFakeError, match="unknown manipulation 'xyz'"):
        _draw(auc=[0.6], xyz__auc=[0.6])
