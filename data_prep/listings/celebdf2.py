"""Celeb-DF v2, and Celeb-DF++, which adds 21 generators to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

from mmfake.datasets.ffpp_tree import RELEASED
from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.protocol import UNKNOWN, VideoRecord
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
    _check_folders(root, 'Celeb-DF v2')
    if any(Path(root, _FAKES).glob(f'{_SCENARIOS[0]}/*')):
        raise MMFakeError(
            f'{Path(root, _FAKES)} holds folders of generators, which Celeb-DF v2 has not'
        )
    return _list(root, DATASET, _FOLDERS, faults)


# ---- Celeb-DF++

PLUS_DATASET = 'celebdfpp'

_SCENARIOS = ('FaceSwap', 'FaceReenact', 'TalkingFace')
_GENERATED = re.compile(r'([\w.-]+)\.mp4')


def list_celebdfpp(root: str, faults: List[str]) -> List[VideoRecord]:
    """List Celeb-DF++: test as its list says, train all others.

    Its fakes are in ``Celeb-synthesis/<scenario>/<generator>``, and different generators use the
    same file names, so that the generator is part of a fake's stem. The target of a swapped face
    is known by its name. Reenacted and talking faces do not follow a video frame by frame, so that
    theirs counts as unknown, and nothing is cropped along it. Lines that make no sense are noted in
    ``faults``, as of Celeb-DF v2.
    """
    _check_folders(root, 'Celeb-DF++')
    found = (path for name in _SCENARIOS for path in Path(root, _FAKES, name).glob('*'))
    generators = sorted(path.relative_to(root).as_posix() for path in found if path.is_dir())
    if not generators:
        raise MMFakeError(
            f'{Path(root, _FAKES)} has no folder of a generator such as FaceSwap/SimSwap'
        )
    forms = {name: form for name, form in _FOLDERS.items() if name != _FAKES}
    forms.update(dict.fromkeys(generators, _GENERATED))
    return _list(root, PLUS_DATASET, forms, faults)


# ---- both


def _check_folders(root: str, title: str) -> None:
    """Refuse a tree without one of the three folders."""
    for folder in _FOLDERS:
        if not Path(root, folder).is_dir():
            there = ', '.join(sorted(p.name for p in Path(root).iterdir() if p.is_dir()))
            raise MMFakeError(
                f'no folder {Path(root, folder)} of {title} (there is {there or "none"}): '
                'its folders must have their official names'
            )


def _list(
    root: str, dataset: str, forms: Dict[str, re.Pattern], faults: List[str]
) -> List[VideoRecord]:
    """List the videos of the folders, by the form of their names, and those of the test list."""
    tested: Dict[Tuple[str, str], Set[str]] = {}  # the flags of each (folder, file)
    for folder, file, flag in _read_tests(root, dataset, forms, faults):
        tested.setdefault((folder, file), set()).add(flag)
    absent = dict.fromkeys((folder for folder, _ in tested if folder not in forms), _GENERATED)
    records = []
    for folder, form in {**forms, **absent}.items():
        place = Path(root, folder)
        names = (path.name for path in place.iterdir()) if place.is_dir() else ()
        present = {name for name in names if form.fullmatch(name)}
        for name in sorted(present.union(file for home, file in tested if home == folder)):
            flags = tested.get((folder, name), set())
            right = '0' if folder.startswith(_FAKES) else '1'
            if flags <= {right}:
                split = 'test' if flags else 'train'
                records.append(_record(Path(root, folder, name), dataset, folder, split))
            else:
                faults.append(
                    f'list {Path(root, TEST_LIST)}: {folder}/{name} contradicts itself: flag 1 '
                    'means real, 0 manipulated'
                )
    return records


def _read_tests(
    root: str, dataset: str, forms: Dict[str, re.Pattern], faults: List[str]
) -> Iterator[Tuple[str, str, str]]:
    """Read folder, file and flag of each test video."""

    def read(where: str, line: str) -> Tuple[str, str, str]:
        flag, _, name = line.partition(' ')
        name = name.strip()
        is_generated = dataset == PLUS_DATASET and name.startswith(f'{_FAKES}/')
        depth = 3 if is_generated else 1  # folders above the file
        parts = name.split('/', depth)
        folder, file = '/'.join(parts[:depth]), ''.join(parts[depth:])
        if flag not in ('0', '1') or not file:
            raise MMFakeError(
                f'{where}: {line!r} is not "<flag> <folder>/<file>", e.g. '
                '"1 YouTube-real/00170.mp4"'
            )
        # a generator need not be there
        named = is_generated and parts[1] in _SCENARIOS and re.fullmatch(r'[\w.-]+', parts[2])
        if folder not in forms and not named:
            raise MMFakeError(f'{where}: folder {folder!r} is none of {", ".join(forms)}')
        if not forms.get(folder, _GENERATED).fullmatch(file):
            raise MMFakeError(f'{where}: {file!r} is no name of a video in {folder}')
        return folder, file, flag

    return read_each(read_lines(Path(root, TEST_LIST)), read, faults)


def _record(path: Path, dataset: str, folder: str, split: str) -> VideoRecord:
    """Describe one video."""
    stem = path.stem
    if not folder.startswith(_FAKES):
        method, target, source = ORIGINAL, stem, ''
    elif dataset == DATASET:
        method, (target, source) = 'cdf', people_of(stem)
    else:
        _, scenario, generator = folder.split('/')
        swapped = scenario == _SCENARIOS[0]
        method, (target, source) = 'cdfpp', people_of(stem) if swapped else (UNKNOWN, UNKNOWN)
        stem = f'{generator}-{stem}'
    return VideoRecord(dataset, method, RELEASED, stem, target, source, split, str(path))


def people_of(stem: str) -> Tuple[str, str]:
    """Read target and source from the name of a swapped face."""
    match = _FOLDERS[_FAKES].fullmatch(f'{stem}.mp4')
    return (f'{match[2]}_{match[4]}', match[3]) if match else (UNKNOWN, UNKNOWN)
