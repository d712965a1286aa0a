"""Rules about duplicates: equal bytes, and clips that look alike (perceptual hashes)."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import Dict, FrozenSet, Iterator, List, Sequence, Tuple

import numpy as np

from mmfake.datasets.ffpp_tree import SHARED_SOURCES
from mmfake.datasets.protocol import SPLITS
from mmfake.errors import sample_of

from ..index_table import ERROR, WARNING, Finding, IndexRow, IndexTable, Outcome
from .split_rules import looks_like_ffpp

THRESHOLD = 0.25
"""float: Share of differing bits below which two clips are taken for copies of one video.

Measured as the mean over five frames of face crops of 160 px. Strangers: 0.375 or more (240 pairs
of 16 real people, mean 0.47, standard deviation 0.03) and 0.32 or more (2,016 pairs of 64 rendered
ones, 0.47 and 0.04). Copies of the 16 real videos, changed and then prepared like the others, at
most: brighter by 25 of 255 0.05, encoded with crf 36 0.16, the picture cropped by 4 % 0.15, at 60 %
of the size and two frames later 0.14. A copy that was not cropped by a face detector is found if
the crop is off by up to 1 % (0.20) or 3 % closer (0.19), rarely from 5 % on.
"""

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


def near_duplicates(
    first: np.ndarray, second: np.ndarray, threshold: float = THRESHOLD
) -> Iterator[Tuple[int, int, float]]:
    """Compare the clips of two sets, (n, 5, 256) and (m, 5, 256) bool, each with each.

    Gives those below the threshold: number in either set, and the share of bits that differ.
    """
    if not len(first) or not len(second):
        return
    # With bits written as -1 and 1 the scalar product is the number of equal bits less that of
    # different ones. All of it is whole numbers below 2 ** 24, exact in float32, and a matrix
    # product beats counting the bits of an exclusive or.
    others = _signs(second).T
    bits = len(others)
    for start in range(0, len(first), 512):
        shares = (bits - _signs(first[start : start + 512]) @ others) / (2 * bits)
        for one, other in np.argwhere(shares < threshold):
            yield start + int(one), int(other), float(shares[one, other])


def _signs(hashes: Sequence[np.ndarray]) -> np.ndarray:
    """Write each clip as one row of -1 and 1."""
    return np.where(np.reshape(hashes, (len(hashes), -1)), np.float32(1), np.float32(-1))
