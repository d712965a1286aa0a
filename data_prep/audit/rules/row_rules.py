"""Rules about the rows of an index, each by itself."""

from __future__ import annotations

from collections import Counter, defaultdict

from mmfake.datasets.index import read_index
from mmfake.datasets.manipulations import ORIGINAL, in_order, manipulation_keys
from mmfake.datasets.protocol import STATUSES
from mmfake.errors import MMFakeError, sample_of

from ..index_table import ERROR, WARNING, Finding, IndexTable, Outcome


def bad_row(table: IndexTable) -> Outcome:
    """Every row must make sense by itself; the other rules do not see those that do not."""
    bad = {fault.where for fault in table.faults if fault.where != 'line 1'}
    return Outcome(len(table.rows) + len(bad), 'rows', table.faults)


def duplicate_row(table: IndexTable) -> Outcome:
    """A video has one row, and a clip belongs to one row."""
    findings = []
    for column, rows in (('id', table.rows), ('path', table.used)):
        lines = defaultdict(list)
        for row in rows:
            lines[row[column]].append(row)
        for value, same in lines.items():
            ids = {row.video_id for row in same}
            if len(same) > 1 and (column == 'id' or len(ids) > 1):
                what = f'{column} of the rows in lines {sample_of(row.line for row in same)}'
                findings.append(Finding(ERROR, value, what, 'leave one of them'))
    return Outcome(len(table.rows), 'rows', findings)


def status_without_reason(table: IndexTable) -> Outcome:
    """A video that is not used says why: nothing vanishes silently."""
    unused = [row for row in table.rows if not row.used]
    findings = [
        Finding(ERROR, row.where, f'status {row["status"]} without a reason', 'write down why')
        for row in unused
        if not row['reason'].strip()
    ]
    return Outcome(len(unused), 'rows not used', findings)


def unknown_status(table: IndexTable) -> Outcome:
    """A status that the data preparation does not write may be a typing error for ``used``."""
    findings = [
        Finding(
            WARNING,
            row.where,
            f'status {row["status"]!r} is none of {", ".join(STATUSES)}',
            'the video counts as not used: correct it if that is not meant',
        )
        for row in table.rows
        if row['status'] not in STATUSES
    ]
    return Outcome(len(table.rows), 'rows', findings)


def unknown_method(table: IndexTable) -> Outcome:
    """A method that is not in the table of manipulations is one of your own, or a slip."""
    counts = Counter(row['method'] for row in table.rows)
    known = (ORIGINAL, *manipulation_keys(everything=True))
    findings = [
        Finding(
            WARNING,
            f'method {method!r}',
            f'{counts[method]} videos; known are {", ".join(known)}',
            'if it is one of your own, data_prep/README.md says how a config registers it',
        )
        for method in in_order(counts)
        if method not in known
    ]
    return Outcome(len(counts), 'methods', findings)


def index_refused(table: IndexTable) -> Outcome:
    """What training reads must be what was checked here: its own reader has the last word."""
    try:
        read_index(str(table.path))
    except MMFakeError as error:
        what = f'training refuses it: {error}'
        remedy = 'the findings of the other rules say where to begin'
        return Outcome(1, 'index', [Finding(ERROR, str(table.path.name), what, remedy)])
    return Outcome(1, 'index')
