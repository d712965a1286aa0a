"""What a probability means, in words."""

from __future__ import annotations

from typing import Any, Dict

from ...datasets.manipulations import get_manipulation
from ...errors import MMFakeError


def meaning_of(model: Dict[str, Any], person: str = 'largest') -> str:
    """Say what the number means and what it does not.

    Args:
        model (dict): ``facts`` of a :class:`TrainedModel`.
        person (str): Who is judged, ``'largest'`` or ``'all'``. Defaults to ``'largest'``.

    Returns:
        str: Two sentences, and for ``'all'`` one more.
    """
    methods = [_name(key) for key in model['trained_on']]
    known = f' ({", ".join(methods)})' if methods else ''
    faces = ''
    if person == 'all':
        faces = (
            ' Of several people the highest number counts, against a threshold that is made for '
            'one face: the more faces a video shows, the more often an original is wrongly flagged.'
        )
    return (
        'The number is how strongly the face resembles the manipulated faces this detector was '
        f'trained on{known} rather than their originals, averaged over clips of the video. '
        'It is no proof and not the chance that the video is fake: other methods, strong '
        'compression or unusual footage can be missed or wrongly flagged, and only the face is '
        f'judged, not the sound or the rest of the picture.{faces}'
    )


def _name(key: str) -> str:
    try:
        return get_manipulation(key).name
    except MMFakeError:  # registered where it was trained
        return key
