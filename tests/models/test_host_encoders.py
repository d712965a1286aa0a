"""Encoders of mmaction2, and one of tokens: each trains, predicts and detects by config alone."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmfake.datasets.clip_size import set_clip_size
from mmfake.errors import MMFakeError
from mmfake.inference.deepfake_inferencer import DeepfakeInferencer
from mmfake.models.recognizers.pooling import last_map

CONFIG = Path(__file__).parents[2] / 'configs' / 'mtl' / 'bin_multi_ce_holdout_f2f.py'
META = dict(dataset_meta=dict(holdout='f2f', multi_classes=('original', 'df', 'fs', 'nt')))
PATCHES = dict(img_size=32, patch_size=16, embed_dims=16, num_heads=2, num_frames=8)
RESNET_3D = dict(depth=18, base_channels=4, pretrained=None)


@MODELS.register_module(name='TokensTestEncoder', force=True)
class TokensTestEncoder(nn.Module):
    """(N, 3, 8, 32, 32) -> (N, 16, 12), patches without a class token."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv3d(3, 12, (2, 16, 16), stride=(2, 16, 16))

    def forward(self, x):
        return self.embed(x).flatten(2).transpose(1, 2)


# name -> (backbone, length of the embedding, whether it gives a map)
ENCODERS = {
    'UniFormer': (
        dict(depth=[1, 1, 1, 1], embed_dim=[8, 16, 16, 24], head_dim=8, pretrained2d=False),
        24,
        True,
    ),
    'UniFormerV2': (
        dict(
            input_resolution=32,
            width=16,
            layers=2,
            heads=2,
            return_list=[0, 1],
            n_layers=2,
            n_dim=16,
            n_head=2,
            mlp_dropout=[0.0, 0.0],
            clip_pretrained=False,
        ),
        16,
        False,
    ),
    'VisionTransformer': (dict(PATCHES, depth=1), 16, False),
    'TimeSformer': (dict(PATCHES, num_transformer_layers=1), 16, False),
    'MViT': (  # a pair of map and class token
        dict(
            arch=dict(embed_dims=8, num_layers=2, num_heads=1, downscale_indices=[1]),
            spatial_size=32,
            temporal_size=8,
        ),
        16,
        True,
    ),
    'SwinTransformer3D': (
        dict(
            arch=dict(embed_dims=8, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 4]),
            pretrained2d=False,
            window_size=(2, 2, 2),
        ),
        64,
        True,
    ),
    'X3D': (dict(gamma_w=0.5, gamma_d=0.5, gamma_b=1.0), 128, True),
    'ResNet3dSlowOnly': (
        dict(RESNET_3D, lateral=False, conv1_kernel=(1, 7, 7), inflate=(0, 0, 1, 1)),
        32,
        True,
    ),
    'C3D': (dict(out_dim=2048), 4096, False),  # its widths are fixed: 53 million parameters
    'ResNet2Plus1d': (
        dict(
            RESNET_3D,
            pretrained2d=False,
            conv1_kernel=(3, 7, 7),
            conv_cfg=dict(type='Conv2plus1d'),
            norm_cfg=dict(type='BN3d'),
        ),
        32,
        True,
    ),
    'TokensTestEncoder': ({}, 12, False),
    'MobileNetV2': (dict(widen_factor=0.25), 1280, True),
    'ResNet': (dict(depth=18), 512, True),
    'PerFrame': (dict(backbone=dict(type='MobileNetV2', widen_factor=0.25)), 1280, True),
}
FRAMES = ('MobileNetV2', 'ResNet')


def config(name):
    """A config of the matrix with another encoder, and for one of frames four single frames."""
    backbone, channels, _ = ENCODERS[name]
    cfg = Config.fromfile(CONFIG)
    set_clip_size(cfg, clip_len=16 if name == 'C3D' else 8, image_size=32)
    cfg.model.backbone = dict(type=name, **copy.deepcopy(backbone))
    for stream in (cfg.model.binary, cfg.model.multi):
        stream.cls_head.update(in_channels=channels, hidden_channels=(8, 8), dropout_ratio=0.0)
    if name in FRAMES:
        cfg.model.data_preprocessor.format_shape = 'NCHW'
        for step in cfg.test_dataloader.dataset.pipeline:
            if step.type == 'SampleFrames':
                step.update(clip_len=1, num_clips=4)
            elif step.type == 'FormatShape':
                step.input_format = 'NCHW'
    return cfg


def built(cfg):
    torch.manual_seed(0)
    return MODELS.build(copy.deepcopy(cfg.model))


NAMES = [
    pytest.param(name, marks=[pytest.mark.nightly] if name == 'C3D' else []) for name in ENCODERS
]


@pytest.mark.parametrize('name', NAMES)
def test_trains_predicts_and_detects(name, make_samples, tmp_path):
    cfg = config(name)
    model = built(cfg).train()
    length = dict(C3D=(16, 32, 32)).get(name, (32, 32) if name in FRAMES else (8, 32, 32))
    inputs = [torch.randint(0, 256, (2, 3, *length), dtype=torch.uint8) for _ in range(2)]
    data = dict(inputs=inputs, data_samples=make_samples([0, 1], [0, 3]))

    # a training step moves the whole model
    before = copy.deepcopy(dict(model.named_parameters()))
    optimizer = build_optim_wrapper(
        model, dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    )
    log = model.train_step(copy.deepcopy(data), optimizer)
    log = {key: value.item() for key, value in log.items()}
    assert log['loss'] == pytest.approx(log['binary.loss_ce'] + log['multi.loss_ce'])
    moved = {key for key, value in model.named_parameters() if not torch.equal(value, before[key])}
    for part in ('backbone.', 'binary.cls_head.layers.1.', 'multi.cls_head.layers.7.'):
        assert any(key.startswith(part) for key in moved), part
    first = next(key for key in before if key.startswith('backbone.') and before[key].ndim > 3)
    assert first in moved

    # a prediction is the mean of the clips' probabilities
    model.eval()
    scores = [sample.pred_score for sample in model.test_step(copy.deepcopy(data))]
    normal = model.data_preprocessor(copy.deepcopy(data), False)['inputs']
    logits = model.classify(normal)['binary']
    expected = logits.softmax(1).reshape(2, 2, 2).mean(1)
    torch.testing.assert_close(torch.stack(scores), expected, rtol=1e-4, atol=1e-5)
    features = model(normal, stage='backbone')
    assert (last_map(features) is not None) == ENCODERS[name][2]

    # detection gives a clip the score of the test
    torch.save(dict(meta=META, state_dict=model.state_dict()), tmp_path / 'x.pth')
    detect = DeepfakeInferencer(cfg, str(tmp_path / 'x.pth'), 'cpu')
    film = np.random.RandomState(0).randint(0, 256, (20, 40, 50, 3)).astype(np.uint8)
    results = detect(film, face=False, out_dir=str(tmp_path / 'out'))
    (video,) = results['predictions']
    assert video['status'] == 'scored'
    assert list(video['family']['probabilities']) == ['original', 'df', 'fs', 'nt']
    pipeline = detect.model.pipeline
    assert pipeline.clip_shape == length
    assert pipeline.span(25.0) == (1 if name in FRAMES else length[0])
    chosen = pipeline.choose(20, 25.0)
    packed = pipeline.pack([pipeline.shrink(film[number]) for number in chosen.ravel()], 4)
    (tested,) = model.test_step(dict(inputs=[packed], data_samples=make_samples([0])))
    assert video['probability'] == pytest.approx(tested.pred_score[1].item(), abs=1e-5)
    page = (tmp_path / 'out' / 'report.html').read_text()
    assert ('last feature map' in page) == ENCODERS[name][2]
    assert ('this encoder gives no feature map' in page) != ENCODERS[name][2]


def test_a_class_token_or_the_mean_of_the_map_by_option(make_samples):
    cfg = config('MViT')
    inputs = torch.randn(2, 1, 3, 8, 32, 32)
    for tokens, place in ((None, 1), ('cls', 1), ('mean', 0)):
        cfg.model.pooling = dict(tokens=tokens)
        model = built(cfg).eval()
        ((*pair,),) = model.backbone(inputs[:, 0])
        expected = pair[place].flatten(2).mean(2) if place == 0 else pair[place]
        torch.testing.assert_close(model(inputs, stage='neck'), expected)
    losses = model(inputs, make_samples([0, 1], [0, 3]), mode='loss')
    wanted = F.cross_entropy(model.cls_head(expected), torch.tensor([0, 1]))
    torch.testing.assert_close(losses['binary.loss_ce'], wanted)


def test_several_frames_in_one_input_are_refused():
    cfg = config('MobileNetV2')
    cfg.test_dataloader.dataset.pipeline[1].clip_len = 2
    with pytest.raises(MMFakeError, match=r'gives \(2, 3, 32, 32\) for 1 clips of 2 frames'):
        DeepfakeInferencer(cfg, 'x.pth')
