"""What a preparation says at its end."""

from __future__ import annotations

from collections import Counter
from typing import Dict, Iterable, List, Mapping

from rich.table import Table

from mmfake.datasets.manipulations import get_manipulation, manipulation_keys
from mmfake.datasets.video_record import SPLITS, STATUSES, USED

from .index_file import Row


def closing_table(rows: Iterable[Row]) -> Table:
    """Count the videos per method and split: expected, used, and each way not to be used.

    Args:
        rows (Iterable[dict[str, str]]): Rows of the index.

    Returns:
        Table: For the terminal.
    """
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
    """Say what the time was spent on.

    Args:
        seconds (Mapping[str, float]): Seconds by ``decode``, ``faces`` and ``write``, summed over
            the processes.
        videos (int): Videos worked on.

    Returns:
        str: One line.
    """
    total = sum(seconds.values())
    if not videos or not total:
        return 'nothing had to be made'
    shares = ', '.join(f'{name} {spent / total:.0%}' for name, spent in sorted(seconds.items()))
    return f'{videos} videos made, {total / videos:.2f} s of one core each: {shares}'


def _numbers(counts: Counter, unused: List[str]) -> List[str]:
    return [str(sum(counts.values())), *(str(counts[name]) for name in (USED, *unused))]
