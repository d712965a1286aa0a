"""PerFrame against calls of its encoder frame by frame."""

import copy

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from torch import nn

from mmfake.errors import MMFakeError
from mmfake.models.backbones.per_frame import PerFrame

RESNET = dict(type='ResNet', depth=18, pretrained=None)


@MODELS.register_module(name='PicturesTestEncoder', force=True)
class PicturesTestEncoder(nn.Module):
    """(N, 3, 16, 16) -> vectors (N, 4) or tokens (N, 9, 4) of a convolution."""

    def __init__(self, gives):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 6, stride=5)
        self.gives = gives

    def forward(self, x):
        tokens = self.conv(x).flatten(2).transpose(1, 2)
        return tokens if self.gives == 'tokens' else tokens.amax(1)


def randomise_norms(model):
    """Statistics far from their initial ones, so that a wrong batch would be seen."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model


def built(backbone, **settings):
    torch.manual_seed(0)
    return randomise_norms(PerFrame(dict(backbone, **settings))).eval()


@pytest.mark.parametrize('frames', [1, 5])
def test_maps_and_gradients_equal_calls_frame_by_frame(frames):
    encoder = built(RESNET)
    clips = torch.randn(2, 3, frames, 33, 47)
    found = encoder(clips)
    assert found.shape == (2, 512, frames, 2, 2)
    alone = [[encoder.backbone(clip[None, :, t])[0] for t in range(frames)] for clip in clips]
    expected = torch.stack([torch.stack(maps, dim=1) for maps in alone])
    torch.testing.assert_close(found, expected)

    weight = encoder.backbone.conv1.conv.weight
    factors = torch.randn_like(found)
    (gradient,) = torch.autograd.grad((found * factors).sum(), weight)
    (wanted,) = torch.autograd.grad((expected * factors).sum(), weight)
    assert gradient.abs().max() > 0
    torch.testing.assert_close(gradient, wanted, rtol=1e-3, atol=1e-3)


TSM = dict(type='ResNetTSM', depth=18, num_segments=4, pretrained=None, pretrained2d=False)


def test_an_encoder_of_several_frames_takes_those_of_one_clip():
    encoder = built(TSM)
    clips = torch.randn(3, 3, 8, 32, 32)
    found = encoder(clips)
    for clip, maps in zip(clips, found):
        torch.testing.assert_close(encoder(clip[None])[0], maps)
    for frames in (1, 2, 6):
        with pytest.raises(MMFakeError, match=f'num_segments=4 .* a clip has {frames}: set clip_'):
            encoder(clips[:, :, :frames])


@pytest.mark.parametrize('shape', [(4, 1, 3, 32, 32), (1, 8, 3, 32, 32), (2, 2, 3, 4, 32, 32)])
def test_frames_of_several_videos_are_not_taken_together(make_samples, shape):
    model = MODELS.build(
        dict(
            type='mmfake.DualStreamRecognizer',
            backbone=TSM,
            binary=dict(cls_head=dict(type='mmfake.MLPHead', num_classes=2, in_channels=512)),
            test_cfg=dict(max_testing_views=6),
        )
    )
    told = 'ResNetTSM takes num_segments=4 frames of one video together, and gets'
    with pytest.raises(MMFakeError, match=told):
        model.extract_feat(torch.randn(shape), test_mode=True)
    with pytest.raises(MMFakeError, match=told):
        model.loss(torch.randn(shape), make_samples([0] * shape[0]))
    randomise_norms(model).eval()
    videos = torch.randn(3, 4, 3, 32, 32)
    together = model.extract_feat(videos, test_mode=True)[0]
    alone = [model.extract_feat(video[None], test_mode=True)[0] for video in videos]
    torch.testing.assert_close(together, torch.cat(alone))


def test_vectors_tokens_and_tuples():
    clips = torch.randn(2, 3, 5, 16, 16)
    encoder = built(dict(type='PicturesTestEncoder', gives='vectors'))
    found = encoder(clips)
    for n in range(2):
        for t in range(5):
            torch.testing.assert_close(found[n, t], encoder.backbone(clips[n : n + 1, :, t])[0])

    encoder = built(dict(type='PicturesTestEncoder', gives='tokens'))
    single = clips[:, :, :1]
    torch.testing.assert_close(encoder(single), encoder.backbone(clips[:, :, 0]))
    with pytest.raises(MMFakeError, match=r'Encoder gives .* \(10, 9, 4\) for 2 clips of 5 fr'):
        encoder(clips)

    encoder = built(RESNET, out_indices=(2, 3))
    third, fourth = encoder(torch.randn(2, 3, 4, 32, 32))
    assert third.shape == (2, 256, 4, 2, 2)
    assert fourth.shape == (2, 512, 4, 1, 1)


def test_frames_without_a_time_axis_are_refused():
    with pytest.raises(MMFakeError, match=r'\(2, 3, 32, 32\) is not .*NCTHW'):
        built(RESNET)(torch.randn(2, 3, 32, 32))


def test_freezing_recomputation_and_weights_are_the_encoders(tmp_path):
    frozen = built(RESNET, frozen_stages=1, norm_eval=True).train()
    still = [p for p in frozen.parameters() if not p.requires_grad]
    inner = frozen.backbone
    expected = [*inner.conv1.parameters(), *inner.layer1.parameters()]
    assert {id(p) for p in still} == {id(p) for p in expected}
    norms = [m for m in frozen.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 20
    assert not any(norm.training for norm in norms)

    clips = torch.randn(2, 3, 3, 32, 32)
    results, calls = [], []
    for with_cp in (False, True):
        encoder = built(dict(type='MobileNetV2', widen_factor=0.25), with_cp=with_cp)
        block = encoder.backbone.layer3[1].conv
        block.register_forward_hook(lambda *_, with_cp=with_cp: calls.append(with_cp))
        found = encoder(clips)
        found.square().sum().backward()
        results.append((found, encoder.backbone.conv1.conv.weight.grad))
    torch.testing.assert_close(*results)
    assert calls == [False, True, True]  # computed a second time in backward

    # weights of a file, as mmengine asks for them
    torch.save(built(RESNET).backbone.state_dict(), tmp_path / 'x.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'x.pth'))
    model = dict(type='mmfake.PerFrame', backbone=dict(RESNET, init_cfg=init_cfg))
    torch.manual_seed(1)
    encoder = MODELS.build(model)
    encoder.init_weights()
    torch.testing.assert_close(encoder.eval()(clips), built(RESNET)(clips))


def test_views_at_once_change_the_memory_alone(make_samples):
    head = dict(type='mmfake.MLPHead', num_classes=2, in_channels=512, label_key='label_bin')
    cfg = Config(
        dict(
            type='mmfake.DualStreamRecognizer',
            backbone=dict(type='mmfake.PerFrame', backbone=RESNET),
            binary=dict(cls_head=head),
            data_preprocessor=dict(type='ActionDataPreprocessor', format_shape='NCTHW'),
        )
    )
    torch.manual_seed(0)
    model = randomise_norms(MODELS.build(copy.deepcopy(cfg))).eval()
    inputs = torch.randn(2, 7, 3, 1, 32, 32)
    seen = []
    model.backbone.backbone.register_forward_hook(lambda module, given, _: seen.append(len(*given)))

    def scores(views):
        seen.clear()
        model.test_cfg = dict(max_testing_views=views)
        with torch.no_grad():
            samples = model(inputs, make_samples([0, 1]), mode='predict')
        return torch.stack([sample.pred_score for sample in samples])

    expected = scores(None)
    assert seen == [14]
    for views, batches in ((1, [1] * 14), (4, [4, 4, 4, 2]), (99, [14])):
        torch.testing.assert_close(scores(views), expected)
        assert seen == batches
    # the score of a video knows no order of its frames
    with torch.no_grad():
        samples = model(inputs.flip(1), make_samples([0, 1]), mode='predict')
    torch.testing.assert_close(torch.stack([s.pred_score for s in samples]), expected)
