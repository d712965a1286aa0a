"""Celeb-DF v2."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, Set, Tuple

from mmfake.datasets.ffpp_tree import RELEASED
from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.protocol import VideoRecord
from mmfake.errors import MMFakeError

from .official_list import read_each, read_lines

DATASET = 'celebdf2'

TEST_LIST = 'List_of_testing_videos.txt'

# folder -> form of its file names; in a fake's the target comes first: id0_id1_0000 is made from
# id0_0000 with the face of id1
_FOLDERS = {
    'Celeb-real': re.compile(r'(id\d+_\d{4})\.mp4'),
    'YouTube-real': re.compile(r'(\d{5})\.mp4'),
    'Celeb-synthesis': re.compile(r'((id\d+)_(id\d+)_(\d{4}))\.mp4'),
}
_FAKES = 'Celeb-synthesis'


def list_celebdf2(root: str, faults: List[str]) -> List[VideoRecord]:
    """List Celeb-DF v2: test as its list says, train all others.

    In that list, a line is ``<flag> <folder>/<file>`` and flag 1 means REAL. A line that makes no
    sense is noted in ``faults``; a video whose flag is not that of its folder is left out.
    """
    for folder in _FOLDERS:
        if not Path(root, folder).is_dir():
            there = ', '.join(sorted(p.name for p in Path(root).iterdir() if p.is_dir()))
            raise MMFakeError(
                f'no folder {Path(root, folder)} of Celeb-DF v2 (there is {there or "none"}): '
                'its folders must have their official names'
            )
    tested: Dict[Tuple[str, str], Set[str]] = {}  # the flags of each (folder, file)
    for folder, file, flag in read_each(read_lines(Path(root, TEST_LIST)), _read_line, faults):
        tested.setdefault((folder, file), set()).add(flag)
    records = []
    for folder, form in _FOLDERS.items():
        present = {p.name for p in Path(root, folder).iterdir() if form.fullmatch(p.name)}
        for name in sorted(present.union(file for home, file in tested if home == folder)):
            flags = tested.get((folder, name), set())
            right = '0' if folder == _FAKES else '1'
            if flags <= {right}:
                records.append(_record(Path(root, folder, name), 'test' if flags else 'train'))
            else:
                faults.append(
                    f'list {Path(root, TEST_LIST)}: {folder}/{name} contradicts itself: flag 1 '
                    'means real, 0 manipulated'
                )
    return records


def _read_line(where: str, line: str) -> Tuple[str, str, str]:
    """Read folder, file and flag of one test video."""
    flag, _, name = line.partition(' ')
    folder, _, file = name.strip().partition('/')
    if flag not in ('0', '1') or not file:
        raise MMFakeError(
            f'{where}: {line!r} is not "<flag> <folder>/<file>", e.g. "1 YouTube-real/00170.mp4"'
        )
    if folder not in _FOLDERS:
        raise MMFakeError(f'{where}: folder {folder!r} is none of {", ".join(_FOLDERS)}')
    if not _FOLDERS[folder].fullmatch(file):
        raise MMFakeError(f'{where}: {file!r} is no name of a video in {folder}')
    return folder, file, flag


def _record(path: Path, split: str) -> VideoRecord:
    """Describe one video."""
    match = _FOLDERS[path.parent.name].fullmatch(path.name)
    if path.parent.name == _FAKES:
        stem, target, source, clip = match.groups()
        method, target = 'cdf', f'{target}_{clip}'
    else:
        stem = target = match[1]
        method, source = ORIGINAL, ''
    return VideoRecord(DATASET, method, RELEASED, stem, target, source, split, str(path))
