import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from torch import nn

from mmfake import DynamicWeightAverageHook, MMFakeError

LOSSES = ['script.loss_a', 'script.loss_b', 'script.loss_c']
RUNTIME = Path(__file__).parents[3] / 'configs' / '_base_' / 'default_runtime.py'
ITERATIONS = 3  # of an epoch
# three losses in each iteration of four epochs: means 2 1 3 0.5, all 1, and 0.4 0.6 0.3 0.3
SCRIPT = [
    *([1.0, 1.0, 0.4], [2.0, 1.0, 0.4], [3.0, 1.0, 0.4]),
    *([0.5, 1.0, 0.5], [1.0, 1.0, 0.6], [1.5, 1.0, 0.7]),
    *([3.0, 1.0, 0.3], [3.0, 1.0, 0.2], [3.0, 1.0, 0.4]),
    *([0.5, 1.0, 0.3], [0.5, 1.0, 0.3], [0.5, 1.0, 0.3]),
]
MEANS = [[2.0, 1.0, 0.4], [1.0, 1.0, 0.6], [3.0, 1.0, 0.3], [0.5, 1.0, 0.3]]


class Scripted(nn.Module):
    """A head whose losses are those of the script, whatever it learns."""

    def __init__(self, script=SCRIPT):
        super().__init__()
        self.script = iter(script)

    def loss(self, embedding, data_samples, clips):
        zero = embedding.sum() * 0
        return {f'loss_{name}': zero + value for name, value in zip('abc', next(self.script))}


class Recorder(Hook):
    def __init__(self):
        self.weights, self.total, self.shown = [], [], []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.weights.append([outputs[name.replace('loss', 'weight')].item() for name in LOSSES])
        self.shown.append([outputs[name].item() for name in LOSSES])
        self.total.append(outputs['loss'].item() - outputs['binary.loss_cls'].item())


def lambdas(newer, older, tau):
    """Equation 7 as it is printed."""
    powers = [math.exp(now / before / tau) for now, before in zip(newer, older)]
    return [3 * power / sum(powers) for power in powers]


def scripted(tiny_model, **kwargs):
    model = dict(tiny_model(()), binary=dict(cls_head=dict(type=Classifier)))
    return dict(model, streams=dict(script=dict(head=dict(type=Scripted, **kwargs))))


class Classifier(nn.Module):
    """Scores and learns nothing, so that the script is the whole loss but one term of 1."""

    def loss(self, embedding, data_samples):
        return dict(loss_cls=embedding.sum() * 0 + 1)


@pytest.fixture
def weigh(run, tiny_model):
    def go(script=SCRIPT, epochs=4, **kwargs):
        recorder = Recorder()
        hook = dict(type='mmfake.DynamicWeightAverageHook', losses=LOSSES, **kwargs)
        run([hook, recorder], epochs=epochs, model=scripted(tiny_model, script=script)).train()
        return recorder

    return go


@pytest.mark.parametrize('tau', [2.0, 0.5])
def test_a_hand_made_sequence(weigh, tau):
    seen = weigh(temperature=tau)
    expected = [[1.0] * 3] * 2
    expected += [lambdas(MEANS[t - 1], MEANS[t - 2], tau) for t in (2, 3)]
    for iteration, weights in enumerate(seen.weights):
        assert weights == pytest.approx(expected[iteration // ITERATIONS], rel=1e-6)
        assert sum(weights) == pytest.approx(3)
        # Equation 6: the weights multiply what is summed, and the log says so
        terms = [w * loss for w, loss in zip(weights, SCRIPT[iteration])]
        assert seen.shown[iteration] == pytest.approx(terms, rel=1e-5)
        assert seen.total[iteration] == pytest.approx(sum(terms), rel=1e-5)


def test_by_iteration(weigh):
    seen = weigh(by='iter')
    assert seen.weights[:2] == [[1.0] * 3] * 2
    for t in range(2, len(SCRIPT)):
        expected = lambdas(SCRIPT[t - 1], SCRIPT[t - 2], 2.0)
        assert seen.weights[t] == pytest.approx(expected, rel=1e-6)


def test_the_log_has_means_of_the_same_iterations(run, tiny_model):
    recorder = Recorder()
    hook = dict(type='mmfake.DynamicWeightAverageHook', losses=LOSSES, by='iter')
    processor = Config.fromfile(RUNTIME).log_processor
    runner = run([hook, recorder], epochs=4, model=scripted(tiny_model), log_processor=processor)
    runner.train()
    lines = Path(runner._log_dir, 'vis_data', 'scalars.json').read_text().splitlines()
    assert len(lines) == len(SCRIPT)
    for number, line in enumerate(map(json.loads, lines), 1):
        window = slice(max(0, number - 10), number)
        columns = dict(loss=recorder.shown, raw=SCRIPT, weight=recorder.weights)
        for kind, rows in columns.items():
            found = [line[name.replace('loss', kind)] for name in LOSSES]
            assert found == pytest.approx(np.mean(rows[window], axis=0), rel=1e-5), kind


def test_a_loss_of_nothing_and_one_that_explodes_leave_finite_weights(weigh):
    script = [[0.0, 1.0, 1e-30]] * 3 + [[1.0, 1.0, 1e6]] * 9
    weights = weigh(script).weights
    assert weights[6] == pytest.approx([0.0, 0.0, 3.0])
    assert weights[9] == [1.0, 1.0, 1.0], 'all three have stayed, also those that weighed nothing'


def test_resume_is_exact(train, tmp_path):
    names = ['binary.loss_ce', 'binary.loss_contrast', 'multi.loss_contrast']

    def go(work, resume_from=None):
        hook = DynamicWeightAverageHook(names, temperature=0.1)
        options = dict(load_from=str(resume_from), resume=True) if resume_from else {}
        runner = train(4, [hook], work, by_epoch=False, max_keep_ckpts=-1, **options)
        return hook, runner.model.state_dict()

    whole, weights = go('whole')
    assert max(whole.weights) > 1.01, 'the weights do something here'
    for place in (6, 8):  # the end of the second epoch, the middle of the third
        checkpoint = shutil.copy(tmp_path / 'whole' / f'iter_{place}.pth', tmp_path)
        resumed, same = go(f'from_{place}', checkpoint)
        assert (resumed.past, resumed.running) == (whole.past, whole.running)
        assert all(torch.equal(weights[key], same[key]) for key in weights)

    fewer = DynamicWeightAverageHook(names[:2])
    with pytest.raises(MMFakeError, match='no past losses of binary.loss_ce, binary.loss_con'):
        train(5, [fewer], 'other', load_from=str(checkpoint), resume=True)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(losses='loss_a'), 'name two or more'),
        (dict(losses=['a', 'a', 'b']), 'two or more different'),
        (dict(losses=['a', 'b'], temperature=0), 'temperature=0'),
        (dict(losses=['a', 'b'], by='step'), "set 'epoch' or 'iter'"),
    ],
)
def test_bad_arguments_are_refused(kwargs, message):
    with pytest.raises(MMFakeError, match=message):
        DynamicWeightAverageHook(**kwargs)


def test_a_loss_that_does_not_exist_is_named_with_those_that_do(run):
    hook = dict(type='mmfake.DynamicWeightAverageHook', losses=['binary.loss_ce', 'multi.loss_ce'])
    with pytest.raises(MMFakeError, match="no loss 'multi.loss_ce'.* are binary.loss_ce"):
        run([hook], streams=()).train()
