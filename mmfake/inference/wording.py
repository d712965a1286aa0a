"""Wording of results: what they mean, where the threshold is from, how good the detector was."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

from ..datasets.protocol import RENDERED, method_name
from ..engine.hooks.validation_threshold_hook import Validation

_EQUAL = 1e-6  # scores that differ by less are one, but for rounding


def meaning_of(model: Dict[str, Any], person: str) -> str:
    """Say what the number means and what not, for ``facts`` of a model and who is judged."""
    methods = ', '.join(method_name(key) for key in model['trained_on'])
    known = f' ({methods})' if methods else ''
    kind = 'rendered imitations of ' if RENDERED in model.get('datasets', ()) else ''
    text = (
        f'The number is how strongly the face resembles the {kind}manipulated faces this detector '
        f'was trained on{known} rather than their originals, averaged over clips of the video. '
        'It is no proof and not the chance that the video is fake: other methods, strong '
        'compression or unusual footage can be missed or wrongly flagged, and only the face is '
        'judged, not the sound or the rest of the picture.'
    )
    if person == 'all':
        text += (
            ' Of several people the highest number counts, against a threshold that is made for '
            'one face: the more faces a video shows, the more often an original is wrongly flagged.'
        )
    return text


def told_of_validation(results: Dict[str, Any]) -> str:
    """Say in a sentence how good the detector of the results was on its validation videos."""
    validation = Validation.from_dict(results['model'].get('validation'))
    if validation is None:
        return 'How good this detector was on validation is not known: its checkpoint does not say.'
    return validation.sentence


def told_of_threshold(results: Dict[str, Any]) -> str:
    """Say where the threshold of the results comes from."""
    source = results['threshold_source']
    if source == 'validation':
        return 'chosen on validation'
    if source == 'user':
        return 'given by the user'
    validation = Validation.from_dict(results['model'].get('validation'))
    if validation is not None and validation.is_chance:
        return 'the default, as validation was no better than chance'
    return 'the default, as the checkpoint has none from validation'


def warnings_of(model_warnings: Sequence[str], predictions: Sequence[Dict[str, Any]]) -> List[str]:
    """What makes every score doubtful: facts of the model, and scores that are all equal."""
    scores = [video['probability'] for video in predictions if video['probability'] is not None]
    told = list(model_warnings)
    if len(scores) > 1 and max(scores) - min(scores) < _EQUAL:
        told.append(
            f'All {len(scores)} scores are equal ({scores[0]:.4f}): unless it is the same video, '
            'this detector does not tell videos apart.'
        )
    return told
