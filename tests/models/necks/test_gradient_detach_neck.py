import torch
from mmaction.registry import MODELS


def test_values_pass_and_gradients_stop():
    neck = MODELS.build(dict(type='mmfake.GradientDetachNeck'))
    x = torch.randn(4, 8, requires_grad=True)
    out, losses = neck(x, data_samples=[])
    assert torch.equal(out, x)
    assert losses == {}
    assert not out.requires_grad
    (out * torch.ones(8, requires_grad=True)).sum().backward()
    assert x.grad is None
