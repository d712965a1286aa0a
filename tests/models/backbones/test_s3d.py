import copy
import inspect
import io
import pickle

import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import nn

from mmfake.errors import MMFakeError
from mmfake.models.backbones.s3d import S3D


def by_x(numbers):
    return 'x'.join(str(number) for number in numbers)


def triple(value):
    return by_x(value if isinstance(value, tuple) else (value,) * 3)


def test_every_layer_of_the_table_runs_in_order(layer_table):
    with torch.device('meta'):
        model = S3D().eval()
    ran = []

    def record(name):
        def hook(module, inputs, output):
            conv = isinstance(module, nn.Conv3d)
            ran.append(
                {
                    'name': name,
                    'in': str(inputs[0].shape[1]),
                    'out': str(output.shape[1]),
                    'kernel': triple(module.kernel_size),
                    'stride': triple(module.stride),
                    'padding': triple(module.padding),
                    'weights': str(module.weight.numel()) if conv else '-',
                    'output': by_x(output.shape[1:]),
                }
            )

        return hook

    for name, module in model.named_modules():
        if isinstance(module, (nn.Conv3d, nn.MaxPool3d)):
            module.register_forward_hook(record(name))
    model(torch.empty(1, 3, 32, 128, 128, device='meta'))

    assert len(layer_table) == 90
    for row, layer in zip(layer_table, ran):
        assert layer == row
    assert len(ran) == 90


def test_same_numbers_as_the_table_computed_with_plain_functions(layer_table, random_s3d):
    weights = random_s3d.state_dict()
    eps = 1e-5

    def run(row, x):
        geometry = [tuple(int(n) for n in row[key].split('x')) for key in ('stride', 'padding')]
        if row['weights'] == '-':
            return F.max_pool3d(x, tuple(int(n) for n in row['kernel'].split('x')), *geometry)
        x = F.conv3d(x, weights[row['name'] + '.weight'], None, *geometry)
        norm = (
            row['name'].rsplit('.', 1)[0]
            + '.'
            + row['name'].rsplit('.', 1)[1].replace('conv', 'bn')
        )
        mean, var, scale, shift = (
            weights[f'{norm}.{key}'].view(-1, 1, 1, 1)
            for key in ('running_mean', 'running_var', 'weight', 'bias')
        )
        return ((x - mean) / (var + eps).sqrt() * scale + shift).clamp(min=0)

    clip = torch.randn(1, 3, 9, 40, 33, generator=torch.Generator().manual_seed(3))
    x, block, branches = clip, None, {}
    for row in [*layer_table, {'name': 'end'}]:
        parts = row['name'].split('.')
        if block and parts[0] != block:  # the Inception block is complete
            x = torch.cat([branches[f'branch{i}'] for i in range(4)], 1)
            block, branches = None, {}
        if parts[0].startswith('Mixed'):
            block = parts[0]
            branches[parts[1]] = run(row, branches.get(parts[1], x))
        elif parts[0] != 'end':
            x = run(row, x)

    with torch.no_grad():
        out = random_s3d.eval()(clip)
    assert out.shape == (1, 1024, 1, 1, 1)
    assert x.std() > 0.01
    torch.testing.assert_close(out, x, rtol=1e-3, atol=1e-5)


def test_export_by_tracing_asks_for_no_order_of_memory(random_s3d, monkeypatch):
    """ONNX of torch.onnx.export(dynamo=False) has no word for it."""
    clip = torch.randn(1, 3, 8, 32, 32, generator=torch.Generator().manual_seed(4))
    orders = []
    block = random_s3d.eval().Conv_1a
    hook = block.register_forward_pre_hook(lambda _, x: orders.append(x[0].is_contiguous()))
    with torch.no_grad():
        eager = random_s3d(clip)
        monkeypatch.setattr(torch.onnx, 'is_in_onnx_export', lambda: True)
        exported = random_s3d(clip)
    hook.remove()
    assert orders == [False, True]
    torch.testing.assert_close(exported, eager, rtol=1e-4, atol=1e-4)


def test_export_by_tracing(random_s3d):
    pytest.importorskip('onnx', reason='torch.onnx.export(dynamo=False) writes with it')
    file, known = io.BytesIO(), inspect.signature(torch.onnx.export).parameters
    by_tracing = dict(dynamo=False) if 'dynamo' in known else {}  # before torch 2.5, always
    torch.onnx.export(random_s3d.eval(), torch.randn(1, 3, 8, 32, 32), file, **by_tracing)
    assert file.tell() > 31e6, '7.9 million weights'


def test_names_shapes_and_counts(key_table):
    with torch.device('meta'):
        model = S3D()
    state = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    assert state == {row['name']: row['shape'] for row in key_table}
    assert sum(p.numel() for p in model.parameters()) == 7_910_048
    assert len(list(model.parameters())) == 231
    assert sum(b.numel() for b in model.buffers()) == 21_293
    assert not [m for m in model.modules() if isinstance(m, nn.Conv3d) and m.bias is not None]


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((32, 128, 128), (4, 4, 4)),
        ((64, 224, 224), (8, 7, 7)),
        ((16, 128, 128), (2, 4, 4)),
        ((8, 128, 128), (1, 4, 4)),
        ((32, 224, 224), (4, 7, 7)),
        ((32, 112, 112), (4, 3, 3)),
        ((14, 224, 224), (2, 7, 7)),
        ((8, 17, 17), (1, 1, 1)),
        ((16, 128, 64), (2, 4, 2)),
    ],
)
def test_output_shape(size, expected):
    with torch.device('meta'):
        model = S3D().eval()
        clip = torch.empty(2, 3, *size)
    assert model(clip).shape == (2, 1024, *expected)


_MINIMUM = r'at least 8 frames of 17 x 17 pixels'


@pytest.mark.parametrize('shape', [(1, 3, 4, 17, 17), (1, 3, 8, 16, 17), (1, 3, 8, 17, 16)])
def test_too_small_clip_is_named_and_really_is_too_small(shape, random_s3d):
    with pytest.raises(MMFakeError, match=_MINIMUM) as caught:
        random_s3d(torch.zeros(shape))
    assert str(shape) in str(caught.value)
    assert '\n' not in str(caught.value)

    unguarded = nn.Sequential(*random_s3d.eval().children())
    with pytest.raises(RuntimeError, match='too small'):
        unguarded(torch.zeros(shape))


@pytest.mark.parametrize('frames', [5, 6, 7])
def test_clip_whose_gradients_would_be_wrong_is_refused(frames, random_s3d):
    """oneDNN's gradient of Conv_1a over 5 to 7 frames is garbage: see the next test for 8."""
    with pytest.raises(MMFakeError, match=_MINIMUM):
        random_s3d(torch.zeros(1, 3, frames, 17, 17))


@pytest.mark.parametrize('frames', [8, 9, 16])
def test_gradient_of_the_first_temporal_convolution(frames):
    """Against double precision, which oneDNN leaves to torch's own code."""
    convolution = S3D().Conv_1a.conv2
    clips = torch.randn(2, 64, frames, 9, 9)
    convolution(clips).square().sum().backward()
    truth = copy.deepcopy(convolution).double()
    truth.weight.grad = None
    truth(clips.double()).square().sum().backward()
    torch.testing.assert_close(
        convolution.weight.grad, truth.weight.grad.float(), rtol=1e-3, atol=1e-2
    )


@pytest.mark.parametrize('mode', [True, False])
def test_memory_order_on_cpu_changes_no_number(random_s3d, mode):
    """The same trunk run block by block on contiguous clips, in double precision."""
    encoder = copy.deepcopy(random_s3d).double().train(mode)
    clips = torch.rand(2, 3, 8, 32, 32, dtype=torch.float64)
    expected = nn.Sequential(*encoder.children())(clips)
    torch.testing.assert_close(encoder(clips), expected)


@pytest.mark.parametrize('mode', [True, False])
def test_memory_order_by_choice_changes_no_number(random_s3d, mode, key_table):
    chosen = S3D(channels_last=mode).double().eval()
    chosen.load_state_dict(random_s3d.state_dict())
    weight = copy.deepcopy(chosen).Conv_1a.conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last_3d) is mode
    clips = torch.rand(2, 3, 8, 32, 32, dtype=torch.float64)
    orders = []
    chosen.Conv_1a.register_forward_pre_hook(lambda _, inputs: orders.append(inputs[0].stride(1)))
    expected = copy.deepcopy(random_s3d).double().eval()(clips)
    torch.testing.assert_close(chosen(clips), expected)
    assert orders == [1 if mode else 8 * 32 * 32]


def test_image_without_time_axis_is_refused(random_s3d):
    with pytest.raises(MMFakeError, match=r'\(2, 3, 64, 64\).*not \(N, C, T, H, W\)'):
        random_s3d(torch.zeros(2, 3, 64, 64))


def test_optical_flow_has_two_channels():
    with torch.device('meta'):
        model = S3D(in_channels=2).eval()
        assert model(torch.empty(1, 2, 8, 32, 32)).shape == (1, 1024, 1, 1, 1)


def test_norm_cfg_reaches_all_77_norms_and_is_completed():
    with torch.device('meta'):
        default, chosen = S3D(), S3D(norm_cfg=dict(eps=1e-3, momentum=0.01))
    for model, expected in ((default, (1e-5, 0.1)), (chosen, (1e-3, 0.01))):
        norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm3d)]
        assert len(norms) == 77
        assert {(m.eps, m.momentum) for m in norms} == {expected}


def test_sync_bn_has_the_same_tensors_and_numbers(random_s3d):
    model = S3D(norm_cfg=dict(type='SyncBN'))
    assert sum(isinstance(m, nn.SyncBatchNorm) for m in model.modules()) == 77
    model.load_state_dict(random_s3d.state_dict())
    clip = torch.randn(1, 3, 8, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(clip), random_s3d.eval()(clip))


@pytest.mark.parametrize(
    ('norm_cfg', 'reason'),
    [
        (dict(type='BN'), 'BatchNorm2d'),
        (dict(type='GN', num_groups=2), 'momentum'),
        (dict(type='IN3d'), 'InstanceNorm3d'),
        (dict(type='NoSuchNorm'), 'Cannot find'),
        (dict(momentun=0.1), 'momentun'),
    ],
)
def test_other_norms_are_refused(norm_cfg, reason):
    with pytest.raises(MMFakeError, match=f'{reason}.*SyncBN') as caught:
        S3D(norm_cfg=norm_cfg)
    assert '\n' not in str(caught.value)


def test_copies_and_round_trips(random_s3d, tmp_path):
    clip = torch.randn(1, 3, 8, 32, 32)
    torch.save(random_s3d.state_dict(), tmp_path / 'weights.pth')
    loaded = S3D()
    loaded.load_state_dict(torch.load(tmp_path / 'weights.pth', weights_only=True))
    others = [copy.deepcopy(random_s3d), pickle.loads(pickle.dumps(random_s3d)), loaded]
    with torch.no_grad():
        expected = random_s3d.eval()(clip)
        for other in others:
            assert torch.equal(other.eval()(clip), expected)
    others[0].Conv_1a.conv1.weight.data.zero_()
    assert random_s3d.Conv_1a.conv1.weight.abs().sum() > 0


@pytest.mark.parametrize('name', ['S3D', 'mmfake.S3D'])
def test_is_built_from_a_config(name):
    model = MODELS.build(dict(type=name, norm_cfg=dict(type='BN3d', eps=1e-3), with_cp=True))
    assert type(model) is S3D
    assert model.with_cp
    assert model.Conv_1a.bn1.eps == 1e-3
