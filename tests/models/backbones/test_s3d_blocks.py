"""Building blocks of S3D, against plain functions."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode

from mmfake.models.backbones.pretrained_encoder import keep_norm_statistics, recompute
from mmfake.models.backbones.s3d import Conv3d, InceptionBlock3d, MaxPool3d, SeparableConv3d

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


@pytest.fixture
def threads():
    """Set how many threads torch has, for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize('is_test', [True, False])
@pytest.mark.parametrize('kernel', [1, (1, 3, 3), (3, 1, 1), (7, 1, 1)])
def test_a_convolution_is_the_same_and_computed_by_onednn(kernel, is_test, threads):
    """On one thread and in a small batch, too; the truth is torch's own, without oneDNN."""
    torch.manual_seed(0)
    sides = kernel if isinstance(kernel, tuple) else (kernel,) * 3
    conv = Conv3d(3, 4, kernel, stride=1, padding=tuple(side // 2 for side in sides))
    x = torch.randn(2, 3, 8, 9, 10).contiguous(memory_format=torch.channels_last_3d)
    x.requires_grad_()
    with torch.backends.mkldnn.flags(enabled=False):
        truth = nn.Conv3d.forward(conv, x)
        gradients = torch.autograd.grad(truth.square().sum(), [x, conv.weight, conv.bias])
    threads(1)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        found = conv.train(not is_test)(x)
    torch.testing.assert_close(found, truth, rtol=1e-5, atol=1e-5)
    again = torch.autograd.grad(found.square().sum(), [x, conv.weight, conv.bias])
    torch.testing.assert_close(again, gradients, rtol=1e-4, atol=1e-4)
    if torch.backends.mkldnn.is_available():
        assert 'aten::mkldnn_convolution' in {event.name for event in profiler.events()}
        assert found.is_contiguous(memory_format=torch.channels_last_3d)
    threads(2)  # where torch asks oneDNN by itself
    conv.train()
    assert torch.equal(conv(x), nn.Conv3d.forward(conv, x))


@pytest.mark.parametrize(('taps', 'frames'), [(3, 1), (3, 2), (7, 4), (3, 3)])
def test_the_gradient_in_bfloat16_is_right_also_with_fewer_frames_than_taps(taps, frames):
    """The truth is in float64; memory that nobody wrote holds NaN."""
    torch.manual_seed(0)
    conv = Conv3d(48, 48, (taps, 1, 1), padding=(taps // 2, 0, 0), bias=False)
    x = torch.randn(4, 48, frames, 4, 4).contiguous(memory_format=torch.channels_last_3d)
    truth = nn.Conv3d.forward(copy.deepcopy(conv).double(), x.double())
    weight = conv.weight.detach().double().requires_grad_(True)
    F.conv3d(x.double(), weight, padding=conv.padding).backward(torch.ones_like(truth))
    for _ in range(5):
        garbage = [torch.full((size,), float('nan')) for size in (3000, 7000, 30000, 100000)]
        del garbage
        conv.weight.grad = None
        with torch.autocast('cpu', torch.bfloat16):
            out = conv(x.bfloat16())
        out.float().sum().backward()
        torch.testing.assert_close(
            out.double(), truth, rtol=0, atol=0.02 * float(truth.abs().max())
        )
        off = (conv.weight.grad - weight.grad).abs().max()
        assert off <= 0.02 * weight.grad.abs().max()


def test_norm_settings_reach_both_norms_and_no_convolution_has_a_bias():
    block = SeparableConv3d(2, 4, 3, NORM)
    assert [(bn.eps, bn.momentum) for bn in (block.bn1, block.bn2)] == [(1e-3, 0.2)] * 2
    assert block.conv1.bias is None
    assert block.conv2.bias is None
    assert {name.split('.')[0] for name in block.state_dict()} == {'conv1', 'bn1', 'conv2', 'bn2'}


@pytest.fixture
def inception():
    torch.manual_seed(1)
    return InceptionBlock3d(6, (1, 2, 3, 4, 5, 7), dict(type='BN3d', eps=1e-5)).eval()


def test_branches_are_joined_in_order(inception):
    x = torch.randn(2, 6, 4, 5, 5)
    weights = inception.state_dict()
    norm = (1 + 1e-5) ** -0.5  # a fresh batch norm in eval mode

    def conv(y, name, padding=0):
        return F.relu(F.conv3d(y, weights[name + '.weight'], padding=padding) * norm)

    def separable(y, name):
        return conv(conv(y, name + '.conv1', (0, 1, 1)), name + '.conv2', (1, 0, 0))

    truth = [
        conv(x, 'branch0.0.conv'),
        separable(conv(x, 'branch1.0.conv'), 'branch1.1'),
        separable(conv(x, 'branch2.0.conv'), 'branch2.1'),
        conv(F.max_pool3d(x, 3, 1, 1), 'branch3.1.conv'),
    ]
    with torch.no_grad():
        out = inception(x)
    assert [len(part[0]) for part in truth] == [1, 3, 5, 7]
    torch.testing.assert_close(out, torch.cat(truth, 1))
    assert inception.out_channels == out.shape[1] == 16


def test_input_is_not_changed_in_place(inception):
    x = torch.randn(1, 6, 3, 3, 3)
    before = x.clone()
    with torch.no_grad():
        inception(x)
    assert torch.equal(x, before)


def test_widths_must_be_six():
    with pytest.raises(ValueError, match='unpack'):
        InceptionBlock3d(6, (1, 2, 3), dict(type='BN3d'))


@pytest.fixture
def block():
    torch.manual_seed(2)
    return nn.Sequential(nn.Conv3d(3, 4, 3), nn.BatchNorm3d(4), nn.ReLU(inplace=True))


@pytest.mark.parametrize('training', [True, False])
def test_same_output_gradients_and_statistics_as_a_plain_call(block, training):
    plain, ours = block.train(training), copy.deepcopy(block).train(training)
    x = torch.randn(2, 3, 4, 5, 6)  # needs no gradient itself: the first block of a network
    expected, out = plain(x), recompute(ours, x)
    expected.pow(2).sum().backward()
    out.pow(2).sum().backward()

    torch.testing.assert_close(out, expected)
    for theirs, mine in zip(plain.parameters(), ours.parameters()):
        torch.testing.assert_close(mine.grad, theirs.grad)
    for name, value in plain.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name
    assert ours[1].num_batches_tracked == int(training)


def test_forward_runs_a_second_time_in_backward(block):
    calls = []
    block[0].register_forward_hook(lambda *_: calls.append(1))
    out = recompute(block, torch.randn(2, 3, 4, 5, 6))
    assert len(calls) == 1
    out.sum().backward()
    assert len(calls) == 2


def test_statistics_are_put_back_after_an_error(block):
    before = dict(block.named_buffers())
    values = {name: buffer.clone() for name, buffer in before.items()}
    with pytest.raises(RuntimeError, match='shape|size'), keep_norm_statistics(block):
        block[1](torch.randn(2, 4, 3, 3, 3) + 5) @ torch.ones(7)
    after = dict(block.named_buffers())
    assert after.keys() == before.keys()
    for name in before:
        assert after[name] is before[name]
        assert torch.equal(after[name], values[name])


def test_a_norm_without_statistics_is_left_alone():
    norm = nn.BatchNorm3d(2, track_running_stats=False)
    with keep_norm_statistics(norm):
        assert norm.running_mean is None
    assert norm.running_mean is None


class Operations(TorchDispatchMode):
    """Collects the names of what is computed."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.add(function.overloadpacket.__name__)
        return function(*args, **(kwargs or {}))


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


POOLS = [
    ((1, 3, 3), (1, 2, 2), (0, 1, 1)),
    (3, 2, 1),
    (2, 2, 0),
    (3, 1, 1),
]


@pytest.mark.parametrize('clips', [2, 0])
@pytest.mark.parametrize('order', [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize('settings', POOLS)
def test_deterministic_pooling_takes_the_same_maximum(settings, order, clips, deterministic):
    """Of maps with many ties, as behind a ReLU: the first one gets the gradient."""
    x = torch.randn(clips, 5, 6, 10, 7, dtype=torch.float64).relu().contiguous(memory_format=order)
    inputs = [x.clone().requires_grad_() for _ in range(2)]
    expected, found = nn.MaxPool3d(*settings)(inputs[0]), MaxPool3d(*settings)(inputs[1])
    assert torch.equal(found, expected)
    gradient = torch.randn_like(expected)
    for output in (expected, found):
        output.backward(gradient)
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad)


def test_no_pooling_of_s3d_has_a_gradient_that_is_not_deterministic(random_s3d, deterministic):
    encoder = copy.deepcopy(random_s3d).train()
    with Operations() as ran:
        encoder(torch.rand(2, 3, 8, 32, 32)).sum().backward()
    assert 'max_pool2d_with_indices_backward' in ran.names
    assert not [name for name in ran.names if 'max_pool3d' in name]


@pytest.mark.parametrize('settings', [(3, 1, 1), (3, 2, 1), ((1, 3, 3), (1, 2, 2), (0, 1, 1))])
def test_pooling_stays_in_bfloat16_and_is_the_same(settings):
    """The truth is in float32, in which the autocast of a CPU would pool."""
    torch.manual_seed(0)
    x = torch.randn(2, 8, 6, 8, 8).bfloat16().contiguous(memory_format=torch.channels_last_3d)
    inputs = x.clone().requires_grad_(), x.float().requires_grad_()
    with torch.autocast('cpu', torch.bfloat16):
        found, expected = MaxPool3d(*settings)(inputs[0]), nn.MaxPool3d(*settings)(inputs[1])
    assert (found.dtype, expected.dtype) == (torch.bfloat16, torch.float32)
    assert torch.equal(found.float(), expected)
    for output in (found, expected):
        output.sum().backward()  # of ones: whole numbers, which bfloat16 has
    assert torch.equal(inputs[0].grad.float(), inputs[1].grad)


def test_otherwise_pooling_is_torchs(random_s3d):
    encoder = copy.deepcopy(random_s3d).train()
    with Operations() as ran:
        encoder(torch.rand(2, 3, 8, 32, 32)).sum().backward()
    assert 'max_pool3d_with_indices_backward' in ran.names
