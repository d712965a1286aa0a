"""An index as it is, sound or not."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from mmfake.datasets.video_index import COLUMNS
from mmfake.errors import MMFakeError, sample_of

from .clip_facts import ClipFacts
from .index_row import IndexRow
from .row_faults import row_faults


@dataclass
class IndexTable:
    """All that the rules look at.

    Args:
        path (Path): The index.
        columns (tuple[str]): Its columns.
        rows (list[IndexRow]): Its sound rows, in order.
        faults (list[tuple[str, str]]): Where and what of everything that is wrong with the header
            or with a row by itself; such a row is not among ``rows``.
        clips (dict[str, ClipFacts], optional): What is known of the clip of each used row, by
            ``path``. Defaults to None: the clips were not opened.
    """

    path: Path
    columns: Tuple[str, ...]
    rows: List[IndexRow]
    faults: List[Tuple[str, str]] = field(default_factory=list)
    clips: Optional[Dict[str, ClipFacts]] = None

    @property
    def used(self) -> List[IndexRow]:
        """list[IndexRow]: The rows that should have a clip."""
        return [row for row in self.rows if row.used]

    def file(self, relative: str) -> Path:
        """Say where a file is that the index names.

        Args:
            relative (str): As in the index: relative to its folder, or absolute.
        """
        return self.path.parent / relative


def read_table(path: Path) -> IndexTable:
    """Read an index as far as it can be read, and keep account of the rest.

    Args:
        path (Path): The CSV file.

    Returns:
        IndexTable: Without clips.

    Raises:
        MMFakeError: If it is not there or nothing like an index.
    """
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
    absent = [name for name in COLUMNS if name not in columns]
    if absent:
        table.faults.append(('line 1', f'the columns {sample_of(absent)} are not there'))
    if not lines:
        table.faults.append(('line 1', 'no row follows'))
    for number, fields in lines:
        faults = []
        if None in fields or None in fields.values():
            faults.append('it has not as many fields as the header')
        row = IndexRow(number, {name: fields[name] or '' for name in columns})
        faults += row_faults(row)
        table.faults += [(row.where, fault) for fault in faults]
        if not faults:
            table.rows.append(row)
    return table
