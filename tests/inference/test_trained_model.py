"""Weights that others made, and the threshold and verdict on their scores."""

import math
import os

import numpy as np
import pytest
import torch
from mmaction.models.recognizers import BaseRecognizer
from mmaction.registry import MODELS
from mmengine.config import Config
from torch import nn

from mmfake.engine.hooks.preprocessing_hook import preprocessing_of
from mmfake.engine.hooks.validation_threshold_hook import Validation
from mmfake.errors import MMFakeError
from mmfake.faces.detectors import FaceSettings
from mmfake.inference.clip_pipeline import ClipPipeline
from mmfake.inference.decision import Decision, choose_threshold
from mmfake.inference.deepfake_inferencer import DeepfakeInferencer, meaning_of
from mmfake.inference.trained_model import TrainedModel


def test_nothing_in_a_checkpoint_is_run(config, checkpoint, tmp_path):
    class Attack:
        def __reduce__(self):
            return os.system, (f'touch {tmp_path}/ran',)

    content = torch.load(checkpoint(), weights_only=True)
    torch.save(dict(content, meta=dict(cfg=Attack())), tmp_path / 'attack.pth')
    with pytest.raises(MMFakeError, match='attack.pth: refused'):
        DeepfakeInferencer(config(), tmp_path / 'attack.pth')
    code = f'import os\nos.system("touch {tmp_path}/ran")\n'
    torch.save(dict(content, meta=dict(cfg=code, config=code)), tmp_path / 'config.pth')
    DeepfakeInferencer(config(), tmp_path / 'config.pth')
    assert not (tmp_path / 'ran').exists()


def test_facts(config, checkpoint):
    model = TrainedModel(config(), str(checkpoint()), 'cpu')
    assert model.facts['trained_on'] == ['df', 'fs', 'nt']
    assert model.facts['held_out'] == 'f2f'
    assert model.classes == ('original', 'df', 'fs', 'nt')
    assert not model.model.training


def test_it_judges_in_eval_mode_whatever_was_done_with_it(config, checkpoint):
    """Dropout and batch norms of a training would change the scores, and the model with them."""
    model = TrainedModel(config(), str(checkpoint()), 'cpu')
    clips = torch.rand(2, 3, 8, 32, 32) * 255
    expected, before = (
        model.score(clips),
        {k: v.clone() for k, v in model.model.state_dict().items()},
    )
    model.model.train()
    torch.testing.assert_close(model.score(clips).logits, expected.logits, rtol=0, atol=0)
    torch.testing.assert_close(dict(model.model.state_dict()), before, rtol=0, atol=0)


def test_weights_without_the_multi_stream_name_no_family(config, checkpoint, tmp_path):
    content = torch.load(checkpoint(), weights_only=True)
    weights = {k: v for k, v in content['state_dict'].items() if not k.startswith('multi.')}
    torch.save(dict(content, state_dict=weights), tmp_path / 'binary.pth')
    assert TrainedModel(config(), str(tmp_path / 'binary.pth')).classes == ()


@pytest.mark.parametrize('average', ['prob', 'score', None])
def test_clips_are_averaged_as_the_head_does(config, checkpoint, average):
    cfg = config()
    cfg.model.binary.cls_head.average_clips = average
    model = TrainedModel(cfg, str(checkpoint()))
    logits = torch.tensor([[0.0, 3.0], [2.0, 0.0], [0.0, 0.5]])
    chances = [1 / (1 + 2.718281828459045 ** (a - b)) for a, b in logits.tolist()]
    expected = sum(chances) / 3
    if average == 'score':
        expected = 1 / (1 + 2.718281828459045 ** (2 / 3 - 3.5 / 3))
    assert model.average(logits) == pytest.approx(expected, abs=1e-6)


class ByBrightness(BaseRecognizer):
    """A detector of another class, with what inference asks of one: the brighter, the faker."""

    def __init__(self, steep=0.1):
        super().__init__(dict(type='mmfake.S3D', init_cfg=None))
        self.backbone = nn.Identity()
        self.cls_head = MODELS.build(dict(type='mmfake.MLPHead', num_classes=2, in_channels=2))
        self.steep = nn.Parameter(torch.tensor(steep))

    @property
    def classifiers(self):
        return dict(only=self.cls_head)

    def extract_feat(self, inputs, **kwargs):
        return inputs.flatten(0, 1), {}

    def classify(self, inputs):
        light = self.steep * (inputs.flatten(2).mean(dim=2).flatten() - 100)
        return dict(only=torch.stack([torch.zeros_like(light), light], dim=1))

    def saliency_layer(self):
        return None


def test_a_model_of_another_class(config, tmp_path):
    cfg = config()
    cfg.model = dict(type=ByBrightness)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'x.pth')
    detect = DeepfakeInferencer(cfg, str(tmp_path / 'x.pth'), 'cpu')
    for light in (90, 120):
        film = np.full((12, 40, 40, 3), light - 20, np.uint8)
        film[:, :, 20:] += 40  # one colour alone is not judged
        (video,) = detect(film, face=False)['predictions']
        assert video['family'] is None
        expected = 1 / (1 + math.exp(-0.1 * (light - 100)))
        assert video['probability'] == pytest.approx(expected, abs=1e-5)


def test_what_will_not_do_is_told(config, checkpoint, tmp_path):
    with pytest.raises(MMFakeError, match='no such checkpoint'):
        TrainedModel(config(), str(tmp_path / 'gone.pth'))
    with pytest.raises(MMFakeError, match='device'):
        TrainedModel(config(), str(checkpoint()), 'abacus')
    with pytest.raises(MMFakeError, match='the config has no model'):
        TrainedModel(Config(dict()), str(checkpoint()))
    other = config()
    other.model = dict(type='Recognizer3D', backbone=dict(type='mmfake.S3D'))
    with pytest.raises(MMFakeError, match='DualStreamRecognizer'):
        TrainedModel(other, str(checkpoint()))
    other = config()
    other.model.backbone.typo = 3
    with pytest.raises(MMFakeError, match='typo'):
        TrainedModel(other, str(checkpoint()))
    with pytest.raises(MMFakeError, match='scale'):
        DeepfakeInferencer(config(), str(checkpoint()), scale='mini')


def test_clips_of_another_shape_are_refused(config, checkpoint, tmp_path):
    """A forgotten ``--scale``: the scores would have little to do with the threshold."""
    content = torch.load(checkpoint(), weights_only=True)
    own = TrainedModel(config(), str(checkpoint())).facts['clip_shape']
    assert own == [8, 32, 32]
    torch.save(dict(content, meta=dict(content['meta'], clip_shape=own)), tmp_path / 'own.pth')
    TrainedModel(config(), str(tmp_path / 'own.pth'))
    torch.save(
        dict(content, meta=dict(content['meta'], clip_shape=[8, 64, 64])), tmp_path / 'b.pth'
    )
    with pytest.raises(MMFakeError, match='clips of 8 x 64 x 64.*makes them 8 x 32 x 32.*--scale'):
        TrainedModel(config(), str(tmp_path / 'b.pth'))


def with_meta(checkpoint, path, **meta):
    content = torch.load(checkpoint(), weights_only=True)
    torch.save(dict(content, meta=dict(content['meta'], **meta)), path)
    return str(path)


def test_another_preprocessing_is_refused(config, checkpoint, tmp_path):
    own = preprocessing_of(MODELS.build(config().model), ClipPipeline(config()).sampler)
    (eps, *_) = (name for name in own if name.endswith('.eps'))
    for name, value, told in (
        ('data_preprocessor.mean', [1.0, 2.5, 3.0], r'\[1, 2.5, 3\], this config has \[123.675, '),
        (eps, 0.25, '0.25, this config has 1e-05: take the config'),
        ('target_fps', 5, '5, this config has None'),
    ):
        path = with_meta(checkpoint, tmp_path / 'x.pth', preprocessing=dict(own, **{name: value}))
        with pytest.raises(MMFakeError, match=f'trained with {name} {told}'):
            TrainedModel(config(), path)
    TrainedModel(config(), with_meta(checkpoint, tmp_path / 'x.pth', preprocessing=own))
    # an older one says target_fps in its config alone, as mmengine writes it
    older, cfg = {key: own[key] for key in own if key != 'target_fps'}, config()
    for fps in (None, 5):
        cfg.val_dataloader.dataset.pipeline[1].target_fps = fps
        meta = dict(preprocessing=older, cfg=cfg.pretty_text)
        path = with_meta(checkpoint, tmp_path / 'x.pth', **meta)
        if fps is None:
            TrainedModel(config(), path)
            continue
        with pytest.raises(MMFakeError, match='target_fps 5, this config has None'):
            TrainedModel(config(), path)


GOOD = dict(auc=0.95, low=0.9, high=0.99, n_original=32, n_manipulated=32, threshold=0.4)


@pytest.mark.parametrize(
    ('entry', 'threshold', 'warned'),
    [
        (GOOD, 0.755, 0),
        (dict(GOOD, low=None, high=None), 0.755, 0),
        (dict(GOOD, confidence=0.8), 0.755, 0),
        (dict(GOOD, auc=0.6, low=0.45), None, 1),
        (dict(GOOD, auc=0.5, low=0.5, high=0.5, threshold=None), None, 1),
        (dict(GOOD, auc=0.5, low=None, high=None), None, 1),
        (dict(GOOD, auc=0.2, low=0.1, high=0.3), None, 1),  # labels turned round
    ],
)
def test_a_detector_at_chance_hands_no_threshold_on(
    config, checkpoint, tmp_path, entry, threshold, warned
):
    model = TrainedModel(config(), with_meta(checkpoint, tmp_path / 'x.pth', validation=entry))
    assert model.val_threshold == threshold
    assert len(model.warnings) == warned
    assert model.facts['validation'] == dict(dict(confidence=0.95), **entry)
    assert all('on 64 validation videos is no better' in warning for warning in model.warnings)


@pytest.mark.parametrize(
    'entry',
    [None, 3, 'auc', [], {}, dict(GOOD, auc=None), dict(GOOD, low=float('nan'))]
    + [dict(GOOD, auc='x'), dict(GOOD, n_original=None), dict(GOOD, high=None)]
    + [torch.zeros(3), dict(GOOD, auc=torch.zeros(3))]
    + [dict(GOOD, confidence=level) for level in (None, 0, 1, 80, float('nan'))],
)
def test_an_entry_that_cannot_be_read_is_unknown(entry):
    assert Validation.from_dict(entry) is None


def test_a_detector_of_rendered_faces_says_so(config, checkpoint, tmp_path):
    meta = dict(multi_classes=('original', 'df', 'fs', 'nt'), holdout='f2f')
    for dataset, count in (('ffpp', 0), ('mini_ffpp', 1)):
        meta['expected_videos'] = {f'{dataset}/df/c23/000_001': dict(method='df', label=1)}
        path = with_meta(checkpoint, tmp_path / 'x.pth', dataset_meta=meta)
        model = TrainedModel(config(), path)
        assert model.facts['datasets'] == [dataset]
        assert len(model.warnings) == count
        assert ('rendered' in meaning_of(model.facts, 'largest')) == bool(count)
    assert 'trained on rendered faces (mini_ffpp)' in model.warnings[0]


@pytest.mark.parametrize(
    ('asked', 'from_validation', 'expected'),
    [
        (None, 0.3, Decision(0.3, 'validation')),
        (None, 0.0, Decision(0.0, 'validation')),
        (None, None, Decision(0.5, 'default')),
        ('val', 0.3, Decision(0.3, 'validation')),
        ('0.7', 0.3, Decision(0.7, 'user')),
        (1, None, Decision(1.0, 'user')),
    ],
)
def test_choice_of_a_threshold(asked, from_validation, expected):
    assert choose_threshold(asked, from_validation) == expected


def test_validation_is_asked_of_a_checkpoint_without_it():
    with pytest.raises(MMFakeError, match='the checkpoint holds none'):
        choose_threshold('val', None)


@pytest.mark.parametrize('asked', ['much', '-0.1', 'nan', 2])
def test_no_probability(asked):
    with pytest.raises(MMFakeError, match='is neither val nor a number'):
        choose_threshold(asked, 0.5)


def test_verdict():
    decision = Decision(0.5, 'user')
    verdicts = [decision.verdict(p) for p in (None, 0.0, 0.4999, 0.5, 1.0)]
    assert verdicts == ['abstain', 'original', 'original', 'manipulated', 'manipulated']


@pytest.mark.parametrize('crops', [3, [1], [dict(margin='x')], [('centerface', 1.3, 'a')]])
def test_a_crop_that_cannot_be_read_is_unknown(crops, config, checkpoint, tmp_path):
    path = with_meta(checkpoint, tmp_path / 'x.pth', dataset_meta=dict(crops=crops))
    assert DeepfakeInferencer(config(), path, 'cpu').faces == FaceSettings()


def test_the_crop_of_its_training_is_that_of_the_detection(config, checkpoint, tmp_path):
    crops = [('centerface', 1.67, 400)]
    path = with_meta(checkpoint, tmp_path / 'x.pth', dataset_meta=dict(crops=crops))
    faces = DeepfakeInferencer(config(), path, 'cpu').faces
    assert (faces.margin, faces.size) == (1.67, 400)
    faces = DeepfakeInferencer(config(), path, 'cpu', faces=FaceSettings(margin=1.2)).faces
    assert (faces.margin, faces.size) == (1.2, 400)
