"""Result files of inference: results.json and its schema, results.csv, the run journal."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from ..datasets.protocol import FACE_STATUSES
from ..errors import MMFakeError
from ..files import atomic_file
from .evidence import Strip
from .sources import JOURNAL, RESULTS, TABLE

SCHEMA_VERSION = '1.0'
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


_COLUMNS = (
    *('video', 'verdict', 'probability', 'threshold', 'threshold_source', 'status', 'reason'),
    *('likely_family', 'people', 'clips', 'duration', 'warnings'),
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
    """Write the results as JSON, whole or not at all.

    Args:
        results (dict): As :data:`RESULTS_SCHEMA` says.
        path (str | Path): The file.

    Raises:
        MMFakeError: If it cannot be written.
    """
    text = json.dumps(results, indent=2, allow_nan=False, ensure_ascii=False)
    _write(Path(path), text + '\n')


def _write(path: Path, text: str) -> None:
    with atomic_file(path, 'the results') as temporary:
        # a file name that is no valid text must not cost the results
        temporary.write_bytes(text.encode('utf-8', 'backslashreplace'))


def _row(results: Dict[str, Any], video: Dict[str, Any]) -> Dict[str, Any]:
    row = {key: video.get(key) for key in ('video', 'verdict', 'probability', 'status', 'reason')}
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


try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


class JudgedVideo(NamedTuple):
    """A finished video.

    Attributes:
        prediction (dict): As the schema says.
        strips (list[Strip]): Pictures of its extreme clips.
    """

    prediction: Dict[str, Any]
    strips: List[Strip]


class RunJournal:
    """One line of JSON for each finished video, behind one that says how they are judged.

    A run that is judged in the same way goes on from the journal of one that was interrupted; for
    any other the journal is started anew. A last line that a killed process has left half-written
    is dropped. To be used as a context, which ends with the file closed, and removed if it keeps
    nothing. Not kept are arrays, which have no name, and videos that could not be decoded, which
    may be mended.

    Args:
        folder (str | Path): Folder of the run, made if it is missing.
        header (dict): All that the predictions depend on, for JSON.

    Attributes:
        kept (int): Videos that are kept for this run.

    Raises:
        MMFakeError: If the folder cannot be written to, or another run is writing to it.
    """

    def __init__(self, folder: Union[str, Path], header: Dict[str, Any]) -> None:
        self.path, self.kept = Path(folder, JOURNAL), 0
        self._records: Dict[str, Dict[str, Any]] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, 'a+b')  # noqa: SIM115 - a context of its own
            self._lock()
            self._file.seek(0)
            if not self._read(json.loads(json.dumps(header))):
                self._file.truncate(0)
                self._append(header)
        except OSError as error:
            raise self._unwritable(error) from None

    def __enter__(self) -> RunJournal:
        return self

    def __exit__(self, kind: Any, *_) -> None:
        if self._file.closed:
            return
        if not self.kept and not self._records:
            self.remove()
        self._file.close()
        if self.kept and kind is not None and issubclass(kind, KeyboardInterrupt):
            videos = 'one video is' if self.kept == 1 else f'{self.kept} videos are'
            raise KeyboardInterrupt(
                f'{videos} kept in {self.path}; the same command goes on from there'
            ) from None

    def take(self, name: str, number: int, stamp: Optional[List[int]]) -> Optional[JudgedVideo]:
        """Take a finished video.

        Args:
            name (str): The video.
            number (int): Its number in this run.
            stamp (list[int], optional): Of the file, by :func:`stamp_of`.

        Returns:
            JudgedVideo | None: None if it is not kept, has changed, or lacks its copy with boxes.
        """
        record = self._records.get(name)
        if record is None or stamp is None or record['stamp'] != stamp:
            return None
        prediction = record['prediction']
        copy = prediction.get('annotated')
        if copy and (record['number'] != number or not (self.path.parent / copy).is_file()):
            return None
        self.kept += 1
        strips = [Strip(**dict(s, jpeg=base64.b64decode(s['jpeg']))) for s in record['strips']]
        return JudgedVideo(prediction, strips)

    def keep(self, number: int, stamp: Optional[List[int]], judged: JudgedVideo) -> None:
        """Keep a finished video.

        Args:
            number (int): Its number in this run.
            stamp (list[int], optional): Of the file before it was read; None for one that is not
                kept.
            judged (JudgedVideo): The video.

        Raises:
            MMFakeError: If it cannot be written.
        """
        if stamp is None or judged.prediction['status'] == 'decode-failed':
            return
        strips = [
            dict(strip._asdict(), jpeg=base64.b64encode(strip.jpeg).decode())
            for strip in judged.strips
        ]
        record = dict(number=number, stamp=stamp, prediction=judged.prediction, strips=strips)
        try:
            self._append(record)
        except OSError as error:
            raise self._unwritable(error) from None
        self.kept += 1

    def remove(self) -> None:
        """End the journal: the results are written."""
        with suppress(OSError):
            self.path.unlink()
        self._file.close()

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise MMFakeError(
                f'{self.path.parent}: another run is writing to this folder; wait for it or choose '
                'another place'
            ) from None
        except OSError:  # a file system without locks
            return

    def _read(self, header: Dict[str, Any]) -> bool:
        """Read whole lines, cut off what is behind them; False for the journal of another run."""
        good = 0
        for line in self._file:
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                break
            if not line.endswith(b'\n') or (good == 0 and record != header):
                break
            if good:
                self._records[record['prediction']['video']] = record
            good += len(line)
        self._file.truncate(good)
        return good > 0

    def _append(self, record: Dict[str, Any]) -> None:
        self._file.write(json.dumps(record, allow_nan=False).encode() + b'\n')
        self._file.flush()
        os.fsync(self._file.fileno())

    def _unwritable(self, error: OSError) -> MMFakeError:
        return MMFakeError(
            f'{self.path}: the results cannot be written ({error.strerror or error}); choose '
            'another place'
        )


def stamp_of(source: Any) -> Optional[List[int]]:
    """Note what changes when a video does.

    Args:
        source (str | Path | np.ndarray): A file, a folder with the pictures of a clip, or an array.

    Returns:
        list[int] | None: Bytes and time of the last change, ns; None for an array and for what
        cannot be looked at.
    """
    if isinstance(source, np.ndarray):
        return None
    try:
        files: Sequence[Any] = [source]
        if os.path.isdir(source):
            files = [source, *os.scandir(source)]
        facts = [os.stat(file) for file in files]
    except (OSError, ValueError):
        return None
    return [sum(fact.st_size for fact in facts), max(fact.st_mtime_ns for fact in facts)]
