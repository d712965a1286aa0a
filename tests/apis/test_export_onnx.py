"""Export to ONNX: every family against PyTorch, and what keeps a file from being written."""

import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from torch import nn

from mmfake.apis import export_onnx as module
from mmfake.apis.export_onnx import TOLERANCE, export_onnx
from mmfake.engine.config import load_config
from mmfake.errors import MMFakeError
from mmfake.inference.clip_pipeline import ClipPipeline
from mmfake.inference.exported_model import RUNTIMES, ExportedModel
from mmfake.inference.trained_model import TrainedModel

for name in ('onnx', 'onnxscript', 'onnxruntime'):
    pytest.importorskip(name, reason=f'{name} of the extra deploy is not installed')
if 'dynamo' not in inspect.signature(torch.onnx.export).parameters:
    pytest.skip('torch has no such exporter', allow_module_level=True)

CONFIGS = Path(__file__).parents[2] / 'configs'
META = dict(
    val_threshold=0.4,
    dataset_meta=dict(holdout='f2f', multi_classes=('original', 'df', 'fs', 'nt')),
)


@MODELS.register_module()
class PlainTestEncoder(nn.Module):
    """The mean colours of a clip, and what is asked of it for a test."""

    def __init__(self, kind=''):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 3))
        self.kind = kind

    def forward(self, x):
        if self.kind == 'dark':
            x = x / 128
        if self.kind == 'looks' and x.sum() > 0:
            x = x + 1
        if self.kind == 'one number':
            x = x[: int(x.shape[0])] if x.shape[0] == 2 else x * 2
        return x.mean(dim=(2, 3, 4)) @ self.weight  # (N, 3)


def plain_scale(path, kind='', **preprocessor):
    """A scale that puts it into a config of ``configs/mtl``."""
    head = dict(in_channels=3, hidden_channels=(4,))
    model = dict(
        backbone=dict(_delete_=True, type='PlainTestEncoder', kind=kind),
        binary=dict(cls_head=head),
        data_preprocessor=preprocessor,
    )
    path.write_text(f'clip_size = dict(clip_len=8, image_size=32)\nmodel = {model}\n')
    return str(path)


def weights(config, scale, path, seed=0):
    """Random weights whose scores differ: seen statistics in batch norms, a steep last layer."""
    torch.manual_seed(seed)
    cfg = load_config(config, scale)
    model = MODELS.build(cfg.model)
    for part in model.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.momentum = 1.0
    with torch.no_grad():
        model.train().backbone(torch.randn(4, 3, *ClipPipeline(cfg).clip_shape))
        for part in model.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.running_var.clamp_(min=0.5)  # or one channel makes thousands of a rounding
        for head in model.classifiers.values():
            if hasattr(head, 'layers'):
                head.layers[-1].weight.mul_(20)
    torch.save(dict(meta=META, state_dict=model.state_dict()), path)
    return str(path)


def compared(config, scale, checkpoint, out):
    """Compare a file with PyTorch for numbers of clips that the export did not look at."""
    cfg = load_config(config, scale)
    trained = TrainedModel(cfg, checkpoint, 'cpu')
    *time, height, width = trained.pipeline.clip_shape
    colours = np.random.default_rng(1).integers(0, 256, (4, 3, *[1] * len(time), 2, 2), np.uint8)
    blocks = colours.repeat(height // 2, axis=-2).repeat(width // 2, axis=-1)
    clips = np.broadcast_to(blocks, (4, 3, *time, height, width)).copy()
    said = trained.score(torch.from_numpy(clips))
    steps = said.logits[:, 1] - said.logits[:, 0]
    assert steps.max() - steps.min() > 20 * TOLERANCE
    for name in RUNTIMES:
        if name not in sys.modules:
            pytest.importorskip(name)
        exported = ExportedModel(cfg, out, runtime=name)
        for part in (slice(0, 4), slice(1, 3)):
            found = exported.score(torch.from_numpy(clips[part]))
            for one, other in zip(found, said):
                assert (one is None) == (other is None)
                if one is not None:
                    torch.testing.assert_close(one, other[part], atol=TOLERANCE, rtol=TOLERANCE)
    return trained, exported


def exported(config, scale, tmp_path):
    config, scale = str(CONFIGS / config), scale or 'mini'
    checkpoint, out = weights(config, scale, tmp_path / 'x.pth'), str(tmp_path / 'x.onnx')
    assert export_onnx(config, checkpoint, out, scale) == 0
    return compared(config, scale, checkpoint, out)


# ---- families ----


def test_a_joint_embedding_detector_has_its_texts_as_constants(tmp_path, capsys):
    pytest.importorskip('transformers', reason='the extra clip is not installed')
    trained, found = exported('joint_embedding/joint_embedding.py', None, tmp_path)
    assert list(found.prompts) == trained.model.cls_head.labels
    head = trained.model.cls_head
    image, text = (
        4 * sum(p.numel() for p in part.parameters())
        for part in (trained.model.backbone, head.text)
    )
    size = (tmp_path / 'x.onnx').stat().st_size
    assert image < size < image + 0.01 * text + 3e5
    logits = torch.tensor([[0.3, -1.0, *[0.0] * 6], [-2.0, 1.0, *[0.5] * 6]])
    assert found.prompt_probabilities(logits) == trained.prompt_probabilities(logits)
    told = capsys.readouterr().out
    assert 'on 1 and 3 random clips' in told
    assert f'wrote {tmp_path / "x.onnx"}, ' in told


@pytest.mark.nightly
@pytest.mark.parametrize(
    'config',
    [
        'frames/dfdc_winner_holdout_f2f.py',
        'frames/clip_l14_ln_holdout_f2f.py',
        'joint_embedding/joint_embedding_graph.py',
        'joint_embedding/joint_embedding_joint_templates.py',
    ],
)
def test_detectors_of_frames(config, tmp_path):
    if 'dfdc' not in config:
        pytest.importorskip('transformers', reason='the extra clip is not installed')
    exported(config, None, tmp_path)


REGIMES = sorted(path.stem for path in (CONFIGS / 'mtl').glob('*_holdout_f2f.py'))


@pytest.mark.nightly
@pytest.mark.parametrize('regime', REGIMES)
def test_every_regime(regime, tmp_path):
    """With an encoder of mmaction2's, which is exported in half the time."""
    cfg = load_config(str(CONFIGS / 'mtl' / f'{regime}.py'))
    encoder = dict(type='ResNet3d', depth=18, pretrained=None, pretrained2d=False, base_channels=4)
    heads = ('cls_head', 'contrastive_head', 'neck')
    model = dict(backbone=dict(encoder, _delete_=True))
    for stream in ('binary', 'multi'):
        known = [key for key in heads[:2] if (cfg.model.get(stream) or {}).get(key)]
        if known:
            model[stream] = {key: dict(in_channels=32) for key in known}
    scale = tmp_path / 'small.py'
    scale.write_text(f'clip_size = dict(clip_len=8, image_size=32)\nmodel = {model}\n')
    trained, _ = exported(f'mtl/{regime}.py', str(scale), tmp_path)
    assert bool(trained.classes) == ('multi_ce' in regime and 'sbi' not in regime)


@pytest.mark.nightly
def test_pixels_that_are_not_normalised(tmp_path):
    exported(
        'mtl/bin_ce_holdout_f2f.py',
        plain_scale(tmp_path / 'x.py', 'dark', mean=None, std=None),
        tmp_path,
    )


# ---- what keeps it from being written ----

CONFIG = str(CONFIGS / 'mtl' / 'bin_ce_holdout_f2f.py')


@pytest.fixture(scope='module')
def plain(tmp_path_factory):
    """Scale and weights of a tiny detector, whose pixels are turned round and normalised."""
    folder = tmp_path_factory.mktemp('plain')
    colours = dict(to_rgb=True, mean=[60.0, 120.0, 180.0], std=[100.0, 120.0, 140.0])
    scale = plain_scale(folder / 'plain.py', **colours)
    return scale, weights(CONFIG, scale, folder / 'plain.pth')


@pytest.fixture(scope='module')
def graph(plain):
    """What torch makes of it."""
    trained = TrainedModel(load_config(CONFIG, plain[0]), plain[1], 'cpu')
    return module._graph_of(trained, module._clips_of(trained.pipeline, 3))


def refused(scale, checkpoint, out, **kwargs):
    with pytest.raises(MMFakeError) as caught:
        export_onnx(CONFIG, checkpoint, str(out), scale, **kwargs)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_pixels_are_normalised_as_the_data_preprocessor_does(plain, graph, tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_graph_of', lambda *args: graph)
    scale, checkpoint = plain
    assert export_onnx(CONFIG, checkpoint, str(tmp_path / 'x.onnx'), scale) == 0
    trained, _ = compared(CONFIG, scale, checkpoint, str(tmp_path / 'x.onnx'))
    assert trained.model.data_preprocessor.to_rgb
    assert trained.model.data_preprocessor.std.flatten().tolist() == [100, 120, 140]


@pytest.mark.parametrize('kind', ['other', 'not a number'])
def test_a_file_that_says_something_else_is_not_written(
    kind, plain, graph, tmp_path, capsys, monkeypatch, tool
):
    monkeypatch.setattr(module, '_graph_of', lambda *args: graph)
    scale = plain[0]
    checkpoint = weights(CONFIG, scale, tmp_path / 'other.pth', seed=1)
    if kind == 'not a number':
        content = torch.load(plain[1], weights_only=True)
        content['state_dict']['binary.cls_head.layers.1.bias'].fill_(float('nan'))
        torch.save(content, checkpoint)
    words = [CONFIG, checkpoint, tmp_path / 'out' / 'x.onnx', '--scale', scale]
    assert tool('export_onnx').main([str(word) for word in words]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f'error: {tmp_path / "out" / "x.onnx"} is not written: ')
    assert ('differs from PyTorch by at most nan' in told) == (kind != 'other')
    assert told.count('\n') == 1
    assert list((tmp_path / 'out').iterdir()) == []


@pytest.mark.parametrize('kind', ['looks', pytest.param('one number', marks=pytest.mark.nightly)])
def test_a_network_that_torch_cannot_export_ends_in_one_line(kind, tmp_path):
    scale = plain_scale(tmp_path / 'plain.py', kind)
    told = refused(scale, weights(CONFIG, scale, tmp_path / 'x.pth'), tmp_path / 'x.onnx')
    assert f'torch {torch.__version__} cannot export this detector (PlainTestEncoder): ' in told
    assert not (tmp_path / 'x.onnx').exists()


def test_a_video_without_clips(plain, write_short, tmp_path):
    told = refused(*plain, tmp_path / 'x.onnx', video=write_short, face=False)
    assert 'short.mp4: too-short, 4 frames, a clip has at least 8; give another --video' in told


@pytest.fixture
def write_short(tmp_path):
    """A video of four frames."""
    import av

    path = tmp_path / 'short.mp4'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = 'yuv420p'
        for _ in range(4):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return str(path)


def test_what_is_not_installed_is_named(plain, tmp_path, monkeypatch):
    find = module.importlib.util.find_spec
    gone = ['onnxscript', *RUNTIMES]
    monkeypatch.setattr(
        module.importlib.util, 'find_spec', lambda name: None if name in gone else find(name)
    )
    told = refused(*plain, tmp_path / 'x.onnx')
    assert told.startswith('onnxscript, openvino or onnxruntime: not installed')
    assert "pip install 'mmfake[deploy]'" in told


def test_an_old_torch_is_named(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.onnx, 'export', lambda model, args, f: None)  # that of torch 2.1
    told = refused(*plain, tmp_path / 'x.onnx')
    assert (
        f'torch {torch.__version__} has no ONNX exporter that takes this model: use torch' in told
    )


def test_wrong_words(plain, tmp_path, tool):
    assert 'x.pt: the name of an exported model ends in .onnx' in refused(*plain, tmp_path / 'x.pt')
    with pytest.raises(MMFakeError, match=r'gone\.mp4: no such file'):
        tool('export_onnx').main([CONFIG, plain[1], 'x.onnx', '--video', 'gone.mp4'])
