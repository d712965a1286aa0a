"""The regime table of arXiv 2308.13503: which loss reaches which part of the model."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.config import Config

from mmfake.models.labelled_queue import LabelledQueue

CONFIGS = Path(__file__).parents[3] / 'configs'
PARTS = {
    'encoder': 'backbone.',
    'binary classifier': 'binary.cls_head.',
    'multi classifier': 'multi.cls_head.',
    'binary projection': 'binary.contrastive_head.',
    'multi projection': 'multi.contrastive_head.',
}
# regime -> loss term -> the parts that receive its gradient
ROUTES = {
    'baseline_s3d': {'binary.loss_ce': {'encoder', 'binary classifier'}},
    'bin_ce': {'binary.loss_ce': {'encoder', 'binary classifier'}},
    'bin_con': {
        'binary.loss_ce': {'binary classifier'},
        'binary.loss_contrast': {'encoder', 'binary projection'},
    },
    'bin_ce_con': {
        'binary.loss_ce': {'encoder', 'binary classifier'},
        'binary.loss_contrast': {'encoder', 'binary projection'},
    },
    'bin_multi_ce': {
        'binary.loss_ce': {'encoder', 'binary classifier'},
        'multi.loss_ce': {'encoder', 'multi classifier'},
    },
    'bin_multi_con': {
        'binary.loss_ce': {'binary classifier'},
        'binary.loss_contrast': {'encoder', 'binary projection'},
        'multi.loss_contrast': {'encoder', 'multi projection'},
    },
}


def regime(name):
    cfg = Config.fromfile(CONFIGS / 'mtl' / f'{name}_holdout_f2f.py')
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model).train()
    encoder = model.contrastive_encoder()
    if encoder is not None:
        queues = {}
        for stream in encoder.heads:
            queues[stream] = LabelledQueue(16, 128)
            keys = F.normalize(torch.randn(16, 128), dim=1)
            queues[stream].enqueue(keys, torch.arange(16) % 2, torch.arange(16))
        model.attach_queues(queues)
    return model


def parts_reached(model, loss):
    model.zero_grad(set_to_none=True)
    loss.backward(retain_graph=True)
    reached = set()
    for part, prefix in PARTS.items():
        grads = [p.grad for name, p in model.named_parameters() if name.startswith(prefix)]
        if any(grad is not None and grad.abs().sum() > 0 for grad in grads):
            reached.add(part)
    return reached


@pytest.mark.parametrize('name', ROUTES)
def test_each_loss_reaches_what_the_paper_says(name, make_samples):
    torch.manual_seed(0)
    model = regime(name)
    samples = make_samples([0, 1, 0, 1], [0, 1, 0, 3])
    losses = model(torch.randn(4, 1, 3, 8, 32, 32), samples, mode='loss')
    terms = {key: value for key, value in losses.items() if 'loss' in key}
    assert {key: parts_reached(model, value) for key, value in terms.items()} == ROUTES[name]


@pytest.mark.parametrize('name', ROUTES)
def test_a_regime_builds_only_the_parts_that_it_trains(name):
    """An unused parameter stops DistributedDataParallel."""
    model = regime(name)
    built = {
        part
        for part, prefix in PARTS.items()
        if any(key.startswith(prefix) for key, _ in model.named_parameters())
    }
    assert built == set.union(*ROUTES[name].values())
