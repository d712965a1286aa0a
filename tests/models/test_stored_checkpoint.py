"""A checkpoint of commit 463f5ce, before the restructuring, still means the same detector.

``checkpoint_463f5ce.pth.gz`` was made there by ``tests/training/harness.py`` (the real Runner with
all hooks of ``configs/_base_/default_runtime.py``): ``config_of('bin_multi_con', 'work', 'mini')``
with the model of :func:`config` below, ``queue_size=16``, seed 0, no workers and one epoch of 14
iterations on ``data/mini_ffpp``. It is ``epoch_1.pth`` whole: weights, Adam, schedulers, EMA,
queues, message hub, meta. Only the folder in front of two file names was cut off. ``SCORES`` are
what ``test_step`` of that commit gave for :func:`clips`.
"""

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS, MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import load_checkpoint
from torch import nn

ROOT = Path(__file__).parents[2]
MADE_BY = ('2.13.0', 'AVX512')  # other kernels may round the last bit in another way
SCORES = [  # of being an original
    '0x1.1860980000000p-1',
    '0x1.1c90d20000000p-1',
    '0x1.1c76580000000p-1',
    '0x1.1fb0820000000p-1',
    '0x1.2415840000000p-1',
    '0x1.25f5140000000p-1',
]


@MODELS.register_module(name='CheckpointTestEncoder', force=True)
class CheckpointTestEncoder(nn.Module):
    """(N, 3, 8, 64, 64) -> (N, 8, 2, 8, 8)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 8, (2, 4, 4), stride=(4, 8, 8))
        self.norm = nn.BatchNorm3d(8)

    def forward(self, x):
        return self.norm(self.conv(x)).relu()


def config():
    """Today's config of the regime, its encoder and heads made tiny."""
    cfg = Config.fromfile(ROOT / 'configs' / 'mtl' / 'bin_multi_con_holdout_f2f.py')
    cfg.model.backbone = dict(type='CheckpointTestEncoder')
    tiny = dict(in_channels=8, out_channels=8)
    cfg.model.binary.cls_head.update(in_channels=8, hidden_channels=(8, 8))
    cfg.model.binary.contrastive_head.update(tiny)
    cfg.model.multi.contrastive_head.update(tiny)
    cfg.custom_hooks[0].queue_size = 16
    return cfg


def clips():
    """Six videos of two clips, the later the brighter."""
    state = np.random.RandomState(0)
    shape = (2, 3, 8, 64, 64)
    return [
        torch.from_numpy(state.randint(0, 40 * n + 40, shape).astype(np.uint8)) for n in range(6)
    ]


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / 'epoch_1.pth'
    content = (Path(__file__).parent / 'checkpoint_463f5ce.pth.gz').read_bytes()
    path.write_bytes(gzip.decompress(content))
    return path


@pytest.fixture
def model():
    return MODELS.build(config().model)


def test_the_scores_are_those_of_then(stored, model):
    checkpoint = load_checkpoint(model, str(stored), strict=True)
    assert checkpoint['meta']['dataset_meta']['holdout'] == 'f2f'
    assert checkpoint['meta']['clip_shape'] == [8, 64, 64]
    samples = [ActionDataSample().set_gt_label(0) for _ in range(6)]
    found = model.eval().test_step(dict(inputs=clips(), data_samples=samples))
    found = torch.stack([sample.pred_score for sample in found])[:, 0]
    expected = torch.tensor([float.fromhex(score) for score in SCORES])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    here = (torch.__version__.split('+')[0], torch.backends.cpu.get_cpu_capability())
    if here == MADE_BY:
        assert torch.equal(found, expected)


def test_the_training_goes_on_from_there(stored, model):
    """The EMA, the queues and the optimizer fit, to the last bit."""
    cfg = config()
    checkpoint = load_checkpoint(model, str(stored), strict=True)
    runner = SimpleNamespace(model=model, _resume=True)
    hook = HOOKS.build(cfg.custom_hooks[0])
    hook.after_load_checkpoint(runner, checkpoint)
    hook.before_train(runner)
    state = checkpoint['label_moco']
    encoder = hook.key_encoder.state_dict()
    assert set(encoder) == set(state['key_encoder'])
    assert all(torch.equal(encoder[key], state['key_encoder'][key]) for key in encoder)
    assert set(hook.queues) == {'binary', 'multi'}
    for name, queue in hook.queues.items():
        assert queue.fill == 1
        assert torch.equal(queue.keys, state['queues'][name]['keys'])
        assert queue.labels.tolist() == state['queues'][name]['labels'].tolist()
        assert model.streams[name].contrastive_head.queue is queue
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    optimizer.load_state_dict(checkpoint['optimizer'])
    steps = [kept['step'].item() for kept in optimizer.state_dict()['state'].values()]
    assert steps == [14] * len(list(model.parameters()))
