"""Rules about the protocol, and about traces that give the label away without the face."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import PurePosixPath
from statistics import median
from typing import Dict, List

from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.protocol import SPLITS, UNKNOWN

from ...prepare.person_search import same_rate
from ..index_table import ERROR, WARNING, Finding, IndexRow, IndexTable, Outcome
from .split_rules import FFPP, looks_like_ffpp

# ---- which videos there are

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


def both_kinds(table: IndexTable) -> Outcome:
    """A split has originals and fakes: one kind alone teaches nothing and measures nothing."""
    splits = [split for split in SPLITS if any(row['split'] == split for row in table.rows)]
    used = {(row['split'], row.is_fake) for row in table.used}
    findings = []
    for is_fake, kind in ((False, 'original'), (True, 'fake')):
        lacking = [split for split in splits if (split, is_fake) not in used]
        if lacking:
            what = f'no {kind} is used in {", ".join(lacking)}'
            remedy = 'prepare both kinds; data_prep/README.md says where their videos must lie'
            findings.append(Finding(WARNING, table.path.name, what, remedy))
    return Outcome(len(splits), 'splits', findings)


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


# ---- whether they were made alike

SETTINGS = ('codec', 'margin', 'size', 'detector', 'detector_version')
"""tuple[str]: The columns that say how a clip was made."""


def unequal_codec(table: IndexTable) -> Outcome:
    """Originals and fakes were cropped and encoded alike: a detector learns any difference.

    Within one dataset and compression, every method has the same settings and the same file format.
    Settings that are mixed alike in all methods are a warning.
    """
    findings = []
    for where, methods in _by_method(table).items():
        for column in (*(name for name in SETTINGS if name in table.columns), 'format'):
            values = {
                method: sorted({_setting(row, column) for row in rows})
                for method, rows in methods.items()
            }
            if len(set(map(tuple, values.values()))) > 1:
                shown = '; '.join(f'{method}: {", ".join(v)}' for method, v in values.items())
                remedy = 'prepare all methods with the same settings'
                findings.append(Finding(ERROR, where, f'{column} differs ({shown})', remedy))
            elif len(next(iter(values.values()))) > 1:
                shown = ', '.join(next(iter(values.values())))
                remedy = 'prepare all videos with the same settings'
                findings.append(Finding(WARNING, where, f'{column} is mixed ({shown})', remedy))
    return Outcome(len(table.used), 'videos', findings)


# column, its unit, what is alike enough, what to do where it is not
_ALIKE = (
    (
        *('frames', 'frames', lambda length, usual: usual / 2 < length < usual * 2),
        'prepare them alike, unless the raw videos are so',
    ),
    (
        *('fps', 'frames per s', same_rate),
        'convert the raw videos to one rate, or a detector may learn the difference',
    ),
)


def unequal_frames(table: IndexTable) -> Outcome:
    """The clips of a method are not half or twice as long, or at another rate, by the median."""
    findings = []
    for where, methods in _by_method(table).items():
        for column, unit, alike, remedy in _ALIKE:
            medians = {
                method: median([float(row[column]) for row in rows if row[column]] or [0])
                for method, rows in methods.items()
            }
            usual = medians.get(ORIGINAL)
            for method, value in medians.items():
                if usual and value and not alike(value, usual):
                    what = f'{method} clips have {value:g} {unit} and originals {usual:g} (medians)'
                    findings.append(Finding(WARNING, where, what, remedy))
    return Outcome(len(table.used), 'videos', findings)


def unequal_track(table: IndexTable) -> Outcome:
    """All fakes of an original that have its frame rate are cut out along its track, or none is."""
    rows = {row.video_id: row for row in table.used}
    fakes = [row for row in table.used if row.is_fake]
    followed = {row['track_of'] for row in fakes if row['track_of'] != row.video_id}
    findings = []
    for row in fakes:
        guide = rows.get(row['track_of'])
        name = f'{row.dataset}/{ORIGINAL}/{row["compression"]}/{row["target"]}'
        if guide is row and name in followed and name in rows and _at_one_rate(row, rows[name]):
            what = f'is cut out along a track of its own, other fakes along that of {name}'
            remedy = 'fine if its shape is another; else prepare these methods in one run'
            findings.append(Finding(WARNING, row.video_id, what, remedy))
        if guide is not None and not _at_one_rate(row, guide):
            what = (
                f'has {row["fps"]} frames per s, and {guide.video_id}, along whose track it is cut '
                f'out, has {guide["fps"]}'
            )
            remedy = (
                'fine if it was made frame by frame; else delete its file in records/ and prepare '
                'it again'
            )
            findings.append(Finding(WARNING, row.video_id, what, remedy))
    return Outcome(len(fakes), 'fakes', findings)


def _at_one_rate(row: IndexRow, other: IndexRow) -> bool:
    """Whether two clips have the same frames per s, as far as the index says."""
    rates = [float(one['fps']) for one in (row, other) if one['fps']]
    return len(rates) < 2 or same_rate(*rates)


def _by_method(table: IndexTable) -> Dict[str, Dict[str, List[IndexRow]]]:
    """Group the used videos by dataset and compression, and these by method."""
    groups: Dict[str, Dict[str, List[IndexRow]]] = defaultdict(lambda: defaultdict(list))
    for row in table.used:
        groups[f'{row.dataset}/*/{row["compression"]}'][row['method']].append(row)
    return groups


def _setting(row: IndexRow, column: str) -> str:
    if column == 'format':
        return PurePosixPath(row['path']).suffix.lower() or 'folder'
    return row[column] or 'nothing'
