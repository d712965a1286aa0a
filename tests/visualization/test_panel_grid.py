import pytest

from mmfake.visualization.style import letter, panel_grid


@pytest.mark.parametrize(('n', 'rows', 'width'), [(1, 1, 4.29), (3, 1, 7), (4, 2, 7), (7, 3, 7)])
def test_as_many_panels_as_asked_for(n, rows, width):
    figure, axes = panel_grid(n, 2.0, 3)
    assert len(axes) == len(figure.axes) == n
    assert figure.get_size_inches() == pytest.approx([width, 2.0 * rows + 0.45])
    assert axes[0].get_subplotspec().get_gridspec().nrows == rows


def test_letters():
    assert [letter(place) for place in (0, 25, 26)] == ['(a)', '(z)', '(27)']
