"""Index file of a preparation: its rows, written and read, and the table that counts them."""

from __future__ import annotations

import csv
import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, Sequence, Set

from rich.table import Table

from mmfake.datasets.index import COLUMNS
from mmfake.datasets.manipulations import in_order, method_name
from mmfake.datasets.protocol import SPLITS, STATUSES, USED, VideoRecord
from mmfake.errors import MMFakeError
from mmfake.files import atomic_file

Row = Dict[str, str]

PROVENANCE = (
    *('track', 'track_of', 'points', 'detector', 'detector_version', 'margin', 'size', 'codec'),
    *('source_file', 'source_hash', 'clip_bytes', 'clip_hash'),
)
"""tuple[str]: The columns after those of every index: how the clip came to be."""

_LATER = ('points', 'clip_bytes', 'clip_hash')

CLIP_COLUMNS = (*COLUMNS, *PROVENANCE)
"""tuple[str]: The columns of an index of clips."""


def make_row(
    video: VideoRecord, root: Path, *facts: Dict[str, str], columns: Sequence[str] = CLIP_COLUMNS
) -> Row:
    """Write a row; ``video.filename`` is the raw file, ``root`` the folder of the index."""
    row = dict.fromkeys(columns, '')
    known = dict(
        id=video.video_id,
        method=video.method,
        compression=video.compression,
        target=video.target,
        source=video.source,
        split=video.split,
        source_file=Path(os.path.relpath(video.filename, root)).as_posix(),
    )
    for some in (known, *facts):
        row.update((key, value) for key, value in some.items() if key in row)
    return row


def write_rows(path: Path, rows: Iterable[Row], columns: Sequence[str] = CLIP_COLUMNS) -> None:
    """Write an index, sorted: split by split, target by target, each original before its fakes."""
    rows = list(rows)
    methods = in_order(row['method'] for row in rows)

    def place(row: Row) -> tuple:
        split, method = SPLITS.index(row['split']), methods.index(row['method'])
        return split, row['target'], method, row['id']

    with atomic_file(path, 'the index') as temporary, open(
        temporary, 'w', encoding='utf-8', newline=''
    ) as stream:
        writer = csv.DictWriter(stream, columns, lineterminator='\n')
        writer.writeheader()
        writer.writerows(sorted(rows, key=place))


def read_rows(path: Path) -> List[Row]:
    """Read the rows of an index as they are; none if there is no such file."""
    if not path.is_file():
        return []
    try:
        with open(path, encoding='utf-8-sig', newline='') as stream:
            rows = [
                # an index of an earlier version has not all of them
                {name: row.get(name, '') if name in _LATER else row[name] for name in CLIP_COLUMNS}
                for row in csv.DictReader(stream)
            ]
        if any(None in row.values() for row in rows):
            raise ValueError('a row is cut off')
    except (OSError, ValueError, KeyError, csv.Error) as error:
        reason = ' '.join(str(error).split())[:100]
        raise MMFakeError(
            f'index {path} is damaged or no index of a preparation ({reason}): delete it, it is '
            'written anew from the records beside it'
        ) from None
    return rows


def codecs_in(root: Path) -> Set[str]:
    """Say how the clips of a folder are compressed, by its index and those of its shards."""
    codecs: Set[str] = set()
    for index in (root / 'index.csv', *root.glob('index-*-of-*.csv')):
        # what is wrong with an index is told by read_rows
        with suppress(OSError, ValueError, csv.Error), open(index, encoding='utf-8-sig') as stream:
            codecs.update(row.get('codec') or '' for row in csv.DictReader(stream))
    return codecs


def closing_table(rows: Iterable[Row]) -> Table:
    """Count the videos per method and split: expected, used, and each way not to be used."""
    cells: Dict[tuple, Counter] = {}
    for row in rows:
        cells.setdefault((row['method'], row['split']), Counter())[row['status']] += 1
    methods = in_order(method for method, _ in cells)
    order = sorted(cells, key=lambda cell: (methods.index(cell[0]), SPLITS.index(cell[1])))
    unused = [s for s in STATUSES if s != USED and any(cells[cell][s] for cell in cells)]
    table = Table(box=None, header_style='bold', pad_edge=False)
    table.add_column('method')
    table.add_column('split')
    for name in ('expected', 'used', *unused):
        table.add_column(name, justify='right')
    total: Counter = Counter()
    for method, split in order:
        counts = cells[method, split]
        total.update(counts)
        table.add_row(method_name(method), split, *_numbers(counts, unused))
    table.add_section()
    table.add_row('all', '', *_numbers(total, unused))
    return table


def time_line(seconds: Mapping[str, float], videos: int) -> str:
    """Say on what the seconds of all processes were spent, in one line."""
    total = sum(seconds.values())
    if not videos or not total:
        return 'nothing had to be made'
    shares = ', '.join(f'{name} {spent / total:.0%}' for name, spent in sorted(seconds.items()))
    return (
        f'{videos} videos made, each in {total / videos:.2f} s of one process (wall time): {shares}'
    )


def _numbers(counts: Counter, unused: List[str]) -> List[str]:
    """Lay out the counts of one line of the table."""
    return [str(sum(counts.values())), *(str(counts[name]) for name in (USED, *unused))]
