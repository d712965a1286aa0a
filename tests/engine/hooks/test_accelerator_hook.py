"""AcceleratorHook: TF32 flags, and an encoder that is compiled for training alone."""

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.hooks import Hook

from mmfake import MMFakeError
from mmfake.engine.hooks.label_moco_hook import LabelMoCoHook


class Calls(Hook):
    """Counts the graphs that training and validation ran, and those that were compiled."""

    def __init__(self):
        self.graphs, self.train, self.val, self.names = 0, [], [], []

    def backend(self, graph, inputs):
        def run(*args):
            self.graphs += 1
            return graph.forward(*args)

        return run

    def after_train_epoch(self, runner):
        self.train.append(self.graphs)

    def after_val_epoch(self, runner, metrics=None):
        self.val.append(self.graphs)

    def before_save_checkpoint(self, runner, checkpoint):
        self.names = list(checkpoint['state_dict'])


def state(runner):
    (moco,) = (hook for hook in runner.hooks if isinstance(hook, LabelMoCoHook))
    return {**runner.model.state_dict(), **moco.key_encoder.state_dict()}


@pytest.fixture
def trained(run):
    def train(**options):
        calls = Calls()
        if options.get('compile'):
            options['compile'] = dict(backend=calls.backend)
        hooks = [dict(type='mmfake.LabelMoCoHook', queue_size=8), calls]
        runner = run(
            [*hooks, dict(type='mmfake.AcceleratorHook', **options)],
            epochs=2,
            scores=[0.5, 0.6],
            train_cfg=dict(by_epoch=True, max_epochs=2, val_interval=1),
        )
        runner.train()
        return runner, calls

    return train


def test_the_encoder_alone_is_compiled_for_training_alone(trained):
    plain, _ = trained()
    compiled, calls = trained(compile=True)
    assert calls.train == [3, 6]  # 3 iterations an epoch, one graph each
    assert calls.val == [3, 6]
    assert calls.names == list(plain.model.state_dict())
    expected, found = state(plain), state(compiled)
    assert list(expected) == list(found)
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-4, atol=1e-6)
    assert compiled.model.backbone._compiled_call_impl is None


def test_recomputation_and_an_old_torch_are_refused(run, monkeypatch):
    def start():
        runner = run([dict(type='mmfake.AcceleratorHook', compile=True)], streams=())
        return runner, lambda: runner.call_hook('before_train')

    runner, begin = start()
    runner.model.backbone.with_cp = True
    with pytest.raises(MMFakeError, match=r'compile does not go with model.backbone.with_cp'):
        begin()
    runner, begin = start()
    inner = dict(type='mmfake.EfficientNet', with_cp=True)
    runner.model.backbone = MODELS.build(dict(type='mmfake.PerFrame', backbone=inner))
    with pytest.raises(MMFakeError, match=r'does not go with model.backbone.backbone.with_cp'):
        begin()
    runner, begin = start()
    monkeypatch.delattr(torch.nn.Module, 'compile')
    with pytest.raises(MMFakeError, match=r'needs a newer torch than'):
        begin()


def test_adam_in_one_kernel_is_adam(run):
    weights = []
    for fused in (False, True):
        optimizer = dict(type='Adam', lr=0.01, fused=fused)
        try:
            runner = run([], streams=(), optim_wrapper=dict(optimizer=optimizer))
            runner.train()
        except RuntimeError as error:  # torch 2.1 has it for GPUs alone
            pytest.skip(reason=str(error))
        weights.append(runner.model.state_dict())
    for name, expected in weights[0].items():
        torch.testing.assert_close(weights[1][name], expected)


def flags():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.fixture
def torch_flags():
    before = flags()
    yield before
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.mark.parametrize('tf32', [None, True, False])
def test_tf32(run, tf32, torch_flags):
    runner = run([dict(type='mmfake.AcceleratorHook', tf32=tf32)], streams=())
    runner.call_hook('before_run')
    assert flags() == (torch_flags if tf32 is None else (tf32, tf32))
