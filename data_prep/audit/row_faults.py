"""What is wrong with a row by itself."""

from __future__ import annotations

import math
from typing import List

from mmfake.datasets.ffpp_tree import canonical_compression
from mmfake.datasets.manipulations import get_manipulation
from mmfake.datasets.video_record import SPLITS, UNKNOWN
from mmfake.errors import MMFakeError

from .index_row import IndexRow


def row_faults(row: IndexRow) -> List[str]:
    """Look at one row alone, and at all of it: a reader of the index stops at the first fault.

    Args:
        row (IndexRow): The row.

    Returns:
        list[str]: What is wrong, one line each; empty for a sound row.
    """
    parts = row.video_id.split('/')
    if len(parts) != 4 or not all(parts):
        return [f'id {row.video_id!r} is not dataset/method/compression/stem']
    return [*_name_faults(row, parts), *_people_faults(row, parts), *_value_faults(row)]


def _name_faults(row: IndexRow, parts: List[str]) -> List[str]:
    """Compare the id with the columns that repeat it."""
    faults = [
        f'{column} {row[column]!r} is not what the id says'
        for column, part in zip(('method', 'compression'), parts[1:3])
        if row[column] != part
    ]
    for check, name in ((get_manipulation, parts[1]), (canonical_compression, parts[2])):
        try:
            check(name)
        except MMFakeError as error:
            faults.append(str(error))
    if any('\ufffd' in value for value in row.fields.values()):
        faults.append('it holds bytes that are not UTF-8')
    return faults


def _people_faults(row: IndexRow, parts: List[str]) -> List[str]:
    """Look at target, source and split."""
    faults = []
    if row['split'] not in SPLITS:
        faults.append(f'split {row["split"]!r} is none of {", ".join(SPLITS)}')
    target, source = row['target'], row['source']
    if not row.is_fake and source == target:  # some tools write an original's own id there
        source = ''
    if not target or bool(source) != row.is_fake or (target == UNKNOWN and not row.is_fake):
        faults.append(f'target {target!r} and source {source!r} do not fit {row["method"]!r}')
    elif parts[0] == 'ffpp' and parts[3] != (f'{target}_{source}' if source else target):
        faults.append(f'stem {parts[3]!r} is not what target and source {target!r}, {source!r} say')
    return faults


def _value_faults(row: IndexRow) -> List[str]:
    """Look at status, path and the numbers."""
    faults = []
    if not row['status']:
        faults.append('it has no status')
    if row.used and not row['path']:
        faults.append('it is used and has no path')
    for column in ('frames', 'size', 'fps', 'margin'):
        whole = column in ('frames', 'size')
        zero = column == 'frames' and not row.used
        if row[column] and not _is_number(row[column], whole, zero):
            kind = 'whole number' if whole else 'number'
            faults.append(f'{column} {row[column]!r} is not a {kind} above 0')
    return faults


def _is_number(text: str, whole: bool, zero: bool) -> bool:
    try:
        value = float(text)  # also of whole ones: tables with gaps are often written with 96.0
    except ValueError:
        return False
    good = math.isfinite(value) and (value > 0 or (zero and value == 0))
    return good and (not whole or value == int(value))
