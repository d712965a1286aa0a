"""The index that a preparation writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Iterable, List

import pandas as pd

from mmfake.atomic_file import atomic_file
from mmfake.datasets.manipulations import ORIGINAL, manipulation_keys
from mmfake.datasets.video_index import COLUMNS
from mmfake.datasets.video_record import SPLITS, VideoRecord
from mmfake.errors import MMFakeError

Row = Dict[str, str]

PROVENANCE = (
    *('track', 'track_of', 'detector', 'detector_version', 'margin', 'size', 'codec'),
    *('source_file', 'source_hash'),
)
"""tuple[str]: The columns after those of every index: how the clip came to be."""


def make_row(video: VideoRecord, root: Path, *facts: Dict[str, str]) -> Row:
    """Write a row.

    Args:
        video (VideoRecord): The video, its ``filename`` the raw file.
        root (Path): Folder of the index.
        *facts (dict[str, str]): What the other columns hold.

    Returns:
        dict[str, str]: A value for each column.
    """
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
    """Write an index, sorted: split by split, target by target, each original before its fakes.

    Args:
        path (Path): The CSV file.
        rows (Iterable[dict[str, str]]): Its rows, in any order.

    Raises:
        MMFakeError: If it cannot be written.
    """
    methods = (ORIGINAL, *manipulation_keys(everything=True))

    def place(row: Row) -> tuple:
        split, method = SPLITS.index(row['split']), methods.index(row['method'])
        return split, row['target'], method, row['id']

    rows = sorted(rows, key=place)
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *PROVENANCE])
    with atomic_file(path, 'the index') as temporary:
        frame.to_csv(temporary, index=False)


def read_rows(path: Path) -> List[Row]:
    """Read the rows of an index as they are.

    Args:
        path (Path): The CSV file.

    Returns:
        list[dict[str, str]]: Its rows; none if there is no such file.

    Raises:
        MMFakeError: If it is no index of a preparation.
    """
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
