"""Scores file: scores.csv, and its sidecar scores.json with checkpoint, threshold and videos."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import pandas as pd

from ..errors import MMFakeError, sample_of
from ..files import atomic_file, sha256_of, write_json
from .scores import COLUMNS, NOT_SCORED, SCORED, frame_of, label_of

PathLike = Union[str, Path]

A_SCORE = (
    'a number from 0 to 1: divide percentages by 100, put logits through a sigmoid, '
    '1 / (1 + exp(-x))'
)
"""str: What a score must be."""

GIVEN, VALIDATION = 'given', 'chosen on validation'
"""str: Where a threshold is from."""


# --- scores.csv -----------------------------------------------------------------------------------


def write_scores_file(frame: pd.DataFrame, path: PathLike) -> None:
    """Write video scores as CSV with full precision, so that a reader never sees half a file."""
    with atomic_file(path, 'the scores') as temporary:
        frame.to_csv(temporary, columns=list(COLUMNS), index=False, encoding='utf-8')


def read_scores_file(path: PathLike) -> pd.DataFrame:
    """Read and check a file of video scores.

    Args:
        path (str | Path): A file in the form of :func:`write_scores_file`. Further columns are
            ignored.

    Returns:
        pandas.DataFrame: As :func:`score_videos` returns it, sorted by video.

    Raises:
        MMFakeError: The file cannot be read, lacks a column, has a bad row or a video twice; the
            message names the file and the line.
    """
    rows, lines = [], {}
    try:
        with open(path, newline='', encoding='utf-8-sig') as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
            if missing:
                raise MMFakeError(
                    f'{path}:1: no column {", ".join(missing)}; expected {",".join(COLUMNS)}'
                )
            refuse_doubled(reader.fieldnames, COLUMNS, path)
            for record in reader:
                where = f'{path}:{reader.line_num}'
                rows.append(checked_row(record, where))
                first = lines.setdefault(record['video'], reader.line_num)
                if first != reader.line_num:
                    raise MMFakeError(
                        f"{where}: video '{record['video']}' was already in line {first}; "
                        'keep one of them'
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MMFakeError(
            f'{path}: not a readable file of scores ({error}); expected a CSV file that '
            'DeepfakeMetric wrote'
        ) from None
    return frame_of(rows)


def refuse_doubled(header: Sequence[str], needed: Sequence[str], path: PathLike) -> None:
    """Refuse a file that has a column twice which is read: it leaves open which one is meant."""
    twice = [name for name in needed if list(header).count(name) > 1]
    if twice:
        raise MMFakeError(f'{path}:1: column {twice[0]} is there twice; keep one of them')


def checked_row(record: Dict[str, str], where: str) -> tuple:
    """Turn a record of ``csv.DictReader`` into a row of :data:`COLUMNS`, or say what is wrong."""
    # DictReader files surplus fields under None and fills missing ones with None
    if None in record or any(record[name] is None for name in COLUMNS):
        raise MMFakeError(f'{where}: wrong number of fields; as many as in the header are needed')
    for name in ('video', 'method'):
        if not record[name]:
            raise MMFakeError(f'{where}: {name} is empty; every row must name one')
    if record['status'] not in (SCORED, NOT_SCORED):
        raise _bad(where, 'status', record, f"'{SCORED}' or '{NOT_SCORED}'")
    if record['label'] not in ('0', '1'):
        raise _bad(where, 'label', record, '0 (original) or 1 (manipulated)')
    if label_of(record['method']) not in (None, int(record['label'])):
        expected = f"{label_of(record['method'])}, since the method is '{record['method']}'"
        raise _bad(where, 'label', record, expected)
    if not record['clips'].isdecimal() or len(record['clips']) > 9:
        raise _bad(where, 'clips', record, 'a whole number')

    score = math.nan
    if record['status'] == SCORED:
        with contextlib.suppress(ValueError):
            score = float(record['score'])
        if not 0 <= score <= 1:
            raise _bad(where, 'score', record, A_SCORE)
    elif record['score']:
        raise _bad(where, 'score', record, f"nothing, since the status is '{NOT_SCORED}'")
    numbers = int(record['label']), score, int(record['clips'])
    return (record['video'], record['method'], *numbers, record['status'], record['reason'])


def _bad(where: str, name: str, record: Dict[str, str], expected: str) -> MMFakeError:
    return MMFakeError(
        f"{where}: {name} is '{record[name]}' for video '{record['video']}'; expected {expected}"
    )


# --- scores.json, its sidecar ---------------------------------------------------------------------


def sidecar_of(path: PathLike) -> Path:
    """Name the sidecar of a file of scores: ``scores.json`` beside ``scores.csv``."""
    return Path(path).with_suffix('.json')


def write_scores(frame: pd.DataFrame, path: PathLike, facts: Mapping[str, Any]) -> str:
    """Write video scores and the sidecar that says what they are of.

    A file of other videos that is there already is kept under another name,
    ``scores-<hash>.csv``, with its sidecar; one of the same videos is replaced.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~mmfake.evaluation.scores.score_videos` makes them.
        path (str | Path): The CSV file; its sidecar has the ending ``.json``.
        facts (Mapping): What the sidecar holds beside the hashes of the file and of its list of
            videos, such as ``checkpoint``, ``config``, ``averaging``, ``threshold`` and
            ``threshold_from``.

    Returns:
        str: What differs from the file that was there, one line, or ``''``.

    Raises:
        MMFakeError: A file cannot be written.
    """
    path = Path(path)
    difference = _keep_other_list(path, frame)
    write_scores_file(frame, path)
    beside = sidecar_of(path)
    if beside.exists() and not _is_sidecar(_read_json(beside)):
        return difference  # some other file of the user's
    videos = '\n'.join(sorted(frame['video']))  # in whatever order they are
    record = dict(
        scores_sha256=sha256_of(path),
        videos=len(frame),
        videos_sha256=hashlib.sha256(videos.encode()).hexdigest(),
        **facts,
    )
    write_json(beside, record, 'what the scores are of')
    return difference


def read_sidecar(path: PathLike) -> Tuple[Dict[str, Any], str]:
    """Read what a file of scores is of, or else nothing and, if it is of others, a line on that."""
    beside = sidecar_of(path)
    record = _read_json(beside)
    if not _is_sidecar(record):
        return {}, ''
    if record['scores_sha256'] != sha256_of(path):
        return {}, (
            f'{beside.name} beside {Path(path).name} is of other scores, so that nothing of it is '
            'used: test again, or give --threshold'
        )
    return record, ''


def known_threshold(facts: Mapping[str, Any]) -> Tuple[Optional[float], str]:
    """Give the threshold that a sidecar holds, or None, and where it is from."""
    value = facts.get('threshold')
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        return None, ''
    source = facts.get('threshold_from')
    return float(value), 'given to the test' if source == GIVEN else VALIDATION


def known_temperature(facts: Mapping[str, Any]) -> Optional[float]:
    """Give the temperature of validation that a sidecar holds, or None."""
    value = facts.get('temperature')
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < math.inf else None


def known_warnings(facts: Mapping[str, Any]) -> List[str]:
    """Give what the test said that makes its scores doubtful, as its sidecar holds it."""
    told = facts.get('warnings')
    return [str(line) for line in told] if isinstance(told, list) else []


def threshold_text(level: Optional[float], source: str) -> str:
    """Say which threshold is used: its value and where it is from, 0.5 where there is none."""
    return '0.5, as none is known from validation' if level is None else f'{level:.4g}, {source}'


def _is_sidecar(record: Any) -> bool:
    return isinstance(record, dict) and 'scores_sha256' in record


def _read_json(path: Path) -> Any:
    with contextlib.suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding='utf-8'))
    return None


def _keep_other_list(path: Path, frame: pd.DataFrame) -> str:
    """Keep a file of other videos under another name, and say what differs."""
    if not path.is_file():
        return ''
    try:
        before, now = set(read_scores_file(path)['video']), set(frame['video'])
    except MMFakeError:
        before, now = None, set(frame['video'])
    if before == now:
        return ''

    kept = path.with_name(f'{path.stem}-{sha256_of(path)[:8]}{path.suffix}')
    _copy(path, kept)
    if _is_sidecar(_read_json(sidecar_of(path))):
        _copy(sidecar_of(path), sidecar_of(kept))
    if before is None:
        return f'{path} was no file of scores; what was there is kept as {kept.name}'
    parts = [
        f'{len(names)} {word} ({sample_of(sorted(names))})'
        for word, names in (('missing', before - now), ('new', now - before))
        if names
    ]
    return (
        f'{path}: other videos than before, {len(now)} instead of {len(before)}: '
        f'{", ".join(parts)}; the earlier scores are kept as {kept.name}'
    )


def _copy(source: Path, target: Path) -> None:
    with atomic_file(target, 'a copy of the earlier scores') as temporary:
        shutil.copyfile(source, temporary)
