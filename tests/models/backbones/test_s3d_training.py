"""What training sees of S3D: gradients, freezing, recomputation, initialisation."""

import copy

import pytest
import torch
from torch import nn

from mmfake.errors import MMFakeError
from mmfake.models.backbones.s3d import S3D

# stage of frozen_stages -> its parts
STAGES = [
    ('Conv_1a',),
    ('Conv_2b', 'Conv_2c'),
    ('Mixed_3b', 'Mixed_3c'),
    ('Mixed_4b', 'Mixed_4c', 'Mixed_4d', 'Mixed_4e', 'Mixed_4f'),
    ('Mixed_5b', 'Mixed_5c'),
]


def test_gradient_reaches_every_parameter(random_s3d):
    model = copy.deepcopy(random_s3d).train()
    torch.manual_seed(0)
    model(torch.randn(2, 3, 9, 40, 40)).pow(2).mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


def test_with_cp_gives_the_same_numbers(random_s3d):
    torch.manual_seed(0)
    clip = torch.randn(2, 3, 9, 40, 40)
    results = []
    for with_cp in (False, True):
        model = S3D(with_cp=with_cp)
        model.load_state_dict(random_s3d.state_dict())
        convolutions = []
        model.Conv_1a.conv1.register_forward_hook(lambda *_, c=convolutions: c.append(1))
        out = model.train()(clip)
        out.pow(2).mean().backward()
        assert len(convolutions) == 1 + with_cp
        gradients = {name: p.grad for name, p in model.named_parameters()}
        results.append((out.detach(), gradients, dict(model.named_buffers())))
    torch.testing.assert_close(results[1], results[0])

    with torch.no_grad():  # nothing to recompute for
        model(clip)
    assert len(convolutions) == 3


@pytest.mark.parametrize('frozen', range(-1, 5))
def test_frozen_stages(frozen):
    model = S3D(frozen_stages=frozen).eval()
    assert model.train() is model
    for stage, names in enumerate(STAGES):
        for name in names:
            part = getattr(model, name)
            trained = {p.requires_grad for p in part.parameters()}
            modes = {m.training for m in part.modules()}
            assert trained == modes == {stage > frozen}, name
    assert model.training


def test_frozen_statistics_stay_and_the_rest_learns(random_s3d):
    model = S3D(frozen_stages=1)
    model.load_state_dict(random_s3d.state_dict())
    before = copy.deepcopy(model.state_dict())
    model.train()(torch.randn(2, 3, 9, 33, 33)).sum().backward()
    assert model.Conv_2c.conv2.weight.grad is None
    assert model.Mixed_3b.branch0[0].conv.weight.grad is not None
    for name, value in model.state_dict().items():
        if 'running' in name or 'num_batches' in name:
            assert torch.equal(value, before[name]) == name.startswith('Conv_'), name


@pytest.mark.parametrize('value', [-2, 5, 'all', None])
def test_unknown_stage_is_refused(value):
    with pytest.raises(MMFakeError, match=f'frozen_stages={value!r}'):
        S3D(frozen_stages=value)


def test_norm_eval_holds_all_statistics_but_trains_the_weights(random_s3d):
    model = S3D(norm_eval=True)
    model.load_state_dict(random_s3d.state_dict())
    before = {name: b.clone() for name, b in model.named_buffers()}
    model.train()(torch.randn(2, 3, 9, 33, 33)).sum().backward()
    assert all(torch.equal(b, before[name]) for name, b in model.named_buffers())
    assert model.Mixed_5c.branch0[0].bn.weight.grad is not None
    assert model.training
    assert model.Mixed_5c.branch0[0].activate.training


@pytest.mark.parametrize('norm', ['BN3d', 'SyncBN'])
def test_default_initialisation(norm):
    torch.manual_seed(0)
    model = S3D(norm_cfg=dict(type=norm))
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm3d, nn.SyncBatchNorm)):
            nn.init.constant_(module.weight, 7)
            nn.init.constant_(module.bias, 7)
    model.init_weights()
    drawn = 0
    for name, parameter in model.named_parameters():
        if parameter.ndim == 5:
            drawn += 1
            assert parameter.std().item() == pytest.approx(0.01, rel=0.1), name
            assert abs(parameter.mean().item()) < 4 * 0.01 / parameter.numel() ** 0.5, name
        else:
            assert set(parameter.tolist()) == {float(name.endswith('weight'))}, name
    assert drawn == 77


def test_random_initialisation_can_be_chosen():
    model = S3D(init_cfg=dict(type='Constant', layer='Conv3d', val=0.5))
    model.init_weights()
    values = {p.unique().item() for p in model.parameters() if p.ndim == 5}
    assert values == {0.5}


def test_a_second_init_weights_changes_nothing():
    model = S3D()
    model.init_weights()
    before = model.Conv_1a.conv1.weight.clone()
    model.init_weights()
    assert torch.equal(model.Conv_1a.conv1.weight, before)
