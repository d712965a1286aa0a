import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy.optimize import minimize

from mmfake.visualization.style import label_lines, spread


@pytest.mark.parametrize(
    'places',
    [[0.5], [0.1, 0.9], [0.5, 0.5, 0.5], [0.97, 0.99, 0.2, 0.98], [0.02, 0.0, 0.4, 0.45]],
)
def test_the_moves_are_the_smallest_that_keep_the_gap(places):
    gap, n = 0.1, len(places)
    order = np.argsort(places, kind='stable')
    rules = [
        dict(type='ineq', fun=lambda x, i=i, j=j: x[j] - x[i] - gap)
        for i, j in zip(order, order[1:])
    ]
    wanted = minimize(
        lambda x: ((x - places) ** 2).sum(), np.full(n, 0.5), bounds=[(0, 1)] * n, constraints=rules
    )
    np.testing.assert_allclose(spread(places, gap), wanted.x, atol=1e-4)


def test_too_many_for_the_axes_still_do_not_overlap():
    moved = sorted(spread([0.5] * 5, 0.3))
    np.testing.assert_allclose(np.diff(moved), 0.3)


def test_labels_stand_beside_the_last_finite_points_and_do_not_overlap():
    figure = Figure(layout='constrained')
    ax = figure.subplots()
    lines = []
    for name, end in (('low', 0.5), ('high', 0.51), ('gap', np.nan)):
        lines += ax.plot([0, 1, 2], [0.1, 0.4, end], label=name)
    lines += ax.plot([0, 1], [np.nan, np.nan], label='never')
    ax.set_ylim(0, 1)
    label_lines(ax, lines)
    figure.draw_without_rendering()
    labels = {text.get_text(): text for text in ax.texts}
    assert set(labels) == {'low', 'high', 'gap'}
    assert tuple(labels['gap'].xy) == (1, 0.4)
    assert tuple(labels['high'].xy) == (2, 0.51)
    assert labels['gap'].xyann[1] < labels['low'].xyann[1] < labels['high'].xyann[1]
    assert tuple(labels['low'].get_color()) == pytest.approx(
        [0.75 * part for part in to_rgb(lines[0].get_color())]
    )
    boxes = [super(type(text), text).get_window_extent() for text in labels.values()]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert all(box.x0 > ax.get_window_extent().x1 for box in boxes)
