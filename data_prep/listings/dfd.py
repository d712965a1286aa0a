"""DeepFakeDetection (DFD), which is distributed with FaceForensics++."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator, List, Tuple

from mmfake.datasets.ffpp_tree import COMPRESSIONS, RELEASED, canonical_compression
from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.protocol import UNKNOWN, VideoRecord
from mmfake.errors import MMFakeError

DATASET = 'dfd'

# AA__scene is actor AA in a scene, AA_BB__scene__XXXXXXXX the same with the face of BB
_REAL = re.compile(r'\d{2}__\w+')
_FAKE = re.compile(r'(\d{2})_(\d{2})__(\w+)__\w{8}')


def list_dfd(root: str, faults: List[str], compression: str = 'c23') -> List[VideoRecord]:
    """List DeepFakeDetection: everything is test, as it comes without a split.

    Its originals are ``original_sequences/actors``, its fakes
    ``manipulated_sequences/DeepFakeDetection``, both with ``<compression>/videos`` as in FF++. A
    file with another name is left out and noted in ``faults``.
    """
    compression = canonical_compression(compression)
    if compression == RELEASED:
        raise MMFakeError('DeepFakeDetection comes as raw, c23 or c40: choose its compression')
    real = _files(root, 'original_sequences/actors', compression, _REAL, faults)
    fake = _files(root, 'manipulated_sequences/DeepFakeDetection', compression, _FAKE, faults)
    records = [(ORIGINAL, path, path.stem, '') for path in real]
    records += [('dfd', path, *people_of(path.stem)) for path in fake]
    return [
        VideoRecord(DATASET, method, compression, path.stem, target, source, 'test', str(path))
        for method, path, target, source in records
    ]


def people_of(stem: str) -> Tuple[str, str]:
    """Read target and source from the name of a fake."""
    match = _FAKE.fullmatch(stem)
    return (f'{match[1]}__{match[3]}', match[2]) if match else (UNKNOWN, UNKNOWN)


def _files(
    root: str, folder: str, compression: str, form: re.Pattern, faults: List[str]
) -> Iterator[Path]:
    """Find the videos of a folder, however it spells the compression."""
    places = [Path(root, folder, name, 'videos') for name in COMPRESSIONS[compression]]
    place = next((place for place in places if place.is_dir()), None)
    if place is None:
        raise MMFakeError(
            f'no folder {" or ".join(map(str, places))} of DeepFakeDetection: download it, or '
            'choose another compression'
        )
    files = sorted(path for path in place.iterdir() if path.suffix == '.mp4')
    if not files:
        raise MMFakeError(f'{place} is empty: copy the videos of DeepFakeDetection there')
    for path in files:
        if form.fullmatch(path.stem):
            yield path
        else:
            faults.append(f'{path} has no name as DeepFakeDetection gives, such as 01__kitchen_pan')
