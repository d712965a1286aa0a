"""The CSV file of video scores."""

from __future__ import annotations

import contextlib
import csv
import math
from pathlib import Path
from typing import Dict, Sequence, Union

import pandas as pd

from ..atomic_file import atomic_file
from ..errors import MMFakeError
from .method_labels import label_of
from .video_scores import COLUMNS, NOT_SCORED, SCORED


def write_scores_file(frame: pd.DataFrame, path: Union[str, Path]) -> None:
    """Write video scores so that a reader never sees half a file.

    The header is ``video,method,label,score,clips,status,reason``. Scores keep their full
    precision; a video without one has an empty field. Missing folders are made.

    Args:
        frame (pandas.DataFrame): Rows as :func:`~.video_scores.score_videos` makes them.
        path (str | Path): The file, replaced if it exists.

    Raises:
        MMFakeError: The file cannot be written.
    """
    with atomic_file(path, 'the scores') as temporary:
        frame.to_csv(temporary, columns=list(COLUMNS), index=False, encoding='utf-8')


def read_scores_file(path: Union[str, Path]) -> pd.DataFrame:
    """Read and check a file of video scores.

    Args:
        path (str | Path): A file in the form of :func:`write_scores_file`. Further columns are
            ignored.

    Returns:
        pandas.DataFrame: As :func:`~.video_scores.score_videos` returns it, sorted by video.

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
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    frame = frame.astype({'label': 'int64', 'score': 'float64', 'clips': 'int64'})
    return frame.sort_values('video', ignore_index=True)


def refuse_doubled(header: Sequence[str], needed: Sequence[str], path: Union[str, Path]) -> None:
    """Refuse a file that leaves open which of two columns is meant.

    Args:
        header (Sequence[str]): Its columns.
        needed (Sequence[str]): Those that are read.
        path (str | Path): The file, for the message.

    Raises:
        MMFakeError: A column that is read is there twice.
    """
    twice = [name for name in needed if list(header).count(name) > 1]
    if twice:
        raise MMFakeError(f'{path}:1: column {twice[0]} is there twice; keep one of them')


def checked_row(record: Dict[str, str], where: str) -> tuple:
    """Check a record of a file of scores.

    Args:
        record (dict[str, str]): As ``csv.DictReader`` reads it.
        where (str): File and line, for the message.

    Returns:
        tuple: A row of :data:`~.video_scores.COLUMNS`.

    Raises:
        MMFakeError: A field is missing, empty or none of the values that it can have.
    """
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
            raise _bad(where, 'score', record, 'a probability between 0 and 1')
    elif record['score']:
        raise _bad(where, 'score', record, f"nothing, since the status is '{NOT_SCORED}'")
    numbers = int(record['label']), score, int(record['clips'])
    return (record['video'], record['method'], *numbers, record['status'], record['reason'])


def _bad(where: str, name: str, record: Dict[str, str], expected: str) -> MMFakeError:
    return MMFakeError(
        f"{where}: {name} is '{record[name]}' for video '{record['video']}'; expected {expected}"
    )
