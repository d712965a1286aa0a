"""Two folders of your own: ``real/`` and ``fake/``, split by the names of the files."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from mmfake.datasets.ffpp_tree import RELEASED
from mmfake.datasets.manipulations import ORIGINAL, canonical_method, manipulation_keys
from mmfake.datasets.protocol import SPLITS, UNKNOWN, VideoRecord
from mmfake.errors import MMFakeError, sample_of
from mmfake.video.frame_reader import VIDEO_SUFFIXES as SUFFIXES

from .official_list import read_lines

logger = logging.getLogger(__name__)  # not that of mmengine, which imports torch

DATASET = 'own'

METHOD = 'fake'
"""str: The method of a fake that is in no folder with the name of a manipulation."""

_SHARES = dict(val=0.15, test=0.15)  # of the families; the others train

Groups = Dict[str, List[VideoRecord]]


def list_folders(
    root: str, faults: List[str], splits_dir: Optional[str] = None
) -> List[VideoRecord]:
    """List the videos of ``real/`` and ``fake/``, at any depth, linked folders included.

    A fake belongs to the original with whose name its own begins: ``fake/033_097.mp4`` to
    ``real/033.mp4`` and, as the rest of its name is an original too, to ``real/097.mp4``. Videos
    in one folder of ``real/``, or in a folder of that name in ``fake/``, show one person. Whatever
    belongs together, a family, is in one split: 70 % of the families train, 15 % validate and 15 %
    test, in the order of a hash of their names. The method of ``fake/df/033_097.mp4`` is ``df``,
    as in ``fake/Deepfakes/`` and any folder with a name of a manipulation; else it is ``fake``.

    Args:
        root (str): The folder that holds both.
        faults (list[str]): Takes up the folders that are passed over, and the names in
            ``splits_dir`` that no video has.
        splits_dir (str, optional): Folder of ``train``, ``val`` and ``test``, each ``.txt`` (a name
            per line) or ``.json`` (a list of names, or of pairs as those of FF++). A name brings
            its whole family; families without one are left out. Defaults to None: by the rule.

    Returns:
        list[VideoRecord]: Split by split, family by family.

    Raises:
        MMFakeError: If a folder is missing, or a split would lack originals or fakes.
    """
    real, fake = (_find(Path(root, folder), faults) for folder in ('real', 'fake'))
    records, families = [], _Families()
    # Originals, and who of them is one person.
    originals, people = set(), set()
    for parts, path in real:
        stem = '-'.join(parts)
        records.append(_record(ORIGINAL, stem, stem, '', path))
        originals.add(stem)
        if len(parts) > 1:
            people.add(parts[:-1])
            families.join(_key(records[-1]), '/'.join(parts[:-1]) + '/')
    # Fakes, and whom they show.
    for parts, path in fake:
        method = METHOD
        if len(parts) > 1 and canonical_method(parts[0]) in manipulation_keys(True):
            method, parts = canonical_method(parts[0]), parts[1:]
        target, source = _people(parts, originals)
        records.append(_record(method, '-'.join(parts), target, source, path))
        for original in {target, source} - {UNKNOWN}:
            families.join(_key(records[-1]), f'{ORIGINAL}/{original}')
        if parts[:-1] in people:
            families.join(_key(records[-1]), '/'.join(parts[:-1]) + '/')
    strangers = [one.stem for one in records if one.target == UNKNOWN]
    if strangers:
        logger.warning(
            f'{len(strangers)} of {len(records) - len(originals)} fakes name no original '
            f'({sample_of(strangers)}): a name begins with that of its original, else nothing '
            'keeps the two in one split'
        )
    # Every family into its split.
    groups: Groups = defaultdict(list)
    for record in records:
        groups[families.head(_key(record))].append(record)
    home = _read_splits(Path(splits_dir), groups, faults) if splits_dir else _share_out(groups)
    return _in_splits(groups, home)


# ---- what there is


def _find(folder: Path, faults: List[str]) -> List[Tuple[Tuple[str, ...], Path]]:
    """Find the videos in a folder: the parts of each name, without the suffix, and the file."""
    if not folder.is_dir():
        raise MMFakeError(
            f'no folder {folder}: --dataset folders reads the originals in real/ and the '
            'manipulated videos in fake/'
        )
    found: List[Path] = []
    others: Dict[str, int] = Counter()
    seen: Set[str] = set()

    def pass_over(error: OSError) -> None:
        faults.append(f'folder {error.filename} cannot be read ({error.strerror})')

    for place, folders, files in os.walk(folder, onerror=pass_over, followlinks=True):
        if os.path.realpath(place) in seen:
            faults.append(f'folder {place} is a link to one that is read already')
            folders.clear()
            continue
        seen.add(os.path.realpath(place))
        folders.sort()
        paths = [Path(place, name) for name in files if not name.startswith('.')]
        found += (path for path in paths if path.suffix.lower() in SUFFIXES)
        others.update(path.suffix.lower() for path in paths)
    counts = [(suffix, n) for suffix, n in sorted(others.items()) if suffix not in SUFFIXES]
    if counts:
        told = ', '.join(f'{suffix or "without suffix"} {n}' for suffix, n in counts)
        logger.warning(
            f'{folder}: passed over {sum(n for _, n in counts)} files that are no videos ({told}); '
            'a video that lies there as pictures is not read: make a video of them'
        )
    if not found:
        raise MMFakeError(f'{folder} holds no video ({", ".join(SUFFIXES)})')
    return [(path.relative_to(folder).with_suffix('').parts, path) for path in sorted(found)]


def _record(method: str, stem: str, target: str, source: str, path: Path) -> VideoRecord:
    """Describe a video whose split is not known yet."""
    return VideoRecord(DATASET, method, RELEASED, stem, target, source, '', str(path))


def _key(record: VideoRecord) -> str:
    """Name a video of either folder."""
    return f'{record.method}/{record.stem}'


def _people(parts: Sequence[str], originals: Set[str]) -> Tuple[str, str]:
    """Read from the name of a fake its target and source, as far as it tells them."""
    for skipped in range(len(parts)):  # its folders may be the original's, or say the method
        name = '-'.join(parts[skipped:])
        target = _first(name, originals)
        if target:
            rest = name[len(target) :].lstrip('_-. ')
            return target, _first(rest, originals - {target}) or UNKNOWN
    return UNKNOWN, UNKNOWN


def _first(name: str, originals: Set[str]) -> str:
    """Find the longest name of an original with which a name begins, up to the end of a word."""
    ends = [match.start() for match in re.finditer(r'[_\-. ]|$', name)]
    return next((name[:end] for end in reversed(ends) if name[:end] in originals), '')


# ---- what belongs together


class _Families:
    """Names that belong together (disjoint sets)."""

    def __init__(self) -> None:
        self._above: Dict[str, str] = {}

    def head(self, name: str) -> str:
        """Give the name that stands for all of a family."""
        while self._above.setdefault(name, name) != name:
            name = self._above[name]
        return name

    def join(self, one: str, other: str) -> None:
        """Make two families one, which the smaller name stands for."""
        low, high = sorted((self.head(one), self.head(other)))
        self._above[high] = low


def _share_out(groups: Groups) -> Dict[str, str]:
    """Give each family a split; those with originals, with fakes and with both are shared alike."""
    alike: Dict[FrozenSet[int], List[str]] = defaultdict(list)
    for name, records in groups.items():
        alike[frozenset(record.label_bin for record in records)].append(name)
    home: Dict[str, str] = {}
    for names in alike.values():
        names.sort(key=lambda name: hashlib.blake2b(name.encode()).digest())
        least = int(len(names) >= len(SPLITS))
        splits = [
            s for s, share in _SHARES.items() for _ in range(max(least, round(share * len(names))))
        ]
        splits += ['train'] * (len(names) - len(splits))
        home.update(zip(names, splits))
    return home


def _read_splits(folder: Path, groups: Groups, faults: List[str]) -> Dict[str, str]:
    """Read the split of each family that a list names."""
    family = {record.stem: name for name, records in groups.items() for record in records}
    home: Dict[str, str] = {}
    for split in SPLITS:
        for where, name in _names(folder, split):
            path = Path(name)
            bare = path.with_suffix('') if path.suffix.lower() in SUFFIXES else path
            stem = '-'.join(bare.parts)
            if stem not in family:
                faults.append(f'{where}: there is no video {name} in real/ or fake/')
                continue
            if home.setdefault(family[stem], split) != split:
                raise MMFakeError(
                    f'{where}: {name} is in {split}, and its original, a fake of it or the same '
                    f'person in {home[family[stem]]}: put all of them into one split'
                )
    left_out = [r.stem for name, some in groups.items() if name not in home for r in some]
    if left_out:
        logger.warning(
            f'{len(left_out)} videos are in no list in {folder} and left out: {sample_of(left_out)}'
        )
    return home


def _names(folder: Path, split: str) -> List[Tuple[str, str]]:
    """Read the names of a list, and where each of them is."""
    path = folder / f'{split}.json'
    if not path.is_file():
        return list(read_lines(folder / f'{split}.txt'))
    try:
        entries = json.loads(path.read_text(encoding='utf-8-sig'))
        names = [n for entry in entries for n in ([entry] if isinstance(entry, str) else entry)]
    except (OSError, ValueError, TypeError) as error:
        raise MMFakeError(f'list {path} is no JSON list of names ({error})') from None
    return [(f'list {path}', str(name)) for name in names]


def _in_splits(groups: Groups, home: Dict[str, str]) -> List[VideoRecord]:
    """Put the records into their splits, each of which must have originals and fakes."""
    records = []
    for split in SPLITS:
        mine = [
            VideoRecord(**{**vars(record), 'split': split})
            for name in sorted(groups)
            if home.get(name) == split
            for record in groups[name]
        ]
        kinds = {record.label_bin for record in mine}
        for label, what in enumerate(('original', 'manipulated video')):
            if label not in kinds:
                raise MMFakeError(
                    f'split {split} would have no {what}: {len(groups)} groups of videos that '
                    'belong together are too few, or have too few fakes; add videos, or say with '
                    '--splits DIR which are in train.txt, val.txt and test.txt'
                )
        records += mine
    return records
