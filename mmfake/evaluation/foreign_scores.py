"""Foreign score files: scores per video as other programs write them (CSV)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Dict, Iterator, Union

import pandas as pd

from ..errors import MMFakeError
from .scores import COLUMNS, SCORED, canonical_method, checked_row, frame_of, refuse_doubled

NEEDED = ('video', 'method', 'label', 'score')
"""tuple[str]: The columns that a file of scores must have."""


def read_foreign_scores(path: Union[str, Path]) -> pd.DataFrame:
    """Read and check anybody's file of video scores, or one of ours.

    A file with all columns of ``scores.csv`` is read as such. Any other is
    a CSV file with a header and the columns ``video``, ``method``, ``label`` (0 original, 1
    manipulated) and ``score`` (probability of being manipulated); further ones are ignored. Both
    are checked alike.
    Methods may be spelt as the folders or names of FaceForensics++, ``Deepfakes`` for ``df``.
    Methods often share their file names: unless the method is part of it, ``video`` is put after
    the method, ``033_097`` of ``df`` becoming ``df/033_097``.

    Args:
        path (str | Path): The file.

    Returns:
        pandas.DataFrame: As :func:`~mmfake.evaluation.scores.read_scores_file` returns it.

    Raises:
        MMFakeError: The file cannot be read, is empty, lacks a column, has a bad row or a video
            twice; the message names the file and the line.
    """
    try:
        with open(path, newline='', encoding='utf-8-sig') as stream:
            reader = csv.DictReader(stream, strict=True)
            header = reader.fieldnames
            ours = bool(header) and all(name in header for name in COLUMNS)
            frame = frame_of(_rows(reader, path, ours))
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


def _rows(reader: csv.DictReader, path: Union[str, Path], ours: bool) -> Iterator[tuple]:
    absent = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if absent:
        found = ','.join(reader.fieldnames or ())[:80] or 'nothing'
        raise MMFakeError(
            f'{path}:1: no column {", ".join(absent)} in the first line ({found}); the first line '
            f'must be a header with {",".join(NEEDED)}, separated by commas'
        )
    refuse_doubled(reader.fieldnames or (), COLUMNS if ours else NEEDED, path)
    lines: Dict[str, int] = {}
    for record in reader:
        where = f'{path}:{reader.line_num}'
        row = _named(checked_row(record, where) if ours else _row(record, where))
        first = lines.setdefault(row[0], reader.line_num)
        if first != reader.line_num:
            raise MMFakeError(
                f"{where}: video '{record['video']}' of method '{record['method']}' was already in "
                f'line {first}; average the scores of a video and keep one row'
            )
        yield row


def _row(record: Dict[str, str], where: str) -> tuple:
    """A row of a file that has but the columns needed."""
    if None in record or None in record.values():  # see checked_row
        raise MMFakeError(f'{where}: wrong number of fields; as many as in the header are needed')
    record = {name: record[name].strip() for name in NEEDED}
    return checked_row(dict(record, clips='1', status=SCORED, reason=''), where)


def _named(row: tuple) -> tuple:
    """The row with the key of its method, and with a video that no other method shares."""
    video, method = row[0], canonical_method(row[1])
    named = any(canonical_method(part) == method for part in video.split('/'))
    return (video if named else f'{method}/{video}', method, *row[2:])
