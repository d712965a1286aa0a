"""Deepfake Detection Challenge (DFDC), and its preview of 5,000 videos."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List

from mmfake.datasets.ffpp_tree import RELEASED
from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.protocol import SPLITS, UNKNOWN, VideoRecord
from mmfake.errors import MMFakeError

from .official_list import read_each, read_entries, read_lines

DATASET = 'dfdc'

# a name and nothing else: no folder
_FILE = re.compile(r'([\w-]+)\.mp4')
_PART = re.compile(r'dfdc_train_part_(\d+)')
# folders with a labels.csv
_LABELLED = {'validation': 'val', 'test': 'test'}


def list_dfdc(root: str, faults: List[str]) -> List[VideoRecord]:
    """List DFDC: the parts of the training set, validation and test, whichever are there.

    ``dfdc_train_part_N/metadata.json`` (in the root or in ``train/``) holds for each file its
    ``label`` FAKE or REAL, its ``split`` and, of a fake, its ``original``. ``test/labels.csv`` has
    the columns ``filename`` and ``label`` (1 is fake) and does not tell what a fake was made from;
    ``validation/labels.csv`` likewise. The videos lie beside the list or in ``videos/``. An entry
    that makes no sense is left out and noted in ``faults``.
    """
    parts = sorted(
        (int(match[1]), path)
        for folder in (Path(root), Path(root, 'train'))
        if folder.is_dir()
        for path in folder.iterdir()
        for match in [_PART.fullmatch(path.name)]
        if match and path.is_dir()
    )
    labelled = [folder for folder in _LABELLED if Path(root, folder).is_dir()]
    if not parts and not labelled:
        raise MMFakeError(
            f'{root} holds no DFDC: there is no folder dfdc_train_part_<N>, '
            f'{" or ".join(_LABELLED)}'
        )
    records = [record for _, part in parts for record in _read_part(part, faults)]
    for folder in labelled:
        records += _read_labels(Path(root, folder, 'labels.csv'), _LABELLED[folder], faults)
    return records


def _read_part(part: Path, faults: List[str]) -> Iterator[VideoRecord]:
    """Read one part of the training set."""
    folder = _video_folder(part)

    def read(where: str, file: str, entry: Dict[str, Any]) -> VideoRecord:
        stem = _stem(file, where)
        label, split = entry.get('label'), entry.get('split', 'train')
        if label not in ('REAL', 'FAKE'):
            raise MMFakeError(f'{where}: label {label!r} is neither REAL nor FAKE')
        if split not in SPLITS:
            raise MMFakeError(f'{where}: split {split!r} is none of {", ".join(SPLITS)}')
        if label == 'REAL':
            target = stem
        else:
            target = _stem(entry['original'], where) if entry.get('original') else UNKNOWN
        return _record(folder / file, label == 'FAKE', target, split)

    return read_each(read_entries(part / 'metadata.json', faults), read, faults)


def _read_labels(path: Path, split: str, faults: List[str]) -> Iterator[VideoRecord]:
    """Read a list of names and labels."""
    folder = _video_folder(path.parent)
    lines = read_lines(path)
    where, header = next(lines, (f'list {path}', ''))
    columns = next(csv.reader([header]))
    if not {'filename', 'label'} <= set(columns):
        raise MMFakeError(f'{where}: {header!r} is no header with filename and label')

    def read(where: str, line: str) -> VideoRecord:
        fields = next(csv.reader([line]))
        row = dict(zip(columns, fields))
        if len(fields) != len(columns) or row['label'] not in ('0', '1'):
            raise MMFakeError(f'{where}: {line!r} is not {",".join(columns)} with label 0 or 1')
        is_fake = row['label'] == '1'
        stem = _stem(row['filename'], where)
        return _record(folder / row['filename'], is_fake, UNKNOWN if is_fake else stem, split)

    return read_each(lines, read, faults)


def _stem(file: object, where: str) -> str:
    match = _FILE.fullmatch(file) if isinstance(file, str) else None
    if not match:
        raise MMFakeError(f'{where}: {file!r} is no name of a video such as "aassnaulhq.mp4"')
    return match[1]


def _video_folder(folder: Path) -> Path:
    videos = folder / 'videos'
    return videos if videos.is_dir() else folder


def _record(path: Path, is_fake: bool, target: str, split: str) -> VideoRecord:
    """Describe one video; whose face is in a fake is never told."""
    method, source = ('dfdc', UNKNOWN) if is_fake else (ORIGINAL, '')
    return VideoRecord(DATASET, method, RELEASED, path.stem, target, source, split, str(path))


# ---- the preview

PREVIEW_DATASET = 'dfdc_preview'

_PATH = re.compile(r'([^/]+)/(?:[\w-]+/)*([\w-]+)\.mp4')
# folder -> label of all that is in it
_FOLDERS = dict(original_videos='real', method_A='fake', method_B='fake')


def list_dfdc_preview(root: str, faults: List[str]) -> List[VideoRecord]:
    """List the DFDC preview.

    ``dataset.json`` holds for each path its ``label`` real or fake, its ``set`` train or test and
    the people: ``target_id`` and, of a fake, ``swapped_id``. The method is part of a fake's stem,
    as both methods use the same file names. Which clip of the target a fake was made from is not
    told (the numbers at the end of the names are not known to agree), so its target is unknown. An
    entry that makes no sense is left out and noted in ``faults``.
    """

    def read(where: str, key: str, entry: Dict[str, Any]) -> VideoRecord:
        match = _PATH.fullmatch(key)
        if not match or match[1] not in _FOLDERS:
            raise MMFakeError(
                f'{where} is no path of a video in one of the folders {", ".join(_FOLDERS)}'
            )
        folder, stem = match.groups()
        if entry.get('label') != _FOLDERS[folder]:
            raise MMFakeError(
                f'{where}: label {entry.get("label")!r} in a folder of {_FOLDERS[folder]} videos'
            )
        if entry.get('set') not in ('train', 'test'):
            raise MMFakeError(f'{where}: set {entry.get("set")!r} is neither train nor test')
        if folder == 'original_videos':
            method, target, source = ORIGINAL, stem, ''
        else:
            method, stem, target = 'dfdcp', f'{folder}_{stem}', UNKNOWN
            source = str(entry.get('swapped_id') or UNKNOWN)
        filename = str(Path(root, key))
        return VideoRecord(
            PREVIEW_DATASET, method, RELEASED, stem, target, source, entry['set'], filename
        )

    return list(read_each(read_entries(Path(root, 'dataset.json'), faults), read, faults))
