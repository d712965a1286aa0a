import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from mmengine.config import Config

from mmfake.visualization.training_curves import TrainingLog, draw_losses, epochs_of


def _log(steps, epochs, validated=(), config=None, **columns):
    columns = {key.replace('__', '.'): value for key, value in columns.items()}
    training = pd.DataFrame(dict(step=steps, epoch=epochs, **(columns or dict(loss=1.0))))
    validation = pd.DataFrame(dict(auc=0.5), index=list(validated), dtype=float)
    return TrainingLog(training, validation, None if config is None else Config(config))


def _draw(log):
    ax = Figure().subplots()
    draw_losses(ax, log)
    return ax


def _line(ax, label):
    return next(line for line in ax.get_lines() if line.get_label() == label)


def _texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(
    ('steps', 'epochs', 'validated', 'expected'),
    [
        # whole epochs of 14 iterations, logged every 7th
        ([7, 14, 21, 28], [1, 1, 2, 2], [1, 2], [0.5, 1, 1.5, 2]),
        # the third epoch is still running: its length is that of the two before
        ([10, 20, 25], [1, 2, 3], [1, 2], [1, 2, 2.5]),
        # resumed with half the batch: epoch 2 has twice the iterations
        ([10, 20, 30], [1, 2, 2], [1, 2], [1, 1.5, 2]),
        # no validation at all
        ([5, 10, 15, 20], [1, 1, 2, 2], [], [0.5, 1, 1.5, 2]),
        # a single epoch, finished
        ([2, 4], [1, 1], [1], [0.5, 1]),
    ],
)
def test_iterations_become_epochs(steps, epochs, validated, expected):
    np.testing.assert_allclose(epochs_of(_log(steps, epochs, validated)), expected)


def test_the_first_epoch_is_shown_in_iterations():
    log = _log([5, 10], [1, 1])
    assert epochs_of(log) is None
    ax = _draw(log)
    assert ax.get_xlabel() == 'Iteration'
    assert list(_line(ax, 'Sum').get_xdata()) == [5, 10]


def test_terms_their_sum_and_the_even_guess():
    config = dict(
        log_processor=dict(window_size=20),
        model=dict(
            binary=dict(cls_head=dict(num_classes=2)), multi=dict(cls_head=dict(num_classes=4))
        ),
    )
    log = _log(
        [7, 14], [1, 1], [1], config, loss=[3, 2], binary__loss_ce=[1, 0.5], multi__loss_ce=[2, 1.5]
    )
    ax = _draw(log)
    assert list(_line(ax, 'Binary CE').get_ydata()) == [1, 0.5]
    assert list(_line(ax, 'Multi CE').get_ydata()) == [2, 1.5]
    assert list(_line(ax, 'Sum').get_ydata()) == [3, 2]
    guesses = [line for line in ax.get_lines() if line.get_linestyle() == ':']
    assert [line.get_ydata()[0] for line in guesses] == pytest.approx([math.log(2), math.log(4)])
    assert {'even guess, ln 2', 'even guess, ln 4', 'Binary CE', 'Multi CE', 'Sum'} == set(
        _texts(ax)
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == ('Epoch', 'Loss (nats)')
    assert ax.get_title(loc='left') + ax.get_title() == (
        '(a) Training loss\nmean of the last 20 iterations'
    )
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > 3


def test_one_term_has_no_sum_and_a_config_without_heads_no_guess():
    log = _log([7, 14], [1, 1], [1], dict(), loss=[1, 2], binary__loss_ce=[1, 2])
    assert _texts(_draw(log)) == ['Binary CE']


def test_the_same_stream_has_one_colour_and_the_same_kind_one_dash():
    names = ['binary__loss_ce', 'binary__loss_contrast', 'multi__loss_ce', 'multi__loss_contrast']
    ax = _draw(_log([7, 14], [1, 1], [1], loss=[4, 4], **{name: [1, 1] for name in names}))
    a, b, c, d = (
        _line(ax, f'{stream} {kind}')
        for stream in ('Binary', 'Multi')
        for kind in ('CE', 'contrastive')
    )
    assert a.get_color() == b.get_color() != c.get_color() == d.get_color()
    assert a.get_linestyle() == c.get_linestyle() != b.get_linestyle() == d.get_linestyle()


def test_a_foreign_loss_keeps_its_key():
    ax = _draw(_log([7, 14], [1, 1], [1], loss=[3, 3], loss_cls=[1, 1], loss_aux=[2, 2]))
    assert set(_texts(ax)) == {'Sum', 'loss_cls', 'loss_aux'}
    assert _line(ax, 'loss_cls').get_color() != _line(ax, 'loss_aux').get_color()


def test_the_time_in_which_a_queue_fills_is_marked():
    fill = dict(binary__queue_fill=[0.5, 1, 1, 1], multi__queue_fill=[0.3, 0.6, 1, 1])
    ax = _draw(
        _log([5, 10, 15, 20], [1, 1, 2, 2], [1, 2], loss=4.0, binary__loss_contrast=4.0, **fill)
    )
    (field,) = ax.patches
    assert field.get_label() == 'queue filling'
    box = field.get_path().get_extents(field.get_patch_transform())
    assert (box.x0, box.x1) == pytest.approx((0, 1))  # step 10 is the end of epoch 1
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ['queue filling']


def test_a_full_queue_is_not_marked():
    log = _log([5, 10], [1, 1], [1], loss=1.0, binary__loss_contrast=1.0, binary__queue_fill=1.0)
    ax = _draw(log)
    assert not ax.patches
    assert ax.get_legend() is None


def test_a_single_row_is_a_visible_point():
    ax = _draw(_log([5], [1], [1], loss=[1.0], binary__loss_ce=[1.0]))
    assert _line(ax, 'Binary CE').get_marker() == 'o'
