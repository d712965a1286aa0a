"""A detector with language prompts: its probabilities in results, report and console."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from mmfake import DeepfakeInferencer
from mmfake.apis.detect import _print_verdict
from mmfake.engine.config import load_config
from mmfake.inference.report import render_report, told_of_prompts
from mmfake.inference.results import RESULTS_SCHEMA

pytest.importorskip('transformers', reason='the extra clip is not installed')

CONFIG = Path(__file__).parents[2] / 'configs' / 'joint_embedding' / 'joint_embedding.py'
LABELS = ['fake', 'expression', 'identity', 'physical consistency', 'eye', 'illumination', 'mouth']
LABELS += ['nose']


def judged(auc, low, threshold):
    more = dict(n_original=48, n_manipulated=32, confidence=0.95)
    return dict(auc=auc, low=low, high=0.9, threshold=threshold, **more)


META = dict(
    val_threshold=0.0,
    validation=judged(0.9, 0.8, 0.0),
    validation_prompts={
        'eye': judged(0.8, 0.7, 0.0),
        'mouth': judged(0.75, 0.6, 1.0),
        'nose': judged(0.55, 0.4, None),
    },
)


@pytest.fixture(scope='module')
def detector(tmp_path_factory):
    cfg = load_config(str(CONFIG), 'mini', work_dir='x')
    init_default_scope('mmaction')
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'tiny.pth'
    torch.save(dict(meta=META, state_dict=MODELS.build(cfg.model).state_dict()), path)
    return DeepfakeInferencer(cfg, str(path))


@pytest.fixture(scope='module')
def results(detector, noise_film, tmp_path_factory):
    out = tmp_path_factory.mktemp('report')
    detector([noise_film(0), noise_film(1)], face=False, out_dir=str(out))
    return json.loads((out / 'results.json').read_text()), (out / 'report.html').read_text()


def test_the_prompts_are_encoded_once_and_again_after_a_training(detector):
    model, calls = detector.model.model, []
    frames = torch.zeros(2, 3, *detector.model.pipeline.clip_shape, dtype=torch.uint8)
    model.eval()
    hook = model.cls_head.text.register_forward_hook(lambda *_: calls.append(1))
    try:
        for _ in range(3):
            detector.model.score(frames)
        assert len(calls) == 1
        model.train()
        detector.model.score(frames)
        assert len(calls) == 2
    finally:
        hook.remove()


def test_every_prompt_is_in_the_results_as_the_test_averages_it(results, detector, noise_film):
    found, _ = results
    jsonschema = pytest.importorskip('jsonschema')
    jsonschema.validate(found, RESULTS_SCHEMA)
    assert found['model']['prompts'] == {
        **dict.fromkeys(LABELS),
        **META['validation_prompts'],
        'fake': META['validation'],
    }
    for number, video in enumerate(found['predictions']):
        (person,) = video['people']
        assert list(video['prompts']) == LABELS
        assert video['prompts'] == person['prompts']
        assert video['prompts']['fake'] == pytest.approx(video['probability'], abs=1e-6)
        for label in LABELS:
            of_clips = [clip['prompts'][label] for clip in person['clips']]
            assert video['prompts'][label] == pytest.approx(np.mean(of_clips), abs=1e-6)

        # the recognizer's own predict on the frames of the test pipeline
        film = noise_film(number)
        frames = [film[i] for i in detector.model.pipeline.choose(len(film), 25.0).ravel()]
        shrunk = [detector.model.pipeline.shrink(frame) for frame in frames]
        inputs = detector.model.pipeline.pack(shrunk, len(shrunk))
        model = detector.model.model
        with torch.no_grad():
            batch = model.data_preprocessor(dict(inputs=[inputs], data_samples=None), False)
            features, _ = model.extract_feat(batch['inputs'])
            expected = model.cls_head.prompt_logits(features).sigmoid().mean(dim=0)
        assert list(video['prompts'].values()) == pytest.approx(expected.tolist(), abs=1e-5)


def test_only_what_validation_knows_to_tell_is_named(results, capsys):
    found, page = results
    video = found['predictions'][0]
    assert video['verdict'] == 'manipulated'
    (told,) = told_of_prompts(video, found['model'])
    probability = video['prompts']['eye']
    worth = 'validation AUC 0.800 [0.700, 0.900], n = 32 with it and 48 without'
    assert told == f'eye ({probability:.3f}, from 0.000 on; {worth})'
    assert told_of_prompts(dict(video, verdict='original'), found['model']) == []
    assert told in page
    _print_verdict(video, found['model'])
    assert f'altered: {told}' in capsys.readouterr().out

    # a bar for each, whether or not it could be judged
    for label, value in video['prompts'].items():
        name = label if label == 'fake' else f'{label} altered'
        row = page.split(f'<td>{name}</td>')[1].split('</tr>')[0]
        assert f'width:{100 * value:.1f}%' in row
        assert ('<b style' in row) == (label in ('fake', 'eye', 'mouth'))
    nose = page.split('<td>nose altered</td>')[1].split('</tr>')[0]
    assert 'no better than chance' in nose
    illumination = page.split('<td>illumination altered</td>')[1].split('</tr>')[0]
    assert 'validation had no such videos' in illumination
    assert page.count('<details>') == 2
    assert '<img' in page
    assert '<img class="strip"' not in page, 'a frame is not blown up to the page'


def test_a_checkpoint_that_tells_nothing_names_nothing(results):
    found, _ = results
    video = found['predictions'][0]
    model = dict(found['model'], prompts=dict.fromkeys(LABELS))
    assert told_of_prompts(video, model) == []
    page = render_report(dict(found, model=model), [[], []], 'none')
    assert 'Altered, by its prompts' not in page
