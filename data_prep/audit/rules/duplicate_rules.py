"""Rules about videos that are there more than once."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import Dict, FrozenSet, List, Tuple

import numpy as np

from mmfake.datasets.shared_sources import SHARED_SOURCES
from mmfake.datasets.video_record import SPLITS
from mmfake.errors import sample_of

from ..finding import ERROR, WARNING, Finding
from ..index_row import IndexRow
from ..index_table import IndexTable
from ..near_duplicates import near_duplicates
from ..outcome import Outcome
from .split_rules import looks_like_ffpp

_SHARED = {frozenset(f'ffpp/{name}' for name in pair) for pair in SHARED_SOURCES}


def exact_duplicate(table: IndexTable) -> Outcome:
    """Two videos are not the same file, by the hash of the raw video or by the clip's bytes.

    It is an error across splits, and between an original and a fake; else a warning.
    """
    findings = []
    for what, rows in _same_bytes(table):
        label = 'as original and fake' if len({row.is_fake for row in rows}) > 1 else ''
        splits = sorted({row['split'] for row in rows}, key=SPLITS.index)
        place = f'in {" and ".join(splits)}' if len(splits) > 1 else label
        severity = ERROR if len(splits) > 1 or label else WARNING
        ids = sample_of(row.video_id for row in rows[1:])
        message = f'has the {what} of {ids}' + (f', {place}' if place else '')
        findings.append(Finding(severity, rows[0].where, message, 'leave one of them'))
    return Outcome(len(table.used), 'videos', findings)


def near_duplicate(table: IndexTable) -> Outcome:
    """Clips in different splits do not look alike as copies do; one finding per pair of people.

    Not looked at are people whom another rule reports: the same id, the same bytes, and the shared
    recordings of FF++.
    """
    if table.clips is None:
        return Outcome(0, 'clips', skipped='--no-decode')
    rows = [row for row in table.used if table.clips[row['path']].look is not None]
    # small sets use the numbers of FF++ for other people
    known = (_SHARED if looks_like_ffpp(table) else set()) | {
        frozenset((one.origin, other.origin))
        for _, same in _same_bytes(table)
        for one, other in combinations(same, 2)
    }
    by_split = {split: [row for row in rows if row['split'] == split] for split in SPLITS}
    closest: Dict[FrozenSet[str], Tuple[float, IndexRow, IndexRow]] = {}
    count: Dict[FrozenSet[str], int] = defaultdict(int)
    for one, other in combinations(SPLITS, 2):
        looks = [
            np.array([table.clips[row['path']].look for row in by_split[split]])
            for split in (one, other)
        ]
        for i, j, share in near_duplicates(*looks):
            first, second = by_split[one][i], by_split[other][j]
            people = frozenset((first.origin, second.origin))
            if len(people) == 1 or people in known:
                continue
            count[people] += 1
            if people not in closest or share < closest[people][0]:
                closest[people] = (share, first, second)
    findings = [
        Finding(
            ERROR,
            first.where,
            f'in {first["split"]} looks like {second.video_id} in {second["split"]} '
            f'({100 * share:.0f} % of the hash differ; pairs of clips alike: {count[people]})',
            'look at both, and keep this person in one split',
        )
        for people, (share, first, second) in closest.items()
    ]
    return Outcome(len(rows), 'clips', findings)


def _same_bytes(table: IndexTable) -> List[Tuple[str, List[IndexRow]]]:
    """Group different videos with equal hashes; a group is named once, by the raw file if so."""
    groups, seen = [], set()
    for what in ('raw file', 'clip'):
        same = defaultdict(dict)
        for row in table.used:
            if what == 'raw file':
                value = row['source_hash']
            else:
                value = table.clips[row['path']].digest if table.clips else ''
            if value:
                same[value].setdefault(row.video_id, row)
        for rows in same.values():
            ids = frozenset(rows)
            if len(ids) > 1 and ids not in seen:
                seen.add(ids)
                groups.append((what, list(rows.values())))
    return groups
