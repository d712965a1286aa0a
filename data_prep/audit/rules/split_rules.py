"""Rules about splits: people in two of them, shared recordings, and an index without those."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

from mmfake.datasets.ffpp_tree import SharedSource, find_shared_sources
from mmfake.datasets.index import MIXED_PEOPLE
from mmfake.datasets.protocol import SPLITS
from mmfake.errors import MMFakeError
from mmfake.files import atomic_file

from ..index_table import ERROR, WARNING, Finding, IndexRow, IndexTable, Outcome

FFPP = 'ffpp'
ALMOST_FFPP = 900
"""int: Ids from which on a dataset is taken for FF++ itself, which has 1000."""


def homes(table: IndexTable) -> Dict[str, Set[str]]:
    """Find the splits of each person, ``dataset/id``: of the original, or of fakes without one.

    There should be one. Datasets whose official lists put people in several are left out.
    """
    of_originals, of_fakes = defaultdict(set), defaultdict(set)
    for row in _unmixed(table):
        for person in row.people:
            (of_fakes if row.is_fake else of_originals)[person].add(row['split'])
    return {**of_fakes, **of_originals}


def looks_like_ffpp(table: IndexTable) -> bool:
    """Tell FF++ from a small set that uses its numbers."""
    targets = {row['target'] for row in table.rows if row.dataset == FFPP}
    return len(targets) >= ALMOST_FFPP


def shared_ids(table: IndexTable) -> Dict[str, Set[str]]:
    """Collect the ids of FF++ with a used video in each split, for :func:`find_shared_sources`."""
    ids: Dict[str, Set[str]] = {split: set() for split in SPLITS}
    if looks_like_ffpp(table):
        for row in table.used:
            if row.dataset == FFPP:
                ids[row['split']].add(row['target'])
    return ids


def id_in_two_splits(table: IndexTable) -> Outcome:
    """A person is in one split: a detector must not be tested on faces it was trained on."""
    people = homes(table)
    findings = [
        Finding(ERROR, person, f'is in {_and(splits)}', 'keep this person in one split')
        for person, splits in people.items()
        if len(splits) > 1
    ]
    return Outcome(len(people), 'ids', findings)


def fake_across_splits(table: IndexTable) -> Outcome:
    """A fake is in the split of both people in it, its target and its source."""
    people = homes(table)
    fakes = [row for row in _unmixed(table) if row.is_fake]
    findings = []
    for row in fakes:
        strangers = [
            f'{person} in {_and(people[person])}'
            for person in row.people
            if len(people[person]) == 1 and row['split'] not in people[person]
        ]
        if strangers:
            what = f'is in {row["split"]} with {" and ".join(strangers)}'
            findings.append(Finding(ERROR, row.where, what, 'leave it out or correct its split'))
    return Outcome(len(fakes), 'fakes', findings)


def shared_source(table: IndexTable) -> Outcome:
    """Seven pairs of FF++ ids in different splits were cut from one YouTube video."""
    ids = shared_ids(table)
    findings = [
        Finding(
            WARNING,
            f'{FFPP}/{source.name}',
            f'is in {split} and {source.twin}, cut from the same video, in {source.twin_split}',
            'published results are with both; --drop-shared-sources writes an index without',
        )
        for split, source in _earlier_copies(ids)
    ]
    return Outcome(sum(map(len, ids.values())), 'ids of FF++', findings)


def _earlier_copies(ids: Dict[str, Set[str]]) -> Iterator[Tuple[str, SharedSource]]:
    """Find the ids, each with its split, whose recording is in a later split as well."""
    for split in SPLITS:
        for source in find_shared_sources(ids, split):
            if SPLITS.index(split) < SPLITS.index(source.twin_split):
                yield split, source


def _unmixed(table: IndexTable) -> List[IndexRow]:
    return [row for row in table.rows if row.dataset not in MIXED_PEOPLE]


def _and(splits: Set[str]) -> str:
    return ' and '.join(sorted(splits, key=SPLITS.index))


def write_without_shared_sources(table: IndexTable, out: Path) -> int:
    """Write the index without the copy in the EARLIER split of each shared recording.

    It is what ``drop_shared_sources=True`` does in a config: what is measured on stays whole.
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
    names = {f'{FFPP}/{source.name}' for _, source in _earlier_copies(shared_ids(table))}
    kept = [row.fields for row in table.rows if names.isdisjoint(row.people)]
    with atomic_file(out, 'the index') as temporary, open(
        temporary, 'w', encoding='utf-8', newline=''
    ) as stream:
        writer = csv.DictWriter(stream, table.columns, lineterminator='\n')
        writer.writeheader()
        writer.writerows(kept)
    return len(table.rows) - len(kept)
