"""DFDC preview, the first 5,000 videos of the Deepfake Detection Challenge."""

from __future__ import annotations

import re
from pathlib import Path
from typing import List

from ...errors import MMFakeError
from ..ffpp_tree import RELEASED
from ..manipulations import ORIGINAL
from ..video_record import UNKNOWN, VideoRecord
from .official_list import read_entries

DATASET = 'dfdc_preview'

_PATH = re.compile(r'([^/]+)/(?:[\w-]+/)*([\w-]+)\.mp4')
# folder -> label of all that is in it
_FOLDERS = dict(original_videos='real', method_A='fake', method_B='fake')


def list_dfdc_preview(root: str) -> List[VideoRecord]:
    """List the DFDC preview.

    ``dataset.json`` holds for each path its ``label`` real or fake, its ``set`` train or test and
    the people: ``target_id`` and, of a fake, ``swapped_id``. The method is part of a fake's stem,
    as both methods use the same file names. Which clip of the target a fake was made from is not
    told (the numbers at the end of the names are not known to agree), so its target is unknown.

    Args:
        root (str): Folder with ``original_videos``, ``method_A``, ``method_B`` and
            ``dataset.json``.

    Returns:
        list[VideoRecord]: In the order of the list.

    Raises:
        MMFakeError: If the list is missing or malformed.
    """
    records = []
    for where, key, entry in read_entries(Path(root, 'dataset.json')):
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
        records.append(
            VideoRecord(DATASET, method, RELEASED, stem, target, source, entry['set'], filename)
        )
    return records
