import numpy as np
import pytest
from sklearn.metrics import roc_curve

from mmfake.visualization.score_figures import draw_roc_curves


def curve_of(ax, place=0):
    """The curves after the diagonal."""
    return [line for line in ax.lines[1:] if line.get_marker() != 'o'][place].get_xydata()


def test_one_seed(make_run):
    run = make_run('a', 'df', [0.1, 0.6, 0.3], df=[0.4, 0.7, 0.9])
    ax = draw_roc_curves([run], column_name=str.upper).axes[0]
    expected = np.transpose(roc_curve(run.frame['label'], run.frame['score'])[:2])
    assert curve_of(ax).tolist() == expected.tolist()
    (dot,) = (line for line in ax.lines if line.get_marker() == 'o')
    assert dot.get_xydata().tolist() == [[pytest.approx(1 / 3), pytest.approx(2 / 3)]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ['0.889']
    assert ax.get_title(loc='left') == '(a) DF, n = 3 + 3'
    assert ax.get_xlabel().startswith('False positive rate')


def test_seeds_are_averaged_at_equal_false_positive_rates(make_run):
    # one network perfect, one that misses half of the fakes outright
    runs = [
        make_run('a', 'df', [0.2, 0.3], seed=0, df=[0.8, 0.9]),
        make_run('a', 'df', [0.2, 0.3], seed=1, df=[0.1, 0.9]),
    ]
    ax = draw_roc_curves(runs).axes[0]
    curve = curve_of(ax)
    assert curve[0].tolist() == [0, 0]
    at = dict(curve[1:])
    assert at[0.0] == pytest.approx(0.75)
    assert at[0.5] == pytest.approx((1 + 0.5) / 2)
    assert at[1.0] == 1
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ['0.750']


def test_several_regimes_and_panels(make_run):
    runs = [
        make_run('weak', 'df', [0.2, 0.8], df=[0.1, 0.9]),
        make_run('strong', 'df', [0.2, 0.3], df=[0.8, 0.9]),
        make_run('strong', 'nt', [0.2, 0.3], nt=[0.9]),
    ]
    figure = draw_roc_curves(runs, 'Mini', str.upper)
    df, nt = figure.axes
    # in the panel the best first, in the figure in the order of the table
    assert [text.get_text() for text in df.get_legend().get_texts()] == ['1.000', '0.500']
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['WEAK', 'STRONG']
    looks = {line.get_color() for line in df.get_legend().get_lines()}
    assert looks == {line.get_color() for line in figure.legends[0].get_lines()}
    # a regime has its colour in every panel
    assert nt.get_legend().get_lines()[0].get_color() == df.get_legend().get_lines()[0].get_color()
    assert nt.get_title(loc='left') == '(b) nt, n = 2 + 1'


@pytest.mark.filterwarnings('error')
def test_one_class_has_no_curve_and_says_so(make_run):
    ax = draw_roc_curves([make_run('a', 'df', [0.2, 0.3])]).axes[0]
    assert len(ax.lines) == 1
    assert ax.get_legend().get_title().get_text() == 'AUC\na: one class only'
