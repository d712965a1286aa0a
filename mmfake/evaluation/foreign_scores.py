"""Score files that other programs wrote."""

from __future__ import annotations

import contextlib
import csv
import math
from pathlib import Path
from typing import Dict, Iterator, Tuple, Union

import pandas as pd

from ..datasets.manipulations import ORIGINAL, get_manipulation, manipulation_keys
from ..errors import MMFakeError
from .scores_file import read_scores_file
from .video_scores import COLUMNS, SCORED

NEEDED = ('video', 'method', 'label', 'score')
"""tuple[str]: The columns that a file of scores must have."""


def read_foreign_scores(path: Union[str, Path]) -> pd.DataFrame:
    """Read and check anybody's file of video scores, or one of ours.

    A file with all columns of :func:`~.scores_file.write_scores_file` is read as such. Any other is
    a CSV file with a header and the columns ``video``, ``method``, ``label`` (0 original, 1
    manipulated) and ``score`` (probability of being manipulated); further ones are ignored.
    Methods may be spelt as the folders or names of FaceForensics++, ``Deepfakes`` for ``df``.
    Methods often share their file names: unless the method is part of it, ``video`` is put after
    the method, ``033_097`` of ``df`` becoming ``df/033_097``.

    Args:
        path (str | Path): The file.

    Returns:
        pandas.DataFrame: As :func:`~.scores_file.read_scores_file` returns it, sorted by video.

    Raises:
        MMFakeError: The file cannot be read, is empty, lacks a column, has a bad row or a video
            twice; the message names the file and the line.
    """
    try:
        with open(path, newline='', encoding='utf-8-sig') as stream:
            reader = csv.DictReader(stream, strict=True)
            header = reader.fieldnames
            if header and all(name in header for name in COLUMNS):
                frame = read_scores_file(path)
            else:
                frame = _frame(_rows(reader, path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, 'strerror', None) or error
        raise MMFakeError(
            f'{path}: not a readable file of scores ({reason}); expected a CSV file with the '
            f'header {",".join(NEEDED)}'
        ) from None
    if frame.empty:
        raise MMFakeError(f'{path}: no video below the header; give one row for each video')
    if not (frame['status'] == SCORED).any():
        raise MMFakeError(f'{path}: none of the {len(frame)} videos is scored; see their reasons')
    return frame


def canonical_method(name: str) -> str:
    """Translate the name of a method where it is one of the table of manipulations.

    Args:
        name (str): A key, a folder or a shown name: ``'df'``, ``'Deepfakes'``, ``'youtube'``.

    Returns:
        str: The key, ``'df'`` or ``'original'``; a name that the table lacks stays as it is.
    """
    for key in (ORIGINAL, *manipulation_keys(everything=True)):
        row = get_manipulation(key)
        if name.lower() in (key, row.name.lower(), row.folder.split('/')[-1].lower()):
            return key
    return name


def _rows(reader: csv.DictReader, path: Union[str, Path]) -> Iterator[Tuple[str, str, int, float]]:
    absent = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if absent:
        found = ','.join(reader.fieldnames or ())[:80] or 'nothing'
        raise MMFakeError(
            f'{path}:1: no column {", ".join(absent)} in the first line ({found}); the first line '
            f'must be a header with {",".join(NEEDED)}, separated by commas'
        )
    lines: Dict[str, int] = {}
    for record in reader:
        where = f'{path}:{reader.line_num}'
        row = _row(record, where)
        first = lines.setdefault(row[0], reader.line_num)
        if first != reader.line_num:
            raise MMFakeError(
                f"{where}: video '{record['video']}' of method '{record['method']}' was already in "
                f'line {first}; average the scores of a video and keep one row'
            )
        yield row


def _row(record: Dict[str, str], where: str) -> Tuple[str, str, int, float]:
    # DictReader files surplus fields under None and fills missing ones with None
    if None in record or None in record.values():
        raise MMFakeError(f'{where}: wrong number of fields; as many as in the header are needed')
    record = {name: record[name].strip() for name in NEEDED}
    for name in ('video', 'method'):
        if not record[name]:
            raise MMFakeError(f'{where}: {name} is empty; every row must name one')
    if record['label'] not in ('0', '1'):
        raise _bad(where, 'label', record, '0 (original) or 1 (manipulated)')
    method = canonical_method(record['method'])
    if method == ORIGINAL and record['label'] == '1':
        raise _bad(where, 'label', record, f"0, since the method is '{record['method']}'")
    if method in manipulation_keys(everything=True) and record['label'] == '0':
        raise _bad(where, 'label', record, f"1, since the method is '{record['method']}'")
    score = math.nan
    with contextlib.suppress(ValueError):
        score = float(record['score'])
    if not 0 <= score <= 1:
        raise _bad(where, 'score', record, 'a probability between 0 and 1 of being manipulated')
    video, parts = record['video'], record['video'].split('/')
    named = any(canonical_method(part) == method for part in parts)
    return video if named else f'{method}/{video}', method, int(record['label']), score


def _bad(where: str, name: str, record: Dict[str, str], expected: str) -> MMFakeError:
    return MMFakeError(
        f"{where}: {name} is '{record[name]}' for video '{record['video']}'; expected {expected}"
    )


def _frame(rows: Iterator[Tuple[str, str, int, float]]) -> pd.DataFrame:
    made = [(*row, 1, SCORED, '') for row in rows]
    frame = pd.DataFrame(made, columns=list(COLUMNS))
    frame = frame.astype({'label': 'int64', 'score': 'float64', 'clips': 'int64'})
    return frame.sort_values('video', ignore_index=True)
