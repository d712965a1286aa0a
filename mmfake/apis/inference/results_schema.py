"""What results.json holds, as a JSON schema."""

from __future__ import annotations

from typing import Any, Dict, Optional

SCHEMA_VERSION = '1.0'
"""str: Version of the schema; its first number changes when a reader has to."""

VIDEO_STATUSES = (
    *('scored', 'no-face', 'face-too-small', 'too-short'),
    *('decode-failed', 'not-a-number'),
)
"""tuple[str]: What can become of a video."""

_VERDICTS = ('original', 'manipulated', 'abstain')


def _object(
    required: Dict[str, Any], optional: Optional[Dict[str, Any]] = None, **more: Any
) -> Dict[str, Any]:
    """An object without any other key."""
    return dict(
        type='object',
        properties={**required, **(optional or {})},
        required=list(required),
        additionalProperties=False,
        **more,
    )


def _text(description: str, **more: Any) -> Dict[str, Any]:
    return dict(type='string', description=description, **more)


def _number(description: str, **more: Any) -> Dict[str, Any]:
    return dict({'type': 'number', 'minimum': 0, 'description': description}, **more)


def _or_null(kind: Dict[str, Any]) -> Dict[str, Any]:
    return dict(anyOf=[kind, dict(type='null')])


def _list(items: Dict[str, Any], description: str) -> Dict[str, Any]:
    return dict(type='array', items=items, description=description)


_PROBABILITY = _number('probability of being manipulated', maximum=1)
_COUNT = dict(type='integer', minimum=0)
_SECONDS = dict(type='object', additionalProperties=_number('s'))
_FAMILY = _or_null(
    _object(
        dict(
            likely=_or_null(_text('key of the likeliest manipulation; null if called original')),
            probabilities=dict(type='object', additionalProperties=_number('share', maximum=1)),
            training_auxiliary=dict(const=True, description='made to train, never chosen to test'),
        ),
        description='the multi-class stream, which knows the methods it was trained on alone',
    )
)
_CLIP = _object(
    dict(
        start=_number('first frame is shown, s'),
        end=_number('last frame ends, s'),
        start_frame=_COUNT,
        end_frame=_COUNT,
        segment=dict(_COUNT, description='piece of the video that is judged like a test video'),
        score=_PROBABILITY,
    )
)
_PERSON = _object(
    dict(
        person=_COUNT,
        verdict=dict(enum=list(_VERDICTS[:2])),
        probability=_PROBABILITY,
        face_px=_or_null(dict(_COUNT, description='mean side of the crop; null without a search')),
        family=_FAMILY,
        clips=_list(_CLIP, 'in the order of time'),
    )
)
_METADATA = _object(
    {},
    dict(
        fps=_number('frames per s'),
        width=_COUNT,
        height=_COUNT,
        codec=_text('decoder'),
        frames=dict(_COUNT, description='that were read'),
        duration=_number('of them, s'),
        read_to_end=dict(type='boolean', description='whole and undamaged'),
    ),
)
_SKIPPED = _object(
    dict(
        start=_number('s'),
        end=_number('s'),
        status=dict(enum=list(VIDEO_STATUSES[1:4])),
        reason=_text('why nobody is judged here'),
    )
)
_PREDICTION = _object(
    dict(
        video=_text('path, or "array N"'),
        verdict=dict(enum=list(_VERDICTS)),
        probability=_or_null(_PROBABILITY),
        status=dict(enum=list(VIDEO_STATUSES)),
        reason=_text('why there is no score; empty if there is'),
        warnings=_list(_text('in one line'), 'what to know about the score'),
        family=_FAMILY,
        people=_list(
            _PERSON,
            'probability of the video: that of the person with the highest, held against a '
            'threshold that was chosen for one face',
        ),
        skipped=_list(_SKIPPED, 'parts without a usable face'),
        metadata=_METADATA,
        seconds=_SECONDS,
    ),
    {'annotated': _text('the copy with boxes and scores, beside results.json')},
)
_MODEL = dict(type='object', required=['mmfake', 'config', 'checkpoint', 'checkpoint_sha256'])

RESULTS_SCHEMA: Dict[str, Any] = {
    '$schema': 'https://json-schema.org/draft/2020-12/schema',
    'title': 'results.json of mmfake, tools/detect.py',
    **_object(
        dict(
            schema_version=dict(const=SCHEMA_VERSION),
            model=_MODEL,
            threshold=_PROBABILITY,
            threshold_source=dict(enum=['validation', 'user', 'default']),
            settings=dict(type='object', description='how faces were found and clips chosen'),
            meaning=_text('what a probability means and what it does not'),
            n_videos=_COUNT,
            n_scored=_COUNT,
            predictions=_list(_PREDICTION, 'one for each video, in the order given'),
        )
    ),
}
"""dict: The schema."""
