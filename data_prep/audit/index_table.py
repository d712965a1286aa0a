"""Audit table: the rows of an index with their faults, clip facts and findings."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Tuple

import numpy as np

from mmfake.datasets.ffpp_tree import canonical_compression
from mmfake.datasets.index import COLUMNS
from mmfake.datasets.manipulations import ORIGINAL, check_method
from mmfake.datasets.protocol import RENDERED, SPLITS, UNKNOWN, USED
from mmfake.errors import MMFakeError, sample_of

ERROR, WARNING = 'error', 'warning'

# ---- what a rule says


class Finding(NamedTuple):
    """One thing that is wrong with a prepared dataset.

    Args:
        severity (str): ``'error'``, or ``'warning'`` for what may be meant.
        where (str): A video id, a line of the index, or another place.
        what (str): What is wrong there, in one line.
        remedy (str): What to do, in one line.
    """

    severity: str
    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f'{self.where}: {self.what}; {self.remedy}'


@dataclass(frozen=True)
class Outcome:
    """How much a rule looked at, and what it found.

    Args:
        checked (int): How many things were looked at.
        unit (str): What these things are, in the plural, e.g. ``'clips'``.
        findings (list[Finding]): What is wrong. Defaults to an empty list.
        skipped (str): Why the rule could not be applied; empty if it was. Defaults to ``''``.
    """

    checked: int
    unit: str
    findings: List[Finding] = field(default_factory=list)
    skipped: str = ''


# ---- what is looked at: clips, rows, the table


@dataclass(frozen=True)
class ClipFacts:
    """What reading a clip told.

    Args:
        error (str): Why it cannot be read, in one line; empty if it can. Defaults to ``''``.
        frames (int): Frames that could be decoded. Defaults to 0.
        decord_frames (int, optional): Frames that decord counts, as mmaction2's DecordInit uses it.
            Defaults to None: it does not read this format.
        sizes (frozenset[tuple[int, int]]): Width and height of the frames, px; of a good clip there
            is one. Defaults to none.
        digest (str): Hash of the bytes. Defaults to ``''``.
        look (np.ndarray, optional): (5, 256) bool, perceptual hashes of five frames. Defaults to
            None.
    """

    error: str = ''
    frames: int = 0
    decord_frames: Optional[int] = None
    sizes: FrozenSet[Tuple[int, int]] = frozenset()
    digest: str = ''
    look: Optional[np.ndarray] = None


@dataclass(frozen=True)
class IndexRow:
    """A row as it is written; only a sound one has all the properties.

    Args:
        line (int): Line of the file it ends in, from 1.
        fields (dict[str, str]): The fields by column; those that a short row lacks are empty.
    """

    line: int
    fields: Dict[str, str]

    def __getitem__(self, column: str) -> str:
        """Give a field, ``''`` if the index has no such column."""
        return self.fields.get(column, '')

    @property
    def video_id(self) -> str:
        """str: ``dataset/method/compression/stem``."""
        return self['id']

    @property
    def dataset(self) -> str:
        """str: The dataset, e.g. ``'ffpp'``."""
        return self.video_id.split('/')[0]

    @property
    def where(self) -> str:
        """str: The row's place, for messages."""
        return f'line {self.line} ({self.video_id})' if self.video_id else f'line {self.line}'

    @property
    def used(self) -> bool:
        """bool: Whether there should be a clip."""
        return self['status'] == USED

    @property
    def is_fake(self) -> bool:
        """bool: Whether the video is manipulated."""
        return self['method'] != ORIGINAL

    @property
    def people(self) -> Tuple[str, ...]:
        """tuple[str]: The known ids in the video, target first, e.g. ``('ffpp/033', ...)``."""
        source = self['source'] if self.is_fake else ''
        names = (name for name in (self['target'], source) if name not in ('', UNKNOWN))
        return tuple(f'{self.dataset}/{name}' for name in names)

    @property
    def origin(self) -> str:
        """str: The original that the video is or was made of; the video itself if not known."""
        return self.video_id if self['target'] == UNKNOWN else f'{self.dataset}/{self["target"]}'

    @property
    def frames(self) -> Optional[int]:
        """Optional[int]: Frames of the clip; None if the index does not say."""
        return int(float(self['frames'])) if self['frames'] else None


@dataclass
class IndexTable:
    """All that the rules look at.

    Args:
        path (Path): The index.
        columns (tuple[str]): Its columns.
        rows (list[IndexRow]): Its sound rows, in order.
        faults (list[Finding]): Everything that is wrong with the header or with a row by itself;
            such a row is not among ``rows``.
        clips (dict[str, ClipFacts], optional): What is known of the clip of each used row, by
            ``path``. Defaults to None: the clips were not opened.
    """

    path: Path
    columns: Tuple[str, ...]
    rows: List[IndexRow]
    faults: List[Finding] = field(default_factory=list)
    clips: Optional[Dict[str, ClipFacts]] = None

    @property
    def used(self) -> List[IndexRow]:
        """list[IndexRow]: The rows that should have a clip."""
        return [row for row in self.rows if row.used]

    def file(self, relative: str) -> Path:
        """Say where a file is that the index names."""
        return self.path.parent / relative


# ---- reading: sound rows become rows, all else faults


def read_table(path: Path) -> IndexTable:
    """Read an index as far as it can be read, and keep account of the rest."""
    try:
        # what is not UTF-8 becomes U+FFFD, which makes a fault of the row
        with open(path, encoding='utf-8-sig', errors='replace', newline='') as stream:
            reader = csv.DictReader(stream)
            columns = tuple(reader.fieldnames or ())
            if 'id' not in columns:
                raise MMFakeError(
                    f'{path} is no index: its first line has no column "id"; an index has the '
                    f'columns {",".join(COLUMNS)}'
                )
            lines = [(reader.line_num, fields) for fields in reader]
    except (OSError, csv.Error) as error:
        raise MMFakeError(f'index {path} cannot be read ({error}); name the index.csv') from None
    table = IndexTable(path, columns, [])
    header = []
    absent = [name for name in COLUMNS if name not in columns]
    if absent:
        header.append(f'the columns {sample_of(absent)} are not there')
    if not lines:
        header.append('no row follows')
    table.faults += _findings('line 1', header)
    for number, fields in lines:
        row = IndexRow(number, {name: fields[name] or '' for name in columns})
        faults = row_faults(row)
        if None in fields or None in fields.values():
            faults.insert(0, 'it has not as many fields as the header')
        table.faults += _findings(row.where, faults)
        if not faults:
            table.rows.append(row)
    return table


def _findings(where: str, faults: List[str]) -> List[Finding]:
    """Turn what is wrong with a line into findings."""
    remedy = 'prepare the dataset anew or mend the row'
    return [Finding(ERROR, where, fault, remedy) for fault in faults]


def row_faults(row: IndexRow) -> List[str]:
    """Look at one row alone, and at all of it: a reader of the index stops at the first fault."""
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
    for check, name in ((check_method, parts[1]), (canonical_compression, parts[2])):
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
    elif parts[0] in ('ffpp', RENDERED) and parts[3] != (
        f'{target}_{source}' if source else target
    ):
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
