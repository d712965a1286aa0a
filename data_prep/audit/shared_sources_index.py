"""An index without the recordings that FF++ has in two splits."""

from __future__ import annotations

import csv
from pathlib import Path

from mmfake.atomic_file import atomic_file
from mmfake.datasets.shared_sources import find_shared_sources
from mmfake.datasets.video_record import SPLITS
from mmfake.errors import MMFakeError

from .index_table import IndexTable
from .rules.split_rules import shared_ids


def write_without_shared_sources(table: IndexTable, out: Path) -> int:
    """Write the index without the copy in the EARLIER split of each shared recording.

    It is what ``drop_shared_sources=True`` does in a config: what is measured on stays whole.

    Args:
        table (IndexTable): The index.
        out (Path): The file to write, in the folder of the index, whose paths start there.

    Returns:
        int: Videos that were left out.

    Raises:
        MMFakeError: If the index has faults, or the place is another folder, the index itself or
            cannot be written.
    """
    if out.resolve().parent != table.path.resolve().parent or out.resolve() == table.path.resolve():
        raise MMFakeError(
            f'--drop-shared-sources {out}: name another file in {table.path.parent}, for the '
            'paths in an index start from its folder'
        )
    if table.faults:
        raise MMFakeError(
            f'--drop-shared-sources {out}: not written, {table.path} has bad rows; mend them first'
        )
    ids = shared_ids(table)
    dropped = {
        source.name
        for split in SPLITS
        for source in find_shared_sources(ids, split)
        if SPLITS.index(split) < SPLITS.index(source.twin_split)
    }
    names = {f'ffpp/{name}' for name in dropped}
    kept = [row.fields for row in table.rows if names.isdisjoint(row.people)]
    with atomic_file(out, 'the index') as temporary, open(
        temporary, 'w', encoding='utf-8', newline=''
    ) as stream:
        writer = csv.DictWriter(stream, table.columns, lineterminator='\n')
        writer.writeheader()
        writer.writerows(kept)
    return len(table.rows) - len(kept)
