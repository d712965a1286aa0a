"""Folded batch norms, other precisions, and the check that chooses one."""

import copy

import pytest
import torch
from torch import nn

from mmfake import S3D, EfficientNet, MMFakeError, PerFrame
from mmfake.inference import precision
from mmfake.inference.clip_pipeline import Clip
from mmfake.inference.deepfake_inferencer import DeepfakeInferencer
from mmfake.inference.evidence import Saliency
from mmfake.inference.precision import check_clips, fold_batch_norms
from mmfake.inference.report import told_of_precision
from mmfake.inference.trained_model import TrainedModel


def norms_of(module):
    return [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


def drawn(encoder):
    """In eval mode, with batch norms that do something."""
    torch.manual_seed(0)
    for module in encoder.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d)):
            nn.init.kaiming_normal_(module.weight)
    for norm in norms_of(encoder):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 2)
        if norm.affine:
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, 0, 0.1)
    return encoder.eval()


class Odd(nn.Module):
    """Four batch norms that follow a convolution and must stay, and one that must go."""

    def __init__(self):
        super().__init__()
        convs = {name: nn.Conv2d(4, 4, 3, padding=1) for name in ('seen', 'twice', 'first', 'last')}
        self.convs = nn.ModuleDict(convs)
        self.norms = nn.ModuleDict({name: nn.BatchNorm2d(4) for name in (*convs, 'shared')})
        self.norms['last'] = nn.BatchNorm2d(4, affine=False)
        self.stem = nn.Conv2d(3, 4, 1, bias=False)

    def forward(self, x):
        x = self.stem(x)
        seen = self.convs['seen'](x)
        x = self.norms['seen'](seen) + seen.relu()  # which is read a second time
        x = self.norms['twice'](self.convs['twice'](x))
        x = self.norms['twice'](self.convs['twice'](x))  # the same two once more
        x = self.convs['first'](self.norms['first'](x).relu())  # in front of it
        x = self.norms['shared'](self.norms['shared'](x))
        return self.norms['last'](self.convs['last'](x))


@pytest.mark.parametrize(
    ('build', 'shape', 'left'),
    [
        (S3D, (3, 8, 32, 32), 0),
        (lambda: PerFrame(dict(type='mmfake.EfficientNet', arch='b0')), (3, 2, 32, 32), 0),
        (lambda: EfficientNet('b0'), (3, 33, 32), 0),
        (lambda: PerFrame(dict(type='ResNet', depth=18, norm_eval=False)), (3, 1, 32, 32), 0),
        (Odd, (3, 8, 8), 4),
    ],
    ids=['s3d', 'per-frame', 'efficientnet', 'resnet', 'odd'],
)
def test_folded_it_gives_the_same(build, shape, left):
    plain = drawn(build())
    folded = copy.deepcopy(plain)
    assert fold_batch_norms(folded, shape) == len(norms_of(plain)) - left
    assert len(norms_of(folded)) == left
    x = torch.randn(2, *shape)
    with torch.no_grad():
        expected, found = plain(x), folded(x)
    assert expected.std() > 1e-3
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_what_is_in_training_mode_stays():
    layers = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
    assert fold_batch_norms(nn.Sequential(*layers).train(), (3, 4, 4)) == 0
    assert fold_batch_norms(nn.Sequential(*layers).eval(), (3, 4, 4)) == 1


@pytest.fixture
def trained(config, checkpoint):
    def load(precision='fp32'):
        return TrainedModel(config(), str(checkpoint()), 'cpu', precision)

    return load


def test_scores_in_bfloat16(trained):
    plain, half = trained(), trained('bf16')
    assert not norms_of(plain.model.backbone)
    assert {p.dtype for p in half.model.backbone.parameters()} == {torch.bfloat16}
    assert {p.dtype for p in half.model.cls_head.parameters()} == {torch.float32}
    assert (plain.facts['precision'], half.facts['precision']) == ('fp32', 'bf16')
    clips = check_clips((8, 32, 32), 3)
    expected, found = plain.score(clips).logits, half.score(clips).logits
    assert found.dtype == torch.float32
    assert 0 < (expected - found).abs().max() < 0.05 * expected.abs().max()


def test_saliency_in_bfloat16_is_that_in_float32(trained):
    inputs = check_clips((8, 32, 32), 1)[0]
    clip = Clip(0, 0, 0, 7, 0.0, 0.32, inputs, list(inputs.permute(1, 2, 3, 0).numpy()))
    maps = [Saliency(trained(name)).find(clip.inputs, 1).flatten() for name in ('fp32', 'bf16')]
    assert torch.corrcoef(torch.stack(maps))[0, 1] > 0.95
    assert Saliency(trained('bf16')).paint(clip, 1) is not None


@pytest.mark.parametrize(
    ('half_seconds', 'close', 'chosen'),
    [(1.0, 1.0, 'bf16'), (3.0, 1.0, 'fp32'), (1.0, 0.0, 'fp32')],
    ids=['faster', 'slower', 'too far off'],
)
def test_auto_takes_the_fastest_that_is_close(trained, monkeypatch, half_seconds, close, chosen):
    monkeypatch.setattr(precision, '_lacking', lambda name, device: 'it' * (name == 'fp16'))
    monkeypatch.setattr(precision, 'CLOSE', close)
    now, score = [0.0], TrainedModel.score

    def scored(self, clips):
        dtype = next(self.model.backbone.parameters()).dtype
        now[0] += half_seconds if dtype == torch.bfloat16 else 2.0
        return score(self, clips)

    monkeypatch.setattr(TrainedModel, 'score', scored)
    monkeypatch.setattr(precision.time, 'perf_counter', lambda: now[0])
    model = trained('auto')
    assert model.facts['precision'] == model.precision.name == chosen
    told = f'on 4 clips, {half_seconds / 2:.2f} of its time'
    assert model.precision.reason.startswith('bf16: largest difference to fp32 0.0')
    assert model.precision.reason.endswith(told)
    assert (len(norms_of(model.model)), len(model.model.backbone._forward_hooks)) == (
        0,
        chosen == 'bf16',
    )


def test_auto_passes_over_what_the_encoder_cannot(trained, monkeypatch):
    monkeypatch.setattr(precision, '_lacking', lambda name, device: '')
    cast = precision.in_precision

    def fail(encoder, dtype):
        if dtype == torch.float16:
            raise RuntimeError('"op" not implemented for \'Half\'\nand more')
        return cast(encoder, dtype)

    monkeypatch.setattr(precision, 'in_precision', fail)
    reason = trained('auto').precision.reason
    assert reason.startswith('fp16 cannot be computed here ("op" not implemented for \'Half\'); bf')


def test_results_say_it(config, checkpoint, tmp_path, noise_film, monkeypatch):
    fixed = precision.Precision('bf16', 'bf16: as in the test')
    monkeypatch.setattr(precision, '_fastest', lambda trained: fixed)
    detect = DeepfakeInferencer(config(), checkpoint(), 'cpu', precision='auto')
    results = detect(noise_film(0), face=False, out_dir=str(tmp_path))
    assert results['model']['precision'] == 'bf16'
    assert results['model']['precision_reason'] == 'bf16: as in the test'
    page = (tmp_path / 'report.html').read_text()
    assert 'Computed in bf16 (bf16: as in the test).' in page


def test_verdicts_that_a_precision_may_decide_are_counted():
    videos = [dict(probability=score) for score in (0.2, 0.305, 0.31, 0.2951, None)]
    found = dict(model=dict(precision='bf16'), threshold=0.3, predictions=videos)
    near = 'Computed in bf16. Of 2 of the 4 videos the score is within 0.01 of the threshold, as f'
    assert told_of_precision(found).startswith(near)
    assert told_of_precision(dict(found, threshold=0.5)) == 'Computed in bf16.'
    assert told_of_precision(dict(found, model=dict(precision='fp32'))) == 'Computed in fp32.'


def test_what_cannot_be_is_refused_in_one_line(trained, monkeypatch):
    with pytest.raises(MMFakeError, match="precision 'half' is unknown; choose auto, fp32, bf16,"):
        trained('half')
    monkeypatch.setattr(torch.ops.mkldnn, '_is_mkldnn_fp16_supported', lambda: False, raising=False)
    with pytest.raises(MMFakeError, match='precision fp16: this processor does not compute in fl'):
        trained('fp16')

    def fail(*args):
        raise RuntimeError('not implemented\nat all')

    monkeypatch.setattr(TrainedModel, 'score', fail)
    with pytest.raises(MMFakeError, match=r'bf16: this encoder cannot .* \(not implemented\); use'):
        trained('bf16')


def test_check_clips_are_natural_and_always_the_same():
    clips = check_clips((8, 64, 48), 2)
    assert (clips.shape, clips.dtype) == ((2, 3, 8, 64, 48), torch.uint8)
    assert torch.equal(clips, check_clips((8, 64, 48), 2))
    assert check_clips((32, 32), 2).shape == (2, 3, 32, 32)
    values = clips.float()
    neighbours = (values[..., 1:] - values[..., :-1]).abs().mean()
    frames = (values[:, :, 1:] - values[:, :, :-1]).abs().mean()
    assert neighbours < 0.3 * values.std()
    assert 0 < frames < 0.3 * values.std()
