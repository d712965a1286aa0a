"""Rules about what the protocol expects to be there."""

from __future__ import annotations

from collections import Counter, defaultdict

from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.video_record import SPLITS, UNKNOWN

from ..finding import WARNING, Finding
from ..index_table import IndexTable
from ..outcome import Outcome
from .split_rules import FFPP, looks_like_ffpp

EXPECTED = {'train': 720, 'val': 140, 'test': 140}
"""dict[str, int]: Videos of each method of FF++ in each split."""


def counts(table: IndexTable) -> Outcome:
    """FF++ has 720, 140 and 140 videos of each method, used or not; a small set may have any."""
    if not looks_like_ffpp(table):
        return Outcome(0, 'methods', skipped='not the size of FF++')
    present = defaultdict(Counter)
    for row in table.rows:
        if row.dataset == FFPP:
            present[f'{FFPP}/{row["method"]}/{row["compression"]}'][row['split']] += 1
    findings = []
    for where, number in present.items():
        if any(number[split] != EXPECTED[split] for split in SPLITS):
            what = ', '.join(f'{split} {number[split]} of {EXPECTED[split]}' for split in SPLITS)
            remedy = 'prepare the whole dataset, or name the difference with your results'
            findings.append(Finding(WARNING, where, what, remedy))
    return Outcome(len(present), 'methods', findings)


def original_missing(table: IndexTable) -> Outcome:
    """A used fake has its original beside it: without, the pair is not learnt from."""
    originals = {
        (row.dataset, row['compression'], row['target']): row['status']
        for row in table.rows
        if not row.is_fake
    }
    fakes = defaultdict(list)
    for row in table.used:
        if row.is_fake and row['target'] != UNKNOWN:
            fakes[row.dataset, row['compression'], row['target']].append(row['method'])
    findings = []
    for key, methods in fakes.items():
        status = originals.get(key, 'no row')
        if status != 'used':
            dataset, compression, target = key
            what = f'is not used ({status}), its fakes are: {", ".join(sorted(methods))}'
            where = f'{dataset}/{ORIGINAL}/{compression}/{target}'
            remedy = 'fine if its reason is; else prepare the original again'
            findings.append(Finding(WARNING, where, what, remedy))
    return Outcome(sum(map(len, fakes.values())), 'fakes', findings)
