"""What a probability means, in words."""

from __future__ import annotations

from typing import Any, Dict

from ...datasets.manipulations import get_manipulation
from ...errors import MMFakeError


def meaning_of(model: Dict[str, Any]) -> str:
    """Say what the number means and what it does not.

    Args:
        model (dict): ``facts`` of a :class:`TrainedModel`.

    Returns:
        str: Two sentences.
    """
    methods = [_name(key) for key in model['trained_on']]
    known = f' ({", ".join(methods)})' if methods else ''
    return (
        'The number is how strongly the face resembles the manipulated faces this detector was '
        f'trained on{known} rather than their originals, averaged over clips of the video. '
        'It is no proof and not the chance that the video is fake: other methods, strong '
        'compression or unusual footage can be missed or wrongly flagged, and only the face is '
        'judged, not the sound or the rest of the picture.'
    )


def _name(key: str) -> str:
    try:
        return get_manipulation(key).name
    except MMFakeError:  # registered where it was trained
        return key
