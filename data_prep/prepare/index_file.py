"""What a preparation says at its end."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Dict, Iterable, List, Mapping

import pandas as pd
from rich.table import Table

from mmfake.datasets.index import COLUMNS
from mmfake.datasets.protocol import (
    ORIGINAL,
    SPLITS,
    STATUSES,
    USED,
    VideoRecord,
    get_manipulation,
    manipulation_keys,
)
from mmfake.errors import MMFakeError
from mmfake.files import atomic_file

Row = Dict[str, str]

PROVENANCE = (
    *('track', 'track_of', 'detector', 'detector_version', 'margin', 'size', 'codec'),
    *('source_file', 'source_hash'),
)
"""tuple[str]: The columns after those of every index: how the clip came to be."""


def make_row(video: VideoRecord, root: Path, *facts: Dict[str, str]) -> Row:
    """Write a row."""
    row = dict.fromkeys((*COLUMNS, *PROVENANCE), '')
    row.update(
        id=video.video_id,
        method=video.method,
        compression=video.compression,
        target=video.target,
        source=video.source,
        split=video.split,
        source_file=Path(os.path.relpath(video.filename, root)).as_posix(),
    )
    for some in facts:
        row.update((key, value) for key, value in some.items() if key in row)
    return row


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write an index, sorted: split by split, target by target, each original before its fakes."""
    methods = (ORIGINAL, *manipulation_keys(everything=True))

    def place(row: Row) -> tuple:
        split, method = SPLITS.index(row['split']), methods.index(row['method'])
        return split, row['target'], method, row['id']

    rows = sorted(rows, key=place)
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *PROVENANCE])
    with atomic_file(path, 'the index') as temporary:
        frame.to_csv(temporary, index=False)


def read_rows(path: Path) -> List[Row]:
    """Read the rows of an index as they are."""
    if not path.is_file():
        return []
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        rows = frame[[*COLUMNS, *PROVENANCE]].to_dict('records')
    except (OSError, ValueError, KeyError) as error:  # pandas' own errors are ValueErrors
        reason = ' '.join(str(error).split())[:100]
        raise MMFakeError(
            f'index {path} is damaged or no index of a preparation ({reason}): delete it, it is '
            'written anew from the records beside it'
        ) from None
    return rows


def closing_table(rows: Iterable[Row]) -> Table:
    """Count the videos per method and split: expected, used, and each way not to be used."""
    cells: Dict[tuple, Counter] = {}
    for row in rows:
        cells.setdefault((row['method'], row['split']), Counter())[row['status']] += 1
    keys = ('original', *manipulation_keys(everything=True))
    order = sorted(cells, key=lambda cell: (keys.index(cell[0]), SPLITS.index(cell[1])))
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
        table.add_row(get_manipulation(method).name, split, *_numbers(counts, unused))
    table.add_section()
    table.add_row('all', '', *_numbers(total, unused))
    return table


def time_line(seconds: Mapping[str, float], videos: int) -> str:
    """Say what the time was spent on."""
    total = sum(seconds.values())
    if not videos or not total:
        return 'nothing had to be made'
    shares = ', '.join(f'{name} {spent / total:.0%}' for name, spent in sorted(seconds.items()))
    return f'{videos} videos made, {total / videos:.2f} s of one core each: {shares}'


def _numbers(counts: Counter, unused: List[str]) -> List[str]:
    return [str(sum(counts.values())), *(str(counts[name]) for name in (USED, *unused))]
