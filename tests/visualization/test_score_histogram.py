import numpy as np
import pytest

from mmfake.visualization.score_figures import draw_score_histogram


def test_shares_of_each_method(make_run):
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
    assert ax.get_title(loc='left') == '(a) A'


def test_one_scale_for_all_panels(make_run):
    runs = [
        make_run('a', 'x', [0.1, 0.6], df=[0.9, 0.2]),  # each bar is 50 %
        make_run('b', 'x', [0.1], df=[0.9, 0.2, 0.4, 0.7]),
    ]
    figure = draw_score_histogram(runs)
    tops = [
        min((patch.get_data().values - y).min() for y, patch in enumerate(ax.patches))
        for ax in figure.axes
    ]
    assert tops == pytest.approx([-0.45, -0.9])
    assert all(line.get_linestyle() != '--' for ax in figure.axes for line in ax.lines)
