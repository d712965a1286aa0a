"""One row of a preview: an original and what was made of it."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, List, Tuple

from audit.index_row import IndexRow
from audit.index_table import IndexTable

from mmfake.datasets.manipulations import ORIGINAL, manipulation_keys


@dataclass(frozen=True)
class SheetRow:
    """The videos of one identity.

    Args:
        label (str): Target, compression and split.
        videos (dict[str, IndexRow]): Its videos by method; of several fakes of a method the first.
        frame (int): The frame of the clips to show, from 0: the middle of the shortest.
    """

    label: str
    videos: Dict[str, IndexRow]
    frame: int


def choose_rows(table: IndexTable, count: int, seed: int) -> Tuple[List[SheetRow], int]:
    """Draw some identities, every one as likely as another, used or not.

    Args:
        table (IndexTable): The index.
        count (int): How many to draw; all if there are fewer.
        seed (int): Seed of the draw.

    Returns:
        tuple[list[SheetRow], int]: The drawn ones in order, and how many there are in all.
    """
    identities: Dict[Tuple[str, str], List[IndexRow]] = defaultdict(list)
    for row in table.rows:
        identities[row.origin, row['compression']].append(row)
    keys = sorted(identities)
    drawn = sorted(random.Random(seed).sample(keys, min(count, len(keys))))
    return [_sheet_row(identities[key]) for key in drawn], len(keys)


def methods_of(rows: List[SheetRow]) -> List[str]:
    """List the methods of some rows.

    Args:
        rows (list[SheetRow]): The rows.

    Returns:
        list[str]: ``'original'`` first, then in the order of the table of manipulations.
    """
    present = {method for row in rows for method in row.videos}
    return [key for key in (ORIGINAL, *manipulation_keys(True)) if key in present]


def _sheet_row(videos: List[IndexRow]) -> SheetRow:
    by_method: Dict[str, IndexRow] = {}
    for row in sorted(videos, key=lambda row: row.video_id):
        by_method.setdefault(row['method'], row)
    lengths = [row.frames for row in by_method.values() if row.used and row.frames is not None]
    first = videos[0]
    label = '\n'.join((first['target'], first['compression'], first['split']))
    return SheetRow(label, by_method, min(lengths, default=1) // 2)
