import numpy as np
import pytest

from mmfake.apis.plot_training import plot_training
from mmfake.visualization.gradient_conflict import draw_gradient_conflict, has_conflict
from mmfake.visualization.training_curves import read_training_log
from tests.visualization.conftest import train_line, val_line

PAIR = 'binary.ce,multi.ce'


@pytest.fixture
def work_dir(write_log):
    """Two epochs of four logged iterations; measured from the third on."""
    lines = []
    for step, cosine in enumerate([None, None, 0.5, 0.5, -0.25, -0.25, 0.0, 0.75], 1):
        measured = {}
        if cosine is not None:
            measured = {f'conflict/cos/{PAIR}': cosine, f'conflict/ratio/{PAIR}': float(step)}
        lines.append(train_line(step, (step + 3) // 4, **measured))
        if step % 4 == 0:
            lines.append(val_line(step // 4, 0.8))
    return write_log(lines)


def test_figure(work_dir):
    log = read_training_log(work_dir)
    assert has_conflict(log)
    figure = draw_gradient_conflict(log, 'run')
    left, right = figure.axes
    even, line = left.lines
    assert set(even.get_ydata()) == {0}
    values = [0.5, 0.5, -0.25, -0.25, 0.0, 0.75]
    np.testing.assert_array_equal(line.get_ydata(), [np.nan, np.nan, *values])
    np.testing.assert_allclose(line.get_xdata(), np.arange(1, 9) / 4)  # epochs
    # two of six: 0 is no conflict, and a row without a measurement is none at all
    assert left.get_title(loc='left') == '(a) Cosine of the gradients, 33 % below 0'
    assert left.get_xlabel() == 'Epoch'
    assert left.get_legend().get_texts()[0].get_text() == 'binary.ce and multi.ce'
    np.testing.assert_array_equal(right.lines[1].get_ydata()[2:], [3, 4, 5, 6, 7, 8])
    assert right.get_yscale() == 'log'


def test_it_is_drawn_beside_the_curves_where_it_was_measured(work_dir, tmp_path):
    written = plot_training(work_dir, [tmp_path / 'out' / 'curves.png'])
    names = ['curves.png', 'gradient_conflict.png', 'gradient_conflict.svg']
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == names


def test_nothing_without_the_hook(write_log):
    work_dir = write_log([train_line(1, 1)])
    assert not has_conflict(read_training_log(work_dir))
    assert len(plot_training(work_dir)) == 2
