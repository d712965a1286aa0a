"""Result files of inference: results.json and its schema, results.csv."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Union

from ..datasets.protocol import FACE_STATUSES
from ..files import atomic_file
from .evidence import Strip
from .sources import RESULTS, TABLE

SCHEMA_VERSION = '1.2'
"""str: Version of the schema; its first number changes when a reader has to."""

VIDEO_STATUSES = ('scored', *FACE_STATUSES, 'decode-failed', 'not-a-number', 'changed')
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


# the score has been called probability since 1.0, and readers know it by that name
_SCORE = _number('score: how strongly it speaks for manipulated; no probability', maximum=1)
_COUNT = dict(type='integer', minimum=0)
_SECONDS = dict(type='object', additionalProperties=_number('s'))
_FAMILY = _or_null(
    _object(
        dict(
            likely=_or_null(
                _text(
                    'key of the likeliest manipulation; null if the video is called original, or '
                    'if that is likelier'
                )
            ),
            probabilities=dict(type='object', additionalProperties=_number('share', maximum=1)),
            training_auxiliary=dict(const=True, description='made to train, never chosen to test'),
        ),
        description='the multi-class stream, which knows the methods it was trained on alone',
    )
)
_PROMPTS = dict(
    type='object',
    additionalProperties=_number('score', maximum=1),
    description='of every label of a detector with language prompts; since 1.2',
)
_CLIP = _object(
    dict(
        start=_number('first frame is shown, s; of 25 frames per s for pictures'),
        end=_number('last frame ends, s'),
        start_frame=_COUNT,
        end_frame=_COUNT,
        segment=dict(_COUNT, description='piece of the video that is judged like a test video'),
        score=_SCORE,
    ),
    dict(prompts=_PROMPTS),
)
_PERSON = _object(
    dict(
        person=dict(_COUNT, description='number of the face that was followed'),
        verdict=dict(enum=list(_VERDICTS[:2])),
        probability=_SCORE,
        face_px=_or_null(
            dict(_COUNT, description='mean crop side of the clips; null without search')
        ),
        family=_FAMILY,
        clips=_list(_CLIP, 'in the order of time'),
    ),
    dict(prompts=_PROMPTS),
)
_METADATA = _object(
    {},
    dict(
        fps=_or_null(_number('frames per s; null for pictures, which do not say')),
        width=_COUNT,
        height=_COUNT,
        codec=_text('decoder'),
        frames=dict(_COUNT, description='that were read'),
        duration=_or_null(_number('of them, s; null for pictures')),
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
        probability=_or_null(_SCORE),
        status=dict(enum=list(VIDEO_STATUSES)),
        reason=_text('why there is no score; empty if there is'),
        warnings=_list(_text('in one line'), 'what to know about the score'),
        family=_FAMILY,
        people=_list(
            _PERSON,
            'faces followed, each as far as it is seen without a cut: a person who comes back '
            'counts anew. The score of the video is the highest of theirs, held against a '
            'threshold that was chosen for one face. With person "largest" there is one entry, '
            'of the most prominent face of each piece, whoever that is',
        ),
        skipped=_list(_SKIPPED, 'parts without a usable face'),
        metadata=_METADATA,
        seconds=_SECONDS,
    ),
    # since 1.2: calibrated, prompts
    {
        'calibrated': _or_null(
            _number('calibrated probability of being manipulated; null if not known', maximum=1)
        ),
        'annotated': _text('the copy with boxes and scores, beside results.json'),
        'prompts': dict(_PROMPTS, description='those of the face that decides'),
    },
)
_SHARE = dict(type='number', minimum=0, maximum=1)
_VALIDATION = _object(
    dict(
        auc=_SHARE,
        low=_or_null(_SHARE),
        high=_or_null(_SHARE),
        n_original=_COUNT,
        n_manipulated=_COUNT,
        threshold=_or_null(dict(_SHARE, description='null if it is no better than chance')),
    ),
    dict(confidence=dict(_SHARE, description='level of the interval, else 0.95; since 1.2')),
    description='AUC of the validation videos, its interval, and their number',
)
_MODEL = dict(
    type='object',
    properties=dict(
        validation=_or_null(_VALIDATION),
        prompts=dict(
            type='object',
            additionalProperties=_or_null(_VALIDATION),
            description='what each label was worth on validation; null if it could not be judged',
        ),
        # since 1.2, where the checkpoint is calibrated
        calibration=_object(
            dict(temperature=_number('by which the logit of a score is divided, on validation'))
        ),
        # since 1.2
        precision=dict(enum=['fp32', 'bf16', 'fp16'], description='what the encoder computed in'),
        precision_reason=_text('why, if it was chosen by "auto"; else empty'),
    ),
    required=['mmfake', 'config', 'checkpoint', 'checkpoint_sha256'],
)

RESULTS_SCHEMA: Dict[str, Any] = {
    '$schema': 'https://json-schema.org/draft/2020-12/schema',
    'title': 'results.json of mmfake, tools/detect.py',
    **_object(
        dict(
            schema_version=dict(const=SCHEMA_VERSION),
            model=_MODEL,
            threshold=_SCORE,
            threshold_source=dict(enum=['validation', 'user', 'default']),
            settings=dict(type='object', description='how faces were found and clips chosen'),
            meaning=_text('what a score means and what it does not'),
            n_videos=_COUNT,
            n_scored=_COUNT,
            predictions=_list(_PREDICTION, 'one for each video, in the order given'),
        ),
        dict(
            # since 1.1
            warnings=_list(_text('in one line'), 'what makes every score doubtful'),
            # since 1.2
            abstain_below=_or_null(
                _number('calibrated probability that a verdict must have', maximum=1)
            ),
        ),
    ),
}
"""dict: The schema."""


_COLUMNS = (
    *('video', 'verdict', 'probability', 'threshold', 'threshold_source', 'status', 'reason'),
    *('likely_family', 'people', 'clips', 'duration', 'warnings'),
    'calibrated',  # since 1.2
)


def write_results(results: Dict[str, Any], folder: Union[str, Path]) -> None:
    """Write ``results.json`` and ``results.csv``, each whole or not at all.

    Args:
        results (dict): As :data:`RESULTS_SCHEMA` says.
        folder (str | Path): Where they go.

    Raises:
        MMFakeError: If they cannot be written.
    """
    write_json(results, Path(folder, RESULTS))
    table = io.StringIO()
    rows = csv.DictWriter(table, _COLUMNS, lineterminator='\n')
    rows.writeheader()
    rows.writerows(_row(results, video) for video in results['predictions'])
    _write(Path(folder, TABLE), table.getvalue())


def write_json(results: Dict[str, Any], path: Union[str, Path]) -> None:
    """Write the results as JSON, whole or not at all."""
    text = json.dumps(results, indent=2, allow_nan=False, ensure_ascii=False)
    _write(Path(path), text + '\n')


def _write(path: Path, text: str) -> None:
    with atomic_file(path, 'the results') as temporary:
        # a file name that is no valid text must not cost the results
        temporary.write_bytes(text.encode('utf-8', 'backslashreplace'))


def _row(results: Dict[str, Any], video: Dict[str, Any]) -> Dict[str, Any]:
    taken = ('video', 'verdict', 'probability', 'status', 'reason', 'calibrated')
    row = {key: video.get(key) for key in taken}
    return dict(
        row,
        threshold=results['threshold'],
        threshold_source=results['threshold_source'],
        likely_family=(video['family'] or {}).get('likely'),
        people=len(video['people']),
        clips=sum(len(person['clips']) for person in video['people']),
        duration=video['metadata'].get('duration'),
        warnings='; '.join(video['warnings']),
    )


class JudgedVideo(NamedTuple):
    """A finished video: its prediction as the schema says, and pictures of its extreme clips."""

    prediction: Dict[str, Any]
    strips: List[Strip]
