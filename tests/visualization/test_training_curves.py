import json
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.text import Text
from sklearn.metrics import log_loss
from torch.nn.functional import cross_entropy

from mmfake.apis.plot_training import plot_training
from mmfake.datasets.manipulations import get_manipulation
from mmfake.errors import MMFakeError
from mmfake.visualization.training_curves import (
    TrainingLog,
    draw_training_curves,
    epochs_of,
    read_training_log,
    run_name,
)
from tests.visualization.conftest import CONFIG, train_line, val_line

LATER = '20260102_000000'
TOOL = Path(__file__).parents[2] / 'tools' / 'plot_training.py'


def scalars(work_dir):
    return next(work_dir.glob('*/vis_data/scalars.json'))


# reading


def test_training_and_validation_are_told_apart(write_log):
    lines = [train_line(5, 1), train_line(9, 1, loss=1.5), val_line(1, 0.6, df=0.7)]
    log = read_training_log(write_log([*lines, train_line(14, 2), val_line(2, math.nan)]))
    assert log.training[['step', 'epoch', 'loss']].values.tolist() == [
        *([5, 1, 2.0], [9, 1, 1.5], [14, 2, 2.0]),
    ]
    assert log.validation['auc'].to_dict() == pytest.approx({1: 0.6, 2: math.nan}, nan_ok=True)
    assert log.validation.loc[1, 'df/auc'] == 0.7
    assert math.isnan(log.validation.loc[2, 'df/auc'])  # not logged in that epoch
    assert log.config['randomness']['seed'] == 7


def test_a_resumed_run_replaces_what_it_repeats(write_log):
    first = [train_line(5, 1, loss=1), train_line(10, 1, loss=1), val_line(1, 0.51)]
    first += [train_line(15, 2, loss=1), val_line(2, 0.52), train_line(25, 3, loss=1)]
    write_log(first)
    # resumed after epoch 1 with another logging interval, and killed before its validation
    log = read_training_log(
        write_log([train_line(13, 2, loss=9), train_line(16, 2, loss=9)], LATER)
    )
    assert dict(zip(log.training['step'], log.training['loss'])) == {5: 1, 10: 1, 13: 9, 16: 9}
    assert dict(log.validation['auc']) == {1: 0.51}


def test_a_fresh_start_replaces_everything_and_its_config_counts(write_log):
    write_log([train_line(5, 1), val_line(1, 0.9), train_line(10, 2), val_line(2, 0.9)])
    config = dict(randomness=dict(seed=8))
    log = read_training_log(write_log([train_line(5, 1)], LATER, config=config))
    assert (list(log.training['step']), len(log.validation)) == ([5], 0)
    assert log.config['randomness']['seed'] == 8


@pytest.mark.parametrize('interval', [7, None])
def test_a_fresh_start_that_logs_less_often_keeps_no_step_of_an_earlier_training(
    write_log, interval
):
    write_log([train_line(step, 1, loss=1) for step in range(1, 12)] + [val_line(1, 0.9)])
    config = {} if interval is None else dict(default_hooks=dict(logger=dict(interval=interval)))
    places = [(interval or 10, 1), (2 * (interval or 10), 2)]  # mmengine logs every 10th step
    lines = [train_line(*place, loss=9) for place in places]
    log = read_training_log(write_log(lines, LATER, config=config))
    assert log.training[['step', 'epoch', 'loss']].values.tolist() == [[*p, 9] for p in places]
    assert log.validation.empty


def test_a_run_of_short_epochs_is_resumed_within_the_interval(write_log):
    write_log([train_line(4, 1, loss=1), val_line(1, 0.6), train_line(8, 2, loss=1)])
    log = read_training_log(write_log([train_line(8, 2, loss=9)], LATER))
    assert dict(zip(log.training['step'], log.training['loss'])) == {4: 1, 8: 9}
    assert dict(log.validation['auc']) == {1: 0.6}


def test_a_start_without_training_line_changes_nothing(write_log):
    write_log([train_line(5, 1), val_line(1, 0.6)])
    work_dir = write_log([val_line(0, 0.99)], LATER)  # a validation alone is logged at epoch 0
    assert dict(read_training_log(work_dir).validation['auc']) == {1: 0.6}


def test_a_line_cut_short_by_a_kill_is_left_out_and_any_other_is_named(write_log):
    work_dir = write_log([train_line(5, 1), val_line(1, 0.6), train_line(10, 2)])
    file = scalars(work_dir)
    file.write_text(file.read_text()[:-20])
    assert list(read_training_log(work_dir).training['step']) == [5]
    file.write_text('{"loss": 1.0, "ep\n' + file.read_text())
    with pytest.raises(MMFakeError, match=r'scalars\.json:1: not a JSON object .*; delete this'):
        read_training_log(work_dir)


def test_mistakes(write_log, tmp_path):
    with pytest.raises(MMFakeError, match='no training log .* run of tools/train.py'):
        read_training_log(tmp_path / 'absent')
    work_dir = write_log([val_line(1, 0.6)])
    with pytest.raises(MMFakeError, match='no training line yet'):
        read_training_log(work_dir)
    scalars(work_dir).write_text(json.dumps(dict(loss=1.0, iter=5, step=5)))
    with pytest.raises(MMFakeError, match='without epoch; set log_processor.by_epoch=True'):
        read_training_log(work_dir)
    scalars(work_dir).write_text(json.dumps(dict(loss=1.0, epoch=1, step=5)))
    scalars(work_dir).with_name('config.py').write_text('seed = 1 / 0\n')
    with pytest.raises(MMFakeError, match=r'config\.py: .* cannot be read .division by zero'):
        read_training_log(work_dir)


def test_a_run_is_named_by_its_newest_config_or_its_folder(tmp_path):
    assert run_name(tmp_path / 'seed_3' / '.') == 'seed_3'
    names = ['test_bin_ce_holdout_df.py', 'bin_ce_holdout_df.py', 'bin_con_holdout_df.py']
    for age, name in enumerate(names):  # the first is that of a test
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    assert run_name(tmp_path) == 'bin_ce_holdout_df'


# drawing


def make_log(steps=(7, 14), epochs=(1, 1), validation=None, config=None, **columns):
    columns = {key.replace('__', '.'): value for key, value in columns.items()}
    training = pd.DataFrame(dict(step=steps, epoch=epochs, **(columns or dict(loss=1.0))))
    validation = dict(auc=[0.5]) if validation is None else validation
    n = len(next(iter(validation.values()), []))
    return TrainingLog(
        training, pd.DataFrame(validation, index=range(1, n + 1)), dict(config or {})
    )


def draw(**options):
    """Both panels."""
    return draw_training_curves(make_log(**options), 'run').axes


def line_of(ax, label):
    return next(line for line in ax.get_lines() if line.get_label() == label)


def texts_of(ax):
    return {text.get_text() for text in ax.texts}


@pytest.mark.parametrize(
    ('steps', 'epochs', 'validated', 'expected'),
    [
        # whole epochs of 14 iterations, logged every 7th
        ([7, 14, 21, 28], [1, 1, 2, 2], 2, [0.5, 1, 1.5, 2]),
        # the third epoch is still running: its length is that of the two before
        ([10, 20, 25], [1, 2, 3], 2, [1, 2, 2.5]),
        # resumed with half the batch: epoch 2 has twice the iterations
        ([10, 20, 30], [1, 2, 2], 2, [1, 1.5, 2]),
        # no validation at all
        ([5, 10, 15, 20], [1, 1, 2, 2], 0, [0.5, 1, 1.5, 2]),
        # a single epoch, finished
        ([2, 4], [1, 1], 1, [0.5, 1]),
    ],
)
def test_iterations_become_epochs(steps, epochs, validated, expected):
    log = make_log(steps, epochs, dict(auc=validated * [0.5]))
    np.testing.assert_allclose(epochs_of(log), expected)


def test_the_first_epoch_is_shown_in_iterations():
    losses, auc = draw(steps=[5, 10], validation={})
    assert losses.get_xlabel() == 'Iteration'
    assert list(line_of(losses, 'Sum').get_xdata()) == [5, 10]
    assert texts_of(auc) == {'No validation yet'}


def test_terms_their_sum_and_the_even_guess():
    ax, _ = draw(config=CONFIG, loss=[3, 2], binary__loss_ce=[1, 0.5], multi__loss_ce=[2, 1.5])
    shown = {name: list(line_of(ax, name).get_ydata()) for name in ('Binary CE', 'Multi CE', 'Sum')}
    assert shown == {'Binary CE': [1, 0.5], 'Multi CE': [2, 1.5], 'Sum': [3, 2]}
    guesses = [line for line in ax.get_lines() if line.get_linestyle() == ':']
    assert [line.get_ydata()[0] for line in guesses] == pytest.approx([math.log(2), math.log(4)])
    assert texts_of(ax) == {'even guess, ln 2', 'even guess, ln 4', *shown}
    assert ax.get_title(loc='left') == '(a) Training loss\nmean of the last 20 iterations'
    assert (ax.get_ylim()[0], ax.get_ylim()[1] > 3) == (0, True)


def test_the_guess_of_the_shares_of_classes_in_a_batch():
    sampler = dict(train_dataloader=dict(sampler=dict(type='mmfake.PairedSampler')))
    ax, _ = draw(
        config=dict(CONFIG, **sampler), loss=[3, 2], binary__loss_ce=[1, 0.5], multi__loss_ce=[2, 1]
    )
    guesses = [line for line in ax.get_lines() if line.get_linestyle() == ':']
    # always to say how often each class comes: half originals, a sixth of each manipulation
    labels = [0] * 3 + [1, 2, 3]
    shares = np.tile(np.bincount(labels) / 6, (6, 1))
    expected = [math.log(2), log_loss(labels, shares)]
    assert [line.get_ydata()[0] for line in guesses] == pytest.approx(expected)
    assert {'even guess, ln 2', 'guess of the shares, 1.24'} <= texts_of(ax)


def test_the_even_guess_of_a_weighted_loss_and_of_another():
    loss = dict(type='CrossEntropyLoss', loss_weight=0.5)
    streams = dict(
        binary=dict(cls_head=dict(num_classes=2, loss_cls=loss)),
        multi=dict(
            cls_head=dict(
                num_classes=4, loss_cls=dict(type='CrossEntropyLoss', class_weight=[1] * 4)
            )
        ),
    )
    terms = dict(loss=[3, 2], binary__loss_ce=[1, 0.5], multi__loss_ce=[2, 1.5])
    ax, _ = draw(config=dict(model=streams), **terms)
    (guess,) = (line for line in ax.get_lines() if line.get_linestyle() == ':')
    assert guess.get_ydata()[0] == pytest.approx(0.5 * math.log(2))
    assert 'even guess, 0.5 ln 2' in texts_of(ax)


def guesses_of(config):
    ax, _ = draw(config=config, loss=[3, 2], binary__loss_ce=[1, 0.5], multi__loss_ce=[2, 1.5])
    return [line.get_ydata()[0] for line in ax.get_lines() if line.get_linestyle() == ':']


@pytest.mark.parametrize('option', ['label_smoothing', 'label_smooth_eps'])
def test_smoothed_targets_cost_an_even_guess_the_same_and_one_of_the_shares_not(option):
    streams = {
        name: dict(cls_head=dict(num_classes=count, **{option: 0.3}))
        for name, count in (('binary', 2), ('multi', 4))
    }
    expected = [
        float(cross_entropy(torch.zeros(1, count), torch.tensor([1]), label_smoothing=0.3))
        for count in (2, 4)
    ]
    assert guesses_of(dict(model=streams)) == pytest.approx(expected)
    sampler = dict(train_dataloader=dict(sampler=dict(type='mmfake.PairedSampler')))
    assert guesses_of(dict(sampler, model=streams)) == pytest.approx(expected[:1])


def test_a_loss_with_a_weight_that_changes_has_no_guess():
    hook = dict(type='mmfake.DynamicWeightAverageHook', losses=['multi.loss_ce', 'x.loss_y'])
    other = dict(type='mmfake.GradientConflictHook')
    assert guesses_of(dict(CONFIG, custom_hooks=[other, hook])) == pytest.approx([math.log(2)])
    hook['losses'] = ['multi.loss_ce', 'binary.loss_ce']
    assert guesses_of(dict(CONFIG, custom_hooks=[hook])) == []


def test_other_losses_keep_their_keys_and_one_alone_has_no_sum():
    ax, _ = draw(loss=[3, 3], loss_cls=[1, 1], loss_aux=[2, 2])
    assert texts_of(ax) == {'Sum', 'loss_cls', 'loss_aux'}
    assert line_of(ax, 'loss_cls').get_color() != line_of(ax, 'loss_aux').get_color()
    ax, _ = draw(steps=[5], epochs=[1], loss=[1.0], binary__loss_ce=[1.0])
    assert texts_of(ax) == {'Binary CE'}
    assert line_of(ax, 'Binary CE').get_marker() == 'o'  # a line of one point is not to be seen


def test_the_same_stream_has_one_colour_and_the_same_kind_one_dash():
    names = ['binary__loss_ce', 'binary__loss_contrast', 'multi__loss_ce', 'multi__loss_contrast']
    ax, _ = draw(loss=[4, 4], **{name: [1, 1] for name in names})
    labels = ('Binary CE', 'Binary contrastive', 'Multi CE', 'Multi contrastive')
    a, b, c, d = (line_of(ax, label) for label in labels)
    assert a.get_color() == b.get_color() != c.get_color() == d.get_color()
    assert a.get_linestyle() == c.get_linestyle() != b.get_linestyle() == d.get_linestyle()


def test_the_time_in_which_a_queue_fills_is_marked():
    fill = dict(binary__queue_fill=[0.5, 1, 1, 1], multi__queue_fill=[0.3, 0.6, 1, 1])
    rows = dict(steps=[5, 10, 15, 20], epochs=[1, 1, 2, 2], validation=dict(auc=[0.5, 0.5]))
    ax, _ = draw(**rows, loss=4.0, binary__loss_contrast=4.0, **fill)
    (field,) = ax.patches
    box = field.get_path().get_extents(field.get_patch_transform())
    assert (box.x0, box.x1) == pytest.approx((0, 1))  # step 10 is the end of epoch 1
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ['queue filling']
    ax, _ = draw(loss=4.0, binary__queue_fill=1.0)
    assert not ax.patches


def test_auc_of_all_methods_and_the_best_epoch():
    methods = {'df/auc': [0.5, 0.8, 0.9, 0.7], 'nt/auc': [0.7, 1.0, 0.9, 0.9]}
    band = dict(auc_low=[0.5, 0.81, 0.82, 0.7], auc_high=[0.7, 0.97, 0.98, 0.9])
    _, ax = draw(validation=dict(auc=[0.6, 0.9, 0.9, 0.8], **band, **methods), epochs=[1, 5])
    overall = line_of(ax, 'All seen methods')
    assert overall.get_xydata().tolist() == [[1, 0.6], [2, 0.9], [3, 0.9], [4, 0.8]]
    for key, values in methods.items():
        assert list(line_of(ax, get_manipulation(key[:2]).name).get_ydata()) == values
    (band,) = ax.collections
    corners = {tuple(point) for point in band.get_paths()[0].vertices.round(6)}
    assert {(1, 0.5), (2, 0.81), (3, 0.98), (4, 0.9)} <= corners
    assert texts_of(ax) == {'chance', 'Deepfakes', 'NeuralTextures', 'All seen methods'}
    # the first of equals, as CheckpointHook keeps a checkpoint until a strictly better one comes
    marked = [line for line in ax.get_lines() if line.get_marker() == 'o']
    assert [line.get_xydata().tolist() for line in marked] == [[[2, 0.9]]]
    assert ax.get_title(loc='left') == (
        '(b) Validation AUC, 95 % interval in grey\nbest: epoch 2, 0.900 [0.810, 0.970]'
    )
    assert ax.get_xlim()[1] >= 5  # the epoch that is running


def test_a_single_validation_has_an_error_bar_and_points():
    metric = dict(type='mmfake.DeepfakeMetric', confidence=0.9)
    results = {'auc': [0.6], 'auc_low': [0.05], 'auc_high': [0.7], 'df/auc': [0.65]}
    _, ax = draw(config=dict(val_evaluator=[dict(type='AccMetric'), metric]), validation=results)
    assert line_of(ax, 'Deepfakes').get_marker() == 'o'
    (stroke,) = ax.containers[0].lines[2]
    assert stroke.get_segments()[0].tolist() == [[1, pytest.approx(0.05)], [1, pytest.approx(0.7)]]
    assert '90 % interval' in ax.get_title(loc='left')
    assert (ax.get_ylim()[0] < 0.05, ax.get_ylim()[1] >= 1) == (True, True)


def test_undefined_epochs_are_gaps():
    nan = math.nan
    _, ax = draw(validation={'auc': [nan, 0.6, nan], 'df/auc': [nan, 0.7, 0.8]})
    assert ax.get_title(loc='left') == '(b) Validation AUC\nbest: epoch 2, 0.600'
    _, ax = draw(validation=dict(auc=[nan]))
    assert texts_of(ax) == {'AUC is undefined: one class only'}


def test_attributes_of_prompts_are_no_methods():
    values = {'auc': [0.6], 'df/auc': [0.6], 'physical_consistency_altered/auc': [0.7]}
    losses, ax = draw(validation=values, loss=0.6, binary__loss_local=0.3, binary__loss_global=0.3)
    assert losses.get_ylabel() == 'Loss', 'fidelity has no unit'
    labels = {line.get_label() for line in ax.get_lines()}
    assert {'Deepfakes', 'All seen methods'} <= labels
    assert not [label for label in labels if 'altered' in label]


def test_a_method_without_name():
    with pytest.raises(MMFakeError, match="unknown manipulation 'xyz'"):
        draw(validation={'auc': [0.6], 'xyz/auc': [0.6]})


@pytest.mark.parametrize(
    ('config', 'expected'),
    [
        (None, 'run'),
        (dict(lr=1), 'run, random seed'),
        (dict(randomness=dict(seed=0)), 'run, seed 0'),
    ],
)
def test_the_title_says_no_more_than_is_known(config, expected):
    figure = draw_training_curves(make_log(config=config), 'run')
    assert figure._suptitle.get_text() == expected  # no getter before matplotlib 3.8


@pytest.fixture
def work_dir(write_log):
    lines = []
    for epoch in (1, 2, 3):
        lines += [train_line(14 * epoch - 7, epoch), train_line(14 * epoch, epoch)]
        # one video could not be read in epoch 2
        lines += [val_line(epoch, 0.5 + 0.1 * epoch, n_scored=63 if epoch == 2 else 64, df=0.7)]
    return write_log(lines)


@pytest.mark.parametrize('name', ['bin_multi_con_holdout_f2f', 'my_own_' + 12 * 'very_' + 'long'])
def test_the_title_counts_the_videos_and_no_text_is_cut_off_at_the_edge(work_dir, name):
    figure = draw_training_curves(read_training_log(work_dir), name)
    assert figure._suptitle.get_text().replace('\n', ' ') == (
        f'{name}, seed 7, 63 of 64 validation videos (16 original, 47 manipulated)'
    )
    figure.draw_without_rendering()
    left, right = figure.axes
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    assert len(texts) > 10
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.x1, text.get_text()
    assert left.get_xlim() == right.get_xlim()  # the panels can be read across


# the command


def test_by_default_the_figure_lies_in_the_work_dir(work_dir):
    files = [work_dir / f'training_curves.{ending}' for ending in ('png', 'svg')]
    assert plot_training(work_dir) == files
    assert all(file.stat().st_size > 5000 for file in files)
    svg = files[1].read_text()
    assert '<!-- best: epoch 3, 0.800 [0.700, 0.900] -->' in svg


def test_out_names_the_files(work_dir, tmp_path):
    assert plot_training(work_dir, [tmp_path / 'a.pdf']) == [tmp_path / 'a.pdf']
    assert (tmp_path / 'a.pdf').is_file()
    assert not list(work_dir.glob('training_curves.*'))


def test_the_tool_says_where_the_figure_went_or_what_is_wrong(work_dir, tmp_path, command):
    done = command('python', TOOL, work_dir, '--out', tmp_path / 'a.svg', tmp_path / 'b.svg')
    assert done.stdout == f'wrote {tmp_path}/a.svg, {tmp_path}/b.svg\n', done.stderr
    done = command('python', TOOL, tmp_path / 'absent')
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith(f'error: {tmp_path}/absent: no training log')
    assert done.stderr.count('\n') == 1
