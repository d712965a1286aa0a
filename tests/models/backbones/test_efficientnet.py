"""EfficientNet against plain functions, other libraries and the paper's numbers."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mmfake.errors import MMFakeError
from mmfake.models.backbones.efficientnet import EfficientNet, InvertedResidual

# Table 1 of arXiv 1905.11946: operator, kernel, stride, channels, layers
TABLE_1 = [
    ('MBConv1', 3, 1, 16, 1),
    ('MBConv6', 3, 2, 24, 2),
    ('MBConv6', 5, 2, 40, 2),
    ('MBConv6', 3, 2, 80, 3),
    ('MBConv6', 5, 1, 112, 3),
    ('MBConv6', 5, 2, 192, 4),
    ('MBConv6', 3, 1, 320, 1),
]


def randomised(arch='b0', **settings):
    torch.manual_seed(0)
    model = EfficientNet(arch, **settings)
    for name, tensor in model.state_dict().items():
        if name.endswith('running_mean'):
            tensor.uniform_(-0.1, 0.1)
        elif name.endswith(('running_var', 'bn.weight')):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith('bias'):
            tensor.uniform_(-0.3, 0.3)
    return model.eval()


@pytest.fixture(scope='module')
def b0():
    """An encoder with weights and statistics far from their initial values."""
    return randomised()


def same_conv(x, weight, bias=None, stride=1, groups=1):
    """TensorFlow's "SAME": as many outputs as ceil(side / stride), the odd zero below and right."""
    for dim in (3, 2):
        side, k = x.shape[dim], weight.shape[dim]
        total = 0
        while (side + total - k) // stride + 1 < -(-side // stride):
            total += 1
        zeros = [total // 2, total - total // 2]
        x = F.pad(x, zeros if dim == 3 else [0, 0, *zeros])
    return F.conv2d(x, weight, bias, stride, groups=groups)


def of_the_table(state, x):
    """B0, operator after operator; the tensors are taken in the order in which they are stored."""
    tensors = iter([value for key, value in state.items() if not key.endswith('tracked')])

    def norm(x):
        weight, bias, mean, var = (next(tensors)[:, None, None] for _ in range(4))
        return (x - mean) / torch.sqrt(var + 1e-3) * weight + bias

    def swish(x):
        return x / (1 + torch.exp(-x))

    x = swish(norm(same_conv(x, next(tensors), stride=2)))
    channels = 32
    for operator, _, first_stride, out_channels, layers in TABLE_1:
        for layer in range(layers):
            stride = first_stride if layer == 0 else 1
            y = x
            if operator == 'MBConv6':
                y = swish(norm(same_conv(y, next(tensors))))
            y = swish(norm(same_conv(y, next(tensors), stride=stride, groups=y.shape[1])))
            gate = y.mean(3, keepdim=True).mean(2, keepdim=True)
            gate = swish(same_conv(gate, next(tensors), next(tensors)))
            assert gate.shape[1] == channels // 4
            gate = same_conv(gate, next(tensors), next(tensors))
            y = norm(same_conv(y / (1 + torch.exp(-gate)), next(tensors)))
            assert y.shape[1] == out_channels
            x = x + y if stride == 1 and channels == out_channels else y
            channels = out_channels
    x = swish(norm(same_conv(x, next(tensors))))
    assert next(tensors, None) is None
    return x


# 64: all maps are even; 65: all but the last are odd; 130 and 190 turn odd on the way
@pytest.mark.parametrize('side', [64, 65, 130, 190])
def test_padding_is_tensorflows_at_even_and_odd_sizes(b0, side):
    picture = torch.randn(1, 3, side, side + 2)
    with torch.no_grad():
        found, expected = b0(picture), of_the_table(b0.state_dict(), picture)
    assert found.shape == (1, 1280, -(-side // 32), -(-(side + 2) // 32))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_equals_efficientnet_pytorch(b0):
    theirs = pytest.importorskip('efficientnet_pytorch', reason='not a requirement of the tests')
    model = theirs.EfficientNet.from_name('efficientnet-b0', image_size=None).eval()
    named = [key for key in model.state_dict() if not key.startswith('_fc')]
    tensors = dict(zip(named, b0.state_dict().values()))  # both are in the order of running
    model.load_state_dict(tensors, strict=False)
    picture = torch.randn(1, 3, 95, 130)
    with torch.no_grad():
        torch.testing.assert_close(b0(picture), model.extract_features(picture), rtol=1e-4)


def test_equals_transformers_where_that_is_right(b0):
    """64 px: every map is even, so that its constant padding is what TensorFlow computes."""
    transformers = pytest.importorskip('transformers', reason='the clip extra is not installed')
    config = transformers.EfficientNetConfig(
        width_coefficient=1.0,
        depth_coefficient=1.0,
        hidden_dim=1280,
        image_size=64,
        depthwise_padding=[],
        batch_norm_eps=1e-3,
    )
    model = transformers.EfficientNetModel(config).eval()
    tensors = dict(zip(model.state_dict(), b0.state_dict().values()))
    assert len(tensors) == len(model.state_dict()) == len(b0.state_dict())
    model.load_state_dict(tensors)
    picture = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        found, expected = b0(picture), model(picture).last_hidden_state
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


# parameters without the classifier: of timm's models, which have 1,000 classes more
@pytest.mark.parametrize(
    ('arch', 'parameters', 'channels', 'blocks'),
    [
        ('b0', 4_007_548, 1280, 16),
        ('b1', 6_513_184, 1280, 23),
        ('b4', 17_548_616, 1792, 32),
        ('b7', 63_786_960, 2560, 55),
    ],
)
def test_sizes(arch, parameters, channels, blocks):
    with torch.device('meta'):
        model = EfficientNet(arch)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert model.out_channels == channels
    found = [m for m in model.modules() if isinstance(m, InvertedResidual)]
    assert len(found) == blocks
    rates = [block.drop_path.drop_prob for block in found]
    assert rates == pytest.approx([0.2 * k / blocks for k in range(blocks)])
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {norm.eps for norm in norms} == {1e-3}
    if arch == 'b7':
        assert len(norms) == 163
        assert len(model.state_dict()) == 1198
        stages = [len(layer) for layer in model.layers[1:-1]]
        assert stages == [4, 7, 7, 10 + 10, 13 + 4]


def test_random_weights_keep_the_scale_of_what_passes():
    """A kernel's spread is sqrt(2 / (k * k * outputs of an input channel))."""
    torch.manual_seed(0)
    for name, tensor in EfficientNet().state_dict().items():
        if tensor.ndim == 4 and tensor.numel() > 2000:
            fan_out = tensor[:, 0].numel() if tensor.shape[1] > 1 else tensor[0].numel()
            assert tensor.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.1), name


def test_a_block_is_passed_by():
    torch.manual_seed(0)
    norm = dict(type='BN', eps=1e-3)
    block = InvertedResidual(8, 8, 3, 1, 6, norm, drop_path_rate=0.4)
    x = torch.randn(400, 8, 4, 4)
    passed = (block.train()(x) == x).flatten(1).all(1)
    assert 110 < passed.sum().item() < 210  # 160 expected, five standard deviations
    assert not (block.eval()(x) == x).flatten(1).all(1).any()


def test_with_cp_gives_the_same_numbers():
    picture = torch.randn(4, 3, 40, 40)
    results = []
    for with_cp in (False, True):
        model = randomised(with_cp=with_cp).train()
        calls = []
        model.layers[2][0].expand_conv.register_forward_hook(lambda *_, c=calls: c.append(1))
        torch.manual_seed(1)  # of the drop paths
        found = model(picture)
        found.square().mean().backward()
        assert len(calls) == 1 + with_cp
        gradients = {name: p.grad for name, p in model.named_parameters()}
        results.append((found.detach(), gradients, dict(model.named_buffers())))
    torch.testing.assert_close(results[1], results[0])


@pytest.mark.parametrize('frozen', [-1, 0, 3, 6])
def test_frozen_stages(frozen):
    model = EfficientNet(frozen_stages=frozen).eval().train()
    for number, layer in enumerate(model.layers):
        norms = [m for m in layer.modules() if isinstance(m, nn.BatchNorm2d)]
        assert {norm.training for norm in norms} == {number > frozen}
        assert {p.requires_grad for p in layer.parameters()} == {number > frozen}
    model = EfficientNet(norm_eval=True).train()
    assert not any(m.training for m in model.modules() if isinstance(m, nn.BatchNorm2d))
    assert model.layers[1][0].drop_path.training


@pytest.mark.parametrize(
    ('settings', 'reason'),
    [
        (dict(arch='b8'), "arch='b8' is not one of b0, b1"),
        (dict(arch=7), 'arch=7 is not one of'),
        (dict(frozen_stages=7), 'frozen_stages=7 is not one of -1 to 6'),
        (dict(norm_cfg=dict(type='LN')), 'gives no batch norm for pictures'),
        (dict(norm_cfg=dict(type='BN', epsilon=1)), 'gives no batch norm for pictures'),
    ],
)
def test_mistakes(settings, reason):
    with pytest.raises(MMFakeError, match=reason) as error:
        EfficientNet(**settings)
    assert '\n' not in str(error.value)


def test_clips_are_refused_with_the_way_to_encode_them(b0):
    with pytest.raises(MMFakeError, match=r'\(1, 3, 2, 64, 64\) is not .*mmfake\.PerFrame'):
        b0(torch.zeros(1, 3, 2, 64, 64))
