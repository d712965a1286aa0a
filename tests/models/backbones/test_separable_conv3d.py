import pytest
import torch
import torch.nn.functional as F

from mmfake.models.backbones.s3d import SeparableConv3d

NORM = dict(type='BN3d', eps=1e-3, momentum=0.2)


@pytest.mark.parametrize(('kernel', 'stride'), [(7, 2), (3, 1)])
def test_is_a_2d_convolution_per_frame_then_a_1d_convolution_per_pixel(kernel, stride):
    torch.manual_seed(0)
    block = SeparableConv3d(2, 4, kernel, NORM, stride=stride).eval()
    for bn in (block.bn1, block.bn2):
        for tensor in (bn.weight, bn.bias, bn.running_mean, bn.running_var):
            tensor.data.uniform_(0.5, 1.5)
    x = torch.randn(2, 2, 9, 11, 13)
    pad = kernel // 2

    def norm_relu(y, bn):  # y: (..., C) with the channels last
        scale = bn.weight / (bn.running_var + 1e-3).sqrt()
        return torch.relu((y - bn.running_mean) * scale + bn.bias)

    frames = [
        F.conv2d(x[:, :, t], block.conv1.weight[:, :, 0], stride=stride, padding=pad)
        for t in range(9)
    ]
    spatial = norm_relu(torch.stack(frames, 1).permute(0, 1, 3, 4, 2), block.bn1)  # N T H W C
    n, t, h, w, c = spatial.shape
    lines = spatial.permute(0, 2, 3, 4, 1).reshape(n * h * w, c, t)
    temporal = F.conv1d(lines, block.conv2.weight[..., 0, 0], stride=stride, padding=pad)
    temporal = temporal.reshape(n, h, w, c, -1).permute(0, 4, 1, 2, 3)  # N T H W C
    truth = norm_relu(temporal, block.bn2).permute(0, 4, 1, 2, 3)

    with torch.no_grad():
        out = block(x)
    assert out.shape == (2, 4, -(-9 // stride), -(-11 // stride), -(-13 // stride))
    torch.testing.assert_close(out, truth)


def test_norm_settings_reach_both_norms_and_no_convolution_has_a_bias():
    block = SeparableConv3d(2, 4, 3, NORM)
    assert [(bn.eps, bn.momentum) for bn in (block.bn1, block.bn2)] == [(1e-3, 0.2)] * 2
    assert block.conv1.bias is None
    assert block.conv2.bias is None
    assert {name.split('.')[0] for name in block.state_dict()} == {'conv1', 'bn1', 'conv2', 'bn2'}
