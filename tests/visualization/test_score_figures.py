from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from mmfake.visualization.score_figures import (
    draw_confusion,
    draw_roc_curves,
    draw_score_histogram,
)


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def curve_of(ax):
    """The first curve after the diagonal."""
    return next(line for line in ax.lines[1:] if line.get_marker() != 'o').get_xydata()


def test_roc_of_one_seed(make_run):
    run = make_run('a', 'df', [0.1, 0.6, 0.3], df=[0.4, 0.7, 0.9])
    ax = draw_roc_curves([run], column_name=str.upper).axes[0]
    expected = np.transpose(roc_curve(run.frame['label'], run.frame['score'])[:2])
    assert curve_of(ax).tolist() == expected.tolist()
    (dot,) = (line for line in ax.lines if line.get_marker() == 'o')  # the threshold 0.5
    assert dot.get_xydata().tolist() == [[pytest.approx(1 / 3), pytest.approx(2 / 3)]]
    assert legend_of(ax) == ['0.889']
    assert ax.get_title(loc='left') == '(a) DF, n = 3 + 3'


def test_rocs_of_seeds_are_averaged_at_equal_false_positive_rates(make_run):
    # one network perfect, one that misses half of the fakes outright
    runs = [
        make_run('a', 'df', [0.2, 0.3], seed=0, df=[0.8, 0.9]),
        make_run('a', 'df', [0.2, 0.3], seed=1, df=[0.1, 0.9]),
    ]
    ax = draw_roc_curves(runs).axes[0]
    curve = curve_of(ax)
    assert curve[0].tolist() == [0, 0]
    at = dict(curve[1:])
    assert [at[0.0], at[0.5], at[1.0]] == pytest.approx([0.75, (1 + 0.5) / 2, 1])
    assert legend_of(ax) == ['0.750']


def test_roc_of_several_regimes_and_hold_outs(make_run):
    runs = [
        make_run('weak', 'df', [0.2, 0.8], df=[0.1, 0.9]),
        make_run('strong', 'df', [0.2, 0.3], df=[0.8, 0.9]),
        make_run('strong', 'nt', [0.2, 0.3], nt=[0.9]),
    ]
    figure = draw_roc_curves(runs, 'Mini', str.upper)
    df, nt = figure.axes
    # in the panel the best first, in the figure in the order of the table
    assert legend_of(df) == ['1.000', '0.500']
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['WEAK', 'STRONG']
    # a regime has its colour in every panel
    assert nt.get_legend().get_lines()[0].get_color() == df.get_legend().get_lines()[0].get_color()
    assert nt.get_title(loc='left') == '(b) nt, n = 2 + 1'


@pytest.mark.filterwarnings('error')
def test_one_class_has_no_roc_and_says_so(make_run):
    ax = draw_roc_curves([make_run('a', 'df', [0.2, 0.3])]).axes[0]
    assert len(ax.lines) == 1
    assert ax.get_legend().get_title().get_text() == 'AUC\na: one class only'


def test_histogram_shows_the_shares_of_each_method(make_run):
    # 3 of 4 originals in [0, 0.05), one in the last bin, which holds 1 as well
    run = make_run('a', 'x', [0, 0.04, 0.01, 1], df=[0.96, 1.0], threshold=0.3)
    figure = draw_score_histogram([run], 'Mini', str.upper)
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ['Original (4)', 'Deepfakes (2)']
    heights = [
        (patch.get_data().baseline - patch.get_data().values) / 0.9 * 100 for patch in ax.patches
    ]  # the highest bar of the figure is 100 % of the two fakes
    expected = np.zeros((2, 20))
    expected[0, [0, 19]], expected[1, 19] = (75, 25), 100
    assert np.array(heights) == pytest.approx(expected)
    assert 'a row is 100 % high' in figure.texts[0].get_text()
    lines = {(line.get_xdata()[0], line.get_linestyle()) for line in ax.lines}
    assert {(0.5, ':'), (0.3, '--')} <= lines


def test_histograms_have_one_scale_for_all_panels(make_run):
    runs = [
        make_run('a', 'x', [0.1, 0.6], df=[0.9, 0.2]),  # each bar is 50 %
        make_run('b', 'x', [0.1], df=[0.9, 0.2, 0.4, 0.7]),
    ]
    tops = [
        min((patch.get_data().values - y).min() for y, patch in enumerate(ax.patches))
        for ax in draw_score_histogram(runs).axes
    ]
    assert tops == pytest.approx([-0.45, -0.9])


def cells(ax):
    found = {tuple(text.get_position()[::-1]): text.get_text() for text in ax.texts}
    names = [label.get_text() for label in ax.get_yticklabels()]
    return {name: (found[y, 0], found[y, 1]) for y, name in enumerate(names)}


def test_confusion_of_one_network_by_method(make_run):
    run = make_run('a', 'overall', [0.1, 0.6, 0.3, 0.5], df=[0.9, 0.4], mine=[0.5])
    figure = draw_confusion([run], title='Mini', row_name=str.upper)
    (ax,) = figure.axes
    assert cells(ax) == {
        'Original': ('2 (50 %)', '2 (50 %)'),  # a score of exactly 0.5 is called manipulated
        'Deepfakes': ('1 (50 %)', '1 (50 %)'),
        'mine': ('0 (0 %)', '1 (100 %)'),
    }
    assert ax.images[0].get_array().tolist() == [[0.5, 0.5], [0.5, 0.5], [0, 1]]
    assert figure.texts[0].get_text().startswith('Mini\nvideos by true method')
    figure = draw_confusion([run], threshold=0.7)
    assert cells(figure.axes[0])['Original'] == ('4 (100 %)', '0 (0 %)')
    assert figure.texts[0].get_text().endswith('at threshold 0.7')


def test_confusion_of_hold_outs_has_their_own_originals_and_averages_seeds(make_run):
    runs = [
        make_run('a', 'df', [0.1, 0.6], seed=0, df=[0.9]),
        make_run('a', 'df', [0.1, 0.2], seed=1, df=[0.2]),
        make_run('a', 'nt', [0.9, 0.8], nt=[0.7, 0.6]),
        make_run('b', 'nt', [0.1, 0.2], nt=[0.7, 0.6]),
    ]
    first, second = draw_confusion(runs).axes
    assert cells(first) == {
        'Original (beside DF)': ('1.5 (75 %)', '0.5 (25 %)'),
        'Deepfakes': ('0.5 (50 %)', '0.5 (50 %)'),
        'Original (beside NT)': ('0 (0 %)', '2 (100 %)'),
        'NeuralTextures': ('0 (0 %)', '2 (100 %)'),
    }
    assert cells(second)['Original'] == ('2 (100 %)', '0 (0 %)')


def test_long_names_are_folded(make_run):
    name = 'Binary Contrastive + Multi Contrastive'
    title = draw_confusion([make_run(name, 'df', [0.1], df=[0.9])]).axes[0].get_title(loc='left')
    assert title.replace('\n', ' ') == f'(a) {name}'
    assert max(map(len, title.split('\n'))) <= 26


def test_the_threshold_of_a_run_is_the_one_that_is_drawn(make_run):
    runs = [
        replace(make_run(name, 'df', [0.1, 0.6, 0.3], df=[0.4, 0.7, 0.9]), threshold=level)
        for name, level in (('a', 0.35), ('b', None))
    ]
    figure = draw_confusion(runs, threshold=None)
    titles = [ax.get_title(loc='left') for ax in figure.axes]
    assert titles == ['(a) a, threshold 0.35', '(b) b, threshold 0.5']
    texts = [[text.get_text() for text in ax.texts] for ax in figure.axes]
    assert [text[3] for text in texts] == ['3 (100 %)', '2 (67 %)']
    figure = draw_roc_curves(runs)
    dots = [line.get_xydata().tolist() for line in figure.axes[0].lines if line.get_marker() == 'o']
    assert dots == [[[pytest.approx(1 / 3), 1.0]], [[pytest.approx(1 / 3), pytest.approx(2 / 3)]]]
    assert figure._suptitle.get_text().startswith('dot: the threshold from validation or given')
