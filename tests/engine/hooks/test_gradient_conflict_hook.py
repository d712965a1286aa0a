import copy
import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from torch import nn

from mmfake import MMFakeError
from mmfake.engine.hooks.gradient_conflict_hook import GradientConflictHook


def scalars(runner):
    """What the log file holds of the conflict, iteration by iteration."""
    with open(f'{runner._log_dir}/vis_data/scalars.json') as stream:
        lines = [json.loads(line) for line in stream]
    return [{k: v for k, v in line.items() if k.startswith('conflict/')} for line in lines]


class Plane(BaseModel):
    """Two weights w; every loss is linear in them, so that its gradient is known."""

    def __init__(self, terms):
        super().__init__()
        self.backbone = nn.Linear(2, 1, bias=False)
        self.head = nn.Linear(1, 1)
        self.terms = terms

    def forward(self, inputs, data_samples=None, mode='loss'):
        losses = dict(other=torch.ones(()))
        for name, vector in self.terms.items():
            weight = self.backbone.weight[0]
            if vector is None:  # cut off before the encoder
                losses[name] = self.head(weight.detach()[:1]).sum()
            elif isinstance(vector[0], tuple):  # mmengine sums lists
                losses[name] = [(torch.tensor(part) * weight).sum() for part in vector]
            else:
                losses[name] = (torch.tensor(vector) * weight).sum()
        return losses


@pytest.fixture
def toy(run):
    def measure(**terms):
        runner = run(
            [dict(type=GradientConflictHook, interval=1)],
            length=4,
            model=Plane(terms),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        )
        runner.train()
        return scalars(runner)[-1]  # runs of one second share the file

    return measure


def test_hand_computed_cosines_and_ratios(toy):
    found = toy(loss_a=(3.0, 0.0), loss_b=(2.0, 2.0), loss_c=(-1.0, 0.0))
    root = 2**0.5
    assert found == {
        'conflict/cos/a,b': pytest.approx(1 / root, abs=1e-6),
        'conflict/cos/a,c': pytest.approx(-1),
        'conflict/cos/b,c': pytest.approx(-1 / root, abs=1e-6),
        'conflict/ratio/a,b': pytest.approx(3 / (2 * root), abs=1e-6),
        'conflict/ratio/a,c': pytest.approx(3),
        'conflict/ratio/b,c': pytest.approx(2 * root, abs=1e-6),
    }


def test_terms_without_a_gradient_on_the_encoder_are_in_no_pair(toy):
    nan = float('nan')
    found = toy(
        loss_a=(1.0, 0.0), loss_cut=None, loss_zero=(0.0, 0.0), loss_list=((1.0, 1.0), (0.0, -2.0))
    )
    assert found == {
        'conflict/cos/a,list': pytest.approx(1 / 2**0.5, abs=1e-6),
        'conflict/ratio/a,list': pytest.approx(1 / 2**0.5, abs=1e-6),
    }
    assert toy(loss_a=(1.0, 0.0)) == {}
    assert toy(loss_a=(1.0, 0.0), loss_nan=(nan, 1.0)) == {}


class HalfPlane(Plane):
    """The same with half-precision weights in between, and losses far too small for them."""

    def forward(self, inputs, data_samples=None, mode='loss'):
        weight = self.backbone.weight[0].half()
        return {
            name: (torch.tensor(vector) * weight.float()).sum() * 1e-9
            for name, vector in self.terms.items()
        }


class ScaledOptimWrapper(OptimWrapper):
    """Has a loss scaler, as AmpOptimWrapper on a GPU."""

    class loss_scaler:
        @staticmethod
        def get_scale():
            return 2.0**16


def test_small_gradients_survive_half_precision_where_the_step_scales_the_loss(run):
    for wrapper, expected in ((OptimWrapper, False), (ScaledOptimWrapper, True)):
        runner = run(
            [dict(type=GradientConflictHook, interval=1)],
            length=4,
            model=HalfPlane(dict(loss_a=(3.0, 0.0), loss_b=(2.0, 2.0))),
            optim_wrapper=dict(type=wrapper, optimizer=dict(type='SGD', lr=0.1)),
        )
        runner.train()
        found = scalars(runner)[-1]
        assert bool(found) is expected  # else both gradients are rounded to zero
    assert found['conflict/cos/a,b'] == pytest.approx(0.5**0.5, abs=1e-3)
    assert found['conflict/ratio/a,b'] == pytest.approx(3 / 8**0.5, rel=1e-3)


CONFIGS = Path(__file__).parents[3] / 'configs' / 'mtl'


@pytest.mark.parametrize(
    ('regime', 'pair'),
    [
        ('baseline_s3d', None),
        ('bin_ce', None),
        ('bin_con', None),  # the gradient of its classifier is cut off
        ('bin_ce_con', 'binary.ce,binary.contrast'),
        ('bin_multi_ce', 'binary.ce,multi.ce'),
        ('bin_multi_con', 'binary.contrast,multi.contrast'),
    ],
)
def test_pairs_of_every_regime(regime, pair, run):
    cfg = Config.fromfile(CONFIGS / f'{regime}_holdout_df.py')
    cfg.model.backbone.init_cfg = None
    hooks = [*cfg.custom_hooks, dict(type=GradientConflictHook, interval=6)]
    sgd = dict(optimizer=dict(type='SGD', lr=0.01))
    runner = run(hooks, batch_size=2, model=cfg.model, optim_wrapper=sgd)
    clips = torch.randn(12, 1, 3, 8, 32, 32, generator=torch.Generator().manual_seed(0))
    runner._train_dataloader['dataset'].clips = clips
    runner.train()
    expected = set() if pair is None else {f'conflict/{kind}/{pair}' for kind in ('cos', 'ratio')}
    assert set(scalars(runner)[-1]) == expected


def moco():
    return dict(type='mmfake.LabelMoCoHook', momentum=0.9, queue_size=10)


class Recorder(Hook):
    """The batch and the state that an iteration began with."""

    priority = 'VERY_LOW'

    def __init__(self):
        self.begun, self.random = [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        moco_hook = next(hook for hook in runner.hooks if hasattr(hook, 'queues'))
        queues = {name: copy.deepcopy(q.state_dict()) for name, q in moco_hook.queues.items()}
        state = copy.deepcopy(runner.model.state_dict())
        self.begun.append((copy.deepcopy(data_batch), state, queues))
        self.random.append(torch.get_rng_state())


def test_real_regime_equals_a_replay_by_finite_steps(run):
    """Both contrastive losses, at each iteration, from a plain dict of weights."""
    recorder = Recorder()
    runner = run([moco(), dict(type=GradientConflictHook, interval=1), recorder], epochs=1)
    runner.train()
    lines = scalars(runner)
    assert lines[0] == {}  # the queue is empty: no anchor has a positive
    for line, (batch, state, queues) in zip(lines[1:], recorder.begun[1:]):
        weights = [state[f'backbone.{name}'].requires_grad_() for name in NAMES]
        gradients = [
            torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights)])
            for loss in (contrast(batch, state, queues, name) for name in ('binary', 'multi'))
        ]
        cosine = F.cosine_similarity(*gradients, dim=0).item()
        ratio = (gradients[0].norm() / gradients[1].norm()).item()
        pair = 'binary.contrast,multi.contrast'
        # the monitoring classifier, whose gradient is cut off, is in no pair
        assert set(line) == {f'conflict/cos/{pair}', f'conflict/ratio/{pair}'}
        assert line[f'conflict/cos/{pair}'] == pytest.approx(cosine, abs=1e-4)
        assert line[f'conflict/ratio/{pair}'] == pytest.approx(ratio, rel=1e-4)


NAMES = ('conv.weight', 'conv.bias', 'norm.weight', 'norm.bias')


def contrast(batch, state, queues, stream):
    """Equation 1 by loops, through tiny encoder and projection."""
    x = torch.cat(list(batch['inputs']))
    x = F.conv3d(x, state['backbone.conv.weight'], state['backbone.conv.bias'])
    norm = state['backbone.norm.weight'], state['backbone.norm.bias']
    x = F.batch_norm(x, None, None, *norm, training=True).relu().mean(dim=(2, 3, 4))
    head = f'{stream}.contrastive_head.projection'
    x = F.linear(x, state[f'{head}.0.weight'], state[f'{head}.0.bias']).relu()
    x = F.normalize(F.linear(x, state[f'{head}.2.weight'], state[f'{head}.2.bias']))
    key = {'binary': 'label_bin', 'multi': 'label_multi'}[stream]
    losses = []
    for anchor, sample in zip(x, batch['data_samples']):
        same = other = 0.0
        for vector, label in zip(queues[stream]['keys'], queues[stream]['labels']):
            if label == sample.get(key):
                same = same + (anchor @ vector / 0.07).exp()
            elif label >= 0:
                other = other + (anchor @ vector / 0.07).exp()
        if isinstance(same, torch.Tensor):
            losses.append(-(same / (same + other)).log())
    return sum(losses) / len(losses)


@pytest.mark.parametrize('accumulate', [1, 2])
def test_training_is_bit_identical_with_and_without(accumulate, run):
    ends = []
    for hooks in ([], [dict(type=GradientConflictHook, interval=1)]):
        recorder = Recorder()
        runner = run([moco(), *hooks, recorder], epochs=2, accumulate=accumulate)
        for module in runner.model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.5
        torch.manual_seed(0)
        runner.train()
        moco_hook = next(hook for hook in runner.hooks if hasattr(hook, 'queues'))
        queues = {name: q.state_dict() for name, q in moco_hook.queues.items()}
        weights = dict(runner.model.state_dict())
        weights.update(moco_hook.key_encoder.state_dict())
        ends.append((weights, queues, recorder.random))
    without, with_hook = ends
    for key, value in without[0].items():
        assert torch.equal(value, with_hook[0][key]), key
    for name, queue in without[1].items():
        assert torch.equal(queue['keys'], with_hook[1][name]['keys'])
        assert torch.equal(queue['labels'], with_hook[1][name]['labels'])
    assert all(torch.equal(*pair) for pair in zip(without[2], with_hook[2]))


def test_interval(run):
    runner = run([moco(), dict(type=GradientConflictHook, interval=4)], epochs=2)
    runner.train()
    assert [bool(line) for line in scalars(runner)] == [False, False, False, True, True, True]
    buffer = runner.message_hub.get_scalar('train/conflict/cos/binary.contrast,multi.contrast')
    assert len(buffer.data[0]) == 1
    assert 'parse_losses' not in vars(runner.model)


def test_interval_must_be_positive():
    with pytest.raises(MMFakeError, match='interval must be at least 1, but got 0'):
        GradientConflictHook(interval=0)
