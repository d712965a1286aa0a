"""Index of a prepared dataset (``index.csv``): a CSV file with one row per video."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import logging
import math
import os
import stat
from collections import Counter
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from mmengine.logging import print_log

from ..errors import MMFakeError, sample_of
from ..faces.detectors import FaceSettings
from .ffpp_tree import canonical_compression
from .manipulations import ORIGINAL, check_method, manipulation_keys
from .protocol import SPLITS, STATUSES, UNKNOWN, USED, VideoRecord

COLUMNS = (
    *('id', 'path', 'method', 'compression', 'target', 'source', 'split'),
    *('frames', 'fps', 'status', 'reason'),
)
"""tuple[str]: The columns that an index has at least."""

MIXED_PEOPLE = ('celebdf2', 'celebdfpp', 'dfdc', 'dfdc_preview', 'deeperforensics')
"""tuple[str]: Datasets with one person in several splits, by their makers' lists (of
DeeperForensics-1.0 the actors, if it is split as FF++ is)."""


def read_index(path: str) -> List[VideoRecord]:
    """Read and check an index.

    A row whose ``status`` is not ``used`` is a video of the protocol that cannot be used. A status
    of your own is read like the others of :data:`STATUSES`, with a warning, as it may be a slip.
    Of the columns beyond :data:`COLUMNS`, ``detector``, ``margin`` and ``size`` say how the faces
    were cut out, ``points`` where their five points are, ``sparse`` (anything but empty) that the
    frames are single ones that do not follow one another, ``clip_bytes`` how large the prepared
    clip was, and the others are ignored.

    A person in two splits is refused, except in :data:`MIXED_PEOPLE`: those are taken as they
    are, because published results are.

    Args:
        path (str): The CSV file. Its column ``path`` is relative to the file's own folder.

    Returns:
        list[VideoRecord]: All its videos, in the order of the rows.

    Raises:
        MMFakeError: If the file is missing, not such a CSV, or a row contradicts itself or another.
    """
    try:
        with open(path, encoding='utf-8-sig', newline='') as stream:
            reader = csv.DictReader(stream, strict=True)
            absent = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if absent:
                joined = any(mark in name for name in reader.fieldnames or () for mark in ';\t')
                raise MMFakeError(
                    f'index {path} lacks the columns {sample_of(absent)}: it needs '
                    f'{",".join(COLUMNS)}; '
                    + ('save it with commas between them' if joined else 'make it with data_prep')
                )
            records = [_record(row, path, reader.line_num) for row in reader]
    except FileNotFoundError:
        raise MMFakeError(
            f'index {path} (ann_file) not found: make it with data_prep, or leave ann_file empty '
            'to read the official folders'
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MMFakeError(f'index {path} cannot be read as CSV ({error})') from None
    if not records:
        raise MMFakeError(f'index {path} holds no video: make it anew with data_prep')
    _check_unique(records, path)
    _check_people(records, path)
    _warn_of_unknown_status(records, path)
    return records


def select_videos(
    records: Sequence[VideoRecord], split: str, methods: Sequence[str], compression: str, path: str
) -> List[VideoRecord]:
    """Choose the videos of a split from an index, target by target as :func:`read_tree` does.

    Args:
        records (Sequence[VideoRecord]): The videos of the index.
        split (str): The split.
        methods (Sequence[str]): ``'original'`` and the keys of the manipulations to choose.
        compression (str): ``'raw'``, ``'c23'``, ``'c40'`` or ``'released'``.
        path (str): The index, for messages.

    Raises:
        MMFakeError: If the index has no video of a method.
    """
    chosen = [
        record
        for record in records
        if (record.split, record.compression) == (split, compression) and record.method in methods
    ]
    present = {record.method for record in chosen}
    absent = [method for method in methods if method not in present]
    if absent:
        held = sorted({f'{r.method} {r.compression}' for r in records if r.split == split})
        raise MMFakeError(
            f'index {path} has no {", ".join(absent)} video of compression {compression} in split '
            f'{split!r}: prepare them, or change methods, holdout or compression '
            f'(there is {sample_of(held, 10) or "nothing"})'
        )
    return sorted(
        chosen, key=lambda record: (record.target, methods.index(record.method), record.stem)
    )


# ---- Clips on disk --------------------------------------------------------------------------


def clip_sizes(records: Sequence[VideoRecord]) -> Dict[str, int]:
    """Bytes of the clips that are there: video id -> size; without those that are folders."""
    sizes = {}
    for record in records:
        with contextlib.suppress(OSError, ValueError):  # it is missing; that is told elsewhere
            status = os.stat(record.filename)
            if stat.S_ISREG(status.st_mode):
                sizes[record.video_id] = status.st_size
    return sizes


def hash_of_sizes(sizes: Mapping[str, int]) -> str:
    """One hash of the sizes of many clips, whatever their order: another if one is exchanged."""
    return hashlib.sha256(json.dumps(sorted(sizes.items())).encode()).hexdigest()


def told_of_exchanged(
    prepared: Mapping[str, int], sizes: Mapping[str, int], before: str
) -> Optional[str]:
    """Count the clips that are of another size than they were, and name one; None if there is none.

    Args:
        prepared (Mapping[str, int]): Video id -> bytes at that time.
        sizes (Mapping[str, int]): Those of now, as :func:`clip_sizes` gives them.
        before (str): When that time was, for the text, e.g. ``'after the preparation'``.
    """
    others = [name for name, n in prepared.items() if sizes.get(name, n) != n]
    if not others:
        return None
    first = others[0]
    return (
        f'{len(others)} of {len(prepared)} clips were exchanged {before} ({first} has '
        f'{sizes[first]:,} bytes, and had {prepared[first]:,})'
    )


# ---- Reading a row --------------------------------------------------------------------------


def _record(row: Dict[str, str], path: str, line: int) -> VideoRecord:
    """Turn one row into a record."""
    where = f'index {path}, line {line}'
    # DictReader fills a short row with None and gathers the surplus of a long one under None
    if None in row or None in row.values():
        raise MMFakeError(f'{where}: the row has not as many fields as the header')

    # 1. the identity, which method and compression repeat
    parts = row['id'].split('/')
    if len(parts) != 4 or not all(parts):
        raise MMFakeError(
            f'{where}: id {row["id"]!r} is not dataset/method/compression/stem, '
            'e.g. ffpp/f2f/c23/033_097'
        )
    dataset, method, compression, stem = parts
    if (method, compression) != (row['method'], row['compression']):
        raise MMFakeError(
            f'{where}: id {row["id"]!r} says otherwise than method {row["method"]!r} and '
            f'compression {row["compression"]!r}'
        )
    try:
        check_method(method)
        compression = canonical_compression(compression)
    except MMFakeError as error:
        raise MMFakeError(f'{where}: {error}') from None

    # 2. split and people; some tools write an original's own id as its source
    if row['split'] not in SPLITS:
        raise MMFakeError(f'{where}: split {row["split"]!r} is none of {", ".join(SPLITS)}')
    is_original = method == ORIGINAL
    source = '' if is_original and row['source'] == row['target'] else row['source']
    if row['target'] in (('', UNKNOWN) if is_original else ('',)) or bool(source) == is_original:
        raise MMFakeError(
            f'{where}: target {row["target"]!r} and source {row["source"]!r} do not fit method '
            f'{method!r}: a fake has both ids ({UNKNOWN} if not known), an original only its own '
            'as target'
        )

    # 3. whether it can be used
    used = row['status'] == USED
    if not row['status'] or (used and not row['path']):
        raise MMFakeError(
            f'{where}: status is {row["status"]!r} and path {row["path"]!r}: a row needs a status, '
            f'and a path if that is {USED!r}'
        )
    # data preparation writes .../METHOD/COMPRESSION/CLIP, as the official folders are
    folders = Path(row['path']).parts[-3:-1]
    if len(folders) == 2 and folders[1] == row['compression']:
        known = (ORIGINAL, *manipulation_keys(everything=True))
        if folders[0] in known and folders[0] != method:
            raise MMFakeError(
                f'{where}: path {row["path"]!r} is a clip of {folders[0]!r}, and the row is of '
                f'method {method!r}; correct the row, or prepare the dataset anew'
            )
    return VideoRecord(
        dataset=dataset,
        method=method,
        compression=compression,
        stem=stem,
        target=row['target'],
        source=source,
        split=row['split'],
        filename=str(Path(path).parent / row['path']),
        status=row['status'],
        reason=row['reason'],
        frames=_number(row, 'frames', int, used, where),
        fps=_number(row, 'fps', float, True, where),
        points=str(Path(path).parent / row['points']) if row.get('points') else '',
        crop=_crop(row),
        sparse=bool(row.get('sparse')),
        clip_bytes=_number(row, 'clip_bytes', int, False, where) if 'clip_bytes' in row else None,
    )


def _crop(row: Dict[str, str]) -> Optional[Tuple[str, float, int]]:
    """How the face was cut out; None where somebody else's columns have these names."""
    detector = row.get('detector') or ''
    try:
        settings = FaceSettings(detector, margin=float(row['margin']), size=int(row['size']))
    except (KeyError, ValueError, MMFakeError):
        return None
    # without a detector it was a crop before: nobody knows what around
    return None if detector == 'none' else (detector, settings.margin, settings.size)


def _number(
    row: Dict[str, str], column: str, kind: Callable, positive: bool, where: str
) -> Optional[float]:
    """Read a number; an empty field is one that is not known."""
    text = row[column].strip()
    if not text:
        return None
    try:
        value = float(text)  # also of frames: tables with gaps are often written with 96.0
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0 or value != kind(value) or (positive and not value):
        what = 'whole number' if kind is int else 'number'
        raise MMFakeError(
            f'{where}: {column} {row[column]!r} is no {what}{" above 0" if positive else ""}: '
            'correct it, or leave it empty if it is not known'
        )
    return kind(value)


# ---- Checks of the whole table --------------------------------------------------------------


def _check_unique(records: List[VideoRecord], path: str) -> None:
    """Refuse a video with two rows, and a clip that two videos name as theirs."""
    ids = [record.video_id for record in records]
    files = [record.filename for record in records if record.unavailable is None]
    for names, what in ((ids, 'ids have two rows'), (files, 'clips are named by two rows')):
        twice = [name for name, n in Counter(names).items() if n > 1]
        if twice:
            raise MMFakeError(f'index {path}: {len(twice)} {what}: {sample_of(twice)}')


def _check_people(records: List[VideoRecord], path: str) -> None:
    """Refuse a person in two splits: the detector would be tested on faces it was trained on."""
    home: Dict[str, str] = {}
    torn = []
    checked = (record for record in records if record.dataset not in MIXED_PEOPLE)
    for record in sorted(checked, key=lambda record: record.label_bin):  # originals decide
        people = [f'{record.dataset}/{name}' for name in record.ids]
        strangers = [p for p in people if home.setdefault(p, record.split) != record.split]
        if strangers:
            first = strangers[0]
            torn.append(f'{record.video_id} in {record.split} with {first} in {home[first]}')
    if torn:
        raise MMFakeError(
            f'index {path}: {len(torn)} videos show a person of another split: {sample_of(torn)}'
        )


def _warn_of_unknown_status(records: List[VideoRecord], path: str) -> None:
    """Say which videos are left out because of a status that data preparation never writes."""
    unknown = Counter(record.status for record in records if record.status not in STATUSES)
    if unknown:
        counts = sample_of(f'{status!r} x {n}' for status, n in sorted(unknown.items()))
        print_log(
            f'index {path}: unknown status {counts}: only {USED!r} is used, these videos are not',
            logger='current',
            level=logging.WARNING,
        )
