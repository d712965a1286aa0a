"""Calibrated probabilities of videos, and verdicts that are not given for want of confidence."""

import math

import pytest
import torch

from mmfake.engine.hooks.validation_threshold_hook import Calibration
from mmfake.errors import MMFakeError
from mmfake.inference.decision import Decision, choose_threshold, least_confidence
from mmfake.inference.deepfake_inferencer import DeepfakeInferencer
from mmfake.inference.results import RESULTS_SCHEMA

KNOWN = Calibration(2.0, {50: 0.9, 90: 0.7})
VALIDATION = dict(auc=0.9, low=0.8, high=0.95, n_original=30, n_manipulated=90, threshold=0.755)


def calibrated(score):
    return 1 / (1 + math.sqrt((1 - score) / score))  # odds to the power of 1 / temperature


@pytest.fixture(scope='module')
def detect(config, checkpoint, tmp_path_factory):
    """A detector whose checkpoint is calibrated, but perhaps at chance."""

    def make(low=0.8):
        stored = torch.load(checkpoint(), weights_only=True)
        validation = dict(VALIDATION, low=low)
        stored['meta'].update(validation=validation, calibration=KNOWN._asdict())
        # with forgeries of training, which validation does not have
        trained_on = stored['meta']['dataset_meta']
        trained_on['multi_classes'] = [*trained_on['multi_classes'], 'sbi']
        path = tmp_path_factory.mktemp('calibrated') / 'best.pth'
        torch.save(stored, path)
        return DeepfakeInferencer(config(), str(path))

    return make


def test_results_and_page_show_score_and_calibrated_probability(detect, noise_film, tmp_path):
    jsonschema = pytest.importorskip('jsonschema')
    inferencer, films = detect(), [noise_film(n) for n in range(3)]
    results = inferencer(films, face=False, out_dir=str(tmp_path))
    jsonschema.validate(results, RESULTS_SCHEMA)
    for video in results['predictions']:
        assert video['calibrated'] == pytest.approx(calibrated(video['probability']))
    page = (tmp_path / 'report.html').read_text()
    assert 'probability of' not in page
    first = results['predictions'][0]
    assert (
        f'score {first["probability"]:.3f}, calibrated probability {first["calibrated"]:.3f}'
        in page
    )
    assert 'Calibrated on 120 validation videos (Deepfakes, FaceSwap, NeuralTextures)' in page
    assert results['model']['calibration'] == dict(temperature=2.0)

    # asked for more confidence than the least confident verdict has
    def confidence(video):
        p = video['calibrated']
        return p if video['verdict'] == 'manipulated' else 1 - p

    doubtful = min(results['predictions'], key=confidence)
    least = max(confidence(doubtful) + 1e-6, 0.5)
    again = inferencer(films, face=False, abstain_below=least, out_dir=str(tmp_path / 'again'))
    jsonschema.validate(again, RESULTS_SCHEMA)
    for before, after in zip(results['predictions'], again['predictions']):
        assert (before['probability'], after['status']) == (after['probability'], 'scored')
        kept = confidence(before) >= least
        assert after['verdict'] == (before['verdict'] if kept else 'abstain')
        assert any('not confident enough' in line for line in after['warnings']) == (not kept)
    assert again['predictions'][results['predictions'].index(doubtful)]['verdict'] == 'abstain'
    assert again['abstain_below'] == least
    page = (tmp_path / 'again' / 'report.html').read_text()
    assert f'A verdict needs a calibrated probability of {least:.3f}' in page


def test_at_chance_nothing_is_calibrated(detect, noise_film):
    inferencer = detect(low=0.4)
    results = inferencer(noise_film(0), face=False)
    assert results['predictions'][0]['calibrated'] is None
    assert 'calibration' not in results['model']
    with pytest.raises(MMFakeError, match='is not calibrated'):
        inferencer(noise_film(0), face=False, abstain_below=0.9)


def test_the_verdict_has_to_be_confident_not_the_side():
    decision = Decision(0.3, 'user', KNOWN, 0.6)
    assert decision.verdict(0.4) == 'manipulated'
    told = f'manipulated with a calibrated probability of {calibrated(0.4):.3f}, and 0.600'
    assert told in decision.doubt(0.4)
    assert decision.doubt(0.9) == decision.doubt(0.01) == ''
    assert Decision(0.3, 'user', KNOWN).doubt(0.4) == ''
    assert decision.calibrated(None) is None


def test_coverage_is_taken_from_validation():
    assert least_confidence('90%', KNOWN) == 0.7
    assert least_confidence('70 %', KNOWN) == pytest.approx(0.8)
    assert least_confidence(0.9, KNOWN) == 0.9
    assert least_confidence(None, None) is None
    assert least_confidence('90%', KNOWN, choose_threshold('val', 0.2)) == 0.7
    assert least_confidence(0.9, KNOWN, choose_threshold(0.5, 0.2)) == 0.9
    with pytest.raises(MMFakeError, match=r'^abstain_below 90%: .* and this one is 0\.5: leave'):
        least_confidence('90%', KNOWN, choose_threshold(0.5, 0.2))


@pytest.mark.parametrize(
    ('asked', 'known', 'told'),
    [
        ('0.4', KNOWN, 'from 0.5 to 1'),
        ('no', KNOWN, 'from 0.5 to 1'),
        ('nan', KNOWN, 'from 0.5 to 1'),
        (True, KNOWN, 'from 0.5 to 1'),
        ('120%', KNOWN, 'from 0.5 to 1'),
        ('95%', KNOWN, 'knows it from 50 to 90 %'),
        ('0.9', None, 'is not calibrated'),
    ],
)
def test_what_cannot_be_asked_for(asked, known, told):
    with pytest.raises(MMFakeError, match=told):
        least_confidence(asked, known)
