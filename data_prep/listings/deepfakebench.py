"""DeepfakeBench: JSON lists of the pictures of each video, as DF40 has them too."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from mmfake.console import ProgressBar
from mmfake.datasets.ffpp_tree import COMPRESSIONS, RELEASED, canonical_compression
from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.protocol import SPLITS, UNKNOWN, VideoRecord
from mmfake.errors import MMFakeError, sample_of

from . import celebdf2, dfd
from .official_list import read_json
from .pictures import PictureRecord, Shelf

logger = logging.getLogger(__name__)  # not that of mmengine, which imports torch

LISTS = 'dataset_json'
"""str: The folder of the lists, unless others are given."""

DF40 = 'df40'

# name of a set -> name of the dataset, key of its fakes; of FF++ their label says it
_SETS = {
    'Celeb-DF-v2': ('celebdf2', 'cdf'),
    'Celeb-DF-v3': ('celebdfpp', 'cdfpp'),
    'DeepFakeDetection': ('dfd', 'dfd'),
    'DFDC': ('dfdc', 'dfdc'),
    'DFDCP': ('dfdc_preview', 'dfdcp'),
    'DeeperForensics-1.0': ('deeperforensics', 'dfo'),
    **dict.fromkeys(('FaceForensics++', 'FaceShifter'), ('ffpp', '')),
    **dict.fromkeys(('FF-DF', 'FF-F2F', 'FF-FS', 'FF-NT'), ('ffpp', '')),
}
_FFPP = dict(df='df', f2f='f2f', fs='fs', nt='nt', fh='fsh', sh='fsh')


Listed = Tuple[PictureRecord, List[List[str]]]
"""type: A video, and the parts of the path of each of its pictures."""


def list_deepfakebench(
    root: str,
    faults: List[str],
    lists: Optional[Sequence[str]] = None,
    compression: str = 'c23',
) -> List[VideoRecord]:
    """List pictures that DeepfakeBench has cut out, by its JSON files.

    A file is ``{set: {label: {split: {video: {label, frames: [path, ...]}}}}}``, or has the
    compression or the generator between split and video. Paths begin anywhere; looked for is the
    longest end of each that is below ``root``. The benchmark puts its test videos into other splits
    as well: a video is taken into the last of train, val and test that names it.

    Args:
        root (str): The folder that holds the folders of the datasets.
        faults (list[str]): Takes up the entries that make no sense.
        lists (Sequence[str], optional): JSON files, or folders of them, of one dataset. Defaults to
            None, which means ``<root>/dataset_json``.
        compression (str): Which one to take of a set that has several. Defaults to ``'c23'``.

    Returns:
        list[VideoRecord]: Of a dataset that has a listing of its own, the same as that gives.

    Raises:
        MMFakeError: If a file is no such list, or they are of several datasets.
    """
    found = list(_read(root, lists, faults))
    wanted = canonical_compression(compression)
    levels = {entry.compression for entry in found} - {RELEASED}
    if levels and wanted not in levels:
        raise MMFakeError(
            f'the lists have no video of compression {wanted}: choose one of '
            f'{", ".join(sorted(levels))}'
        )
    records = [_of_benchmark(one) for one in found if one.compression in (RELEASED, wanted)]
    datasets = sorted({record.dataset for record, _ in records})
    if len(datasets) > 1:
        raise MMFakeError(
            f'the lists are of several datasets ({", ".join(datasets)}): give those of one with '
            '--json, and each dataset an --out of its own'
        )
    return _settled(records, root)


def list_df40(
    root: str, faults: List[str], lists: Optional[Sequence[str]] = None
) -> List[VideoRecord]:
    """List DF40 by its JSON files, which are of the same form.

    Its 40 methods are one here, and part of the stem of a fake: ``simswap-ff-001_870``. The same
    video in several files (``simswap_ff.json``, ``FSAll_ff.json``) is taken once.
    """
    return _settled([_of_df40(entry) for entry in _read(root, lists, faults)], root)


# ---- reading the lists


class _Entry(NamedTuple):
    """A video of a list."""

    where: str
    set_name: str
    label: str
    split: str
    compression: str
    group: Tuple[str, ...]
    video: str
    frames: List[List[str]]  # the parts of each path

    @property
    def folder(self) -> List[str]:
        """list[str]: The parts of the path of its pictures' folder."""
        return self.frames[0][:-1] if self.frames else []


def _read(root: str, lists: Optional[Sequence[str]], faults: List[str]) -> Iterator[_Entry]:
    """Read all lists."""
    places = [Path(path) for path in lists or ()] or [Path(root, LISTS)]
    files = [
        file for place in places for file in ([place] if place.is_file() else place.glob('*.json'))
    ]
    if not files:
        raise MMFakeError(
            f'no list in {", ".join(map(str, places))}: put the JSON files of DeepfakeBench or '
            'DF40 there, or name them with --json'
        )
    for path in sorted(files):
        content = read_json(path)
        if not isinstance(content, dict) or not all(map(_has_splits, content.values())):
            raise MMFakeError(
                f'list {path} is none of DeepfakeBench: these are '
                '{set: {label: {split: {video: {label, frames}}}}}'
            )
        for set_name, labels in content.items():
            for label, splits in labels.items():
                for split, videos in splits.items():
                    where = f'list {path}, {set_name}, {label}, {split}'
                    if split not in SPLITS or not isinstance(videos, dict):
                        faults.append(f'{where} is no split with videos')
                        continue
                    for keys, entry in _walk(videos, (), where, faults):
                        try:
                            yield _entry(where, set_name, label, split, keys, entry)
                        except MMFakeError as error:
                            faults.append(str(error))


def _has_splits(labels: Any) -> bool:
    return isinstance(labels, dict) and all(isinstance(splits, dict) for splits in labels.values())


def _walk(
    node: Dict[str, Any], keys: Tuple[str, ...], where: str, faults: List[str]
) -> Iterator[Tuple[Tuple[str, ...], Dict[str, Any]]]:
    """Find the videos at any depth: the names above each, its own last."""
    if isinstance(node.get('frames'), list):  # in a list of DFDC
        faults.append(f'{where}: there are pictures without the name of a video')
        return
    for key, value in node.items():
        if not isinstance(value, dict):
            faults.append(f'{where}: {key!r} is neither a video nor a folder of videos')
        elif isinstance(value.get('frames'), list):
            yield (*keys, key), value
        else:
            yield from _walk(value, (*keys, key), where, faults)


def _entry(
    where: str,
    set_name: str,
    label: str,
    split: str,
    keys: Tuple[str, ...],
    entry: Dict[str, Any],
) -> _Entry:
    """Read one video."""
    where = f'{where}, {"/".join(keys)}'
    *group, video = (part for key in keys for part in key.split('/'))
    own = entry.get('label', label)
    if not isinstance(own, str) or _is_real(own, where) != _is_real(label, where):
        raise MMFakeError(f'{where}: label {own!r} contradicts {label!r}, which it is in')
    dataset = _SETS.get(set_name, ('', ''))[0]
    if dataset == 'ffpp' and own.lower() not in ('ff-real', *(f'ff-{key}' for key in _FFPP)):
        raise MMFakeError(f'{where}: label {own!r} is none of FaceForensics++')
    if not all(isinstance(path, str) for path in entry['frames']):
        raise MMFakeError(f'{where}: its frames are no paths')
    if not all(re.fullmatch(r'\w[\w .+-]*', name) for name in (*group, video)):
        raise MMFakeError(f'{where} is no name of a video')
    frames = [
        [part for part in re.split(r'[\\/]+', path) if part not in ('', '.', '..')]
        for path in entry['frames']
    ]
    # the level is a name above the video, or else a folder of its pictures
    spellings = [name for names in COMPRESSIONS.values() for name in names]
    levels = [name for name in group if name in spellings]
    if not levels and frames and dataset in ('ffpp', dfd.DATASET):
        levels = [part for part in reversed(frames[0]) if part in spellings]
    compression = canonical_compression(levels[0]) if levels else RELEASED
    above = tuple(name for name in group if name not in spellings)
    return _Entry(where, set_name, own, split, compression, above, video, frames)


def _is_real(label: str, where: str) -> bool:
    """Whether a label such as ``FF-real``, ``DFDC_Fake`` or ``FF-DF`` is of an original."""
    words = re.split(r'[_-]', label.lower())
    is_fake = words[-1] in ('fake', 'fakea', 'fakeb') or words[0] == 'ff' and words[-1] in _FFPP
    if not is_fake and words[-1] != 'real':
        raise MMFakeError(f'{where}: label {label!r} says neither real nor fake')
    return not is_fake


# ---- as records


def _of_benchmark(entry: _Entry) -> Listed:
    """Describe a video as the listing of its dataset does, if that has one."""
    plain = re.sub(r'[^a-z0-9]+', '_', entry.set_name.lower()).strip('_')
    dataset, method = _SETS.get(entry.set_name, (plain or 'pictures', 'fake'))
    stem = '-'.join((*entry.group, entry.video))
    target, source = UNKNOWN, UNKNOWN
    if _is_real(entry.label, entry.where):
        method, target, source = ORIGINAL, stem, ''
    elif dataset == 'ffpp':
        method = _FFPP[entry.label.lower()[3:]]
        target, _, source = entry.video.partition('_')
    elif dataset == celebdf2.DATASET:
        target, source = celebdf2.people_of(entry.video)
    elif dataset == celebdf2.PLUS_DATASET:
        stem = '-'.join((*entry.group[-1:], entry.video))
        if {'FaceSwap'} & {*entry.group, *entry.folder}:
            target, source = celebdf2.people_of(entry.video)
    elif dataset == dfd.DATASET:
        target, source = dfd.people_of(entry.video)
    elif dataset == 'dfdc_preview':
        stem = f'method_{entry.label[-1]}_{entry.video}'
    return _record(entry, dataset, method, entry.compression, stem, target, source)


def _of_df40(entry: _Entry) -> Listed:
    """Describe a video of DF40; what is in its own folders is named by them."""
    folder = entry.folder
    own = next((n for n, part in enumerate(folder) if part in ('DF40', 'DF40_train')), None)
    parts = [part for part in folder[own + 1 :] if part != 'frames'] if own is not None else []
    is_real = _is_real(entry.label, entry.where)
    if not parts and not is_real:
        parts = [entry.set_name]
    if parts[-1:] != [entry.video]:
        parts.append(entry.video)
    stem = '-'.join(parts)
    if is_real:
        return _record(entry, DF40, ORIGINAL, RELEASED, stem, stem, '')
    return _record(entry, DF40, DF40, RELEASED, stem, UNKNOWN, UNKNOWN)


def _record(entry: _Entry, dataset: str, method: str, compression: str, *names: str) -> Listed:
    """Describe a video whose pictures are not looked for yet."""
    filename = '/'.join(entry.folder)
    return PictureRecord(dataset, method, compression, *names, entry.split, filename), entry.frames


# ---- what is there


def _settled(listed: Sequence[Listed], root: str) -> List[VideoRecord]:
    """Look for all pictures, and take a video that is listed several times once."""
    shelf = Shelf(root)
    chosen: Dict[str, PictureRecord] = {}
    others: Dict[Tuple[str, str], PictureRecord] = {}  # of the same id, in another folder
    moved = set()
    with ProgressBar(time_left=True) as bar:
        for record, frames in bar.track(listed, description='videos'):
            record = shelf.find(record, frames)
            one = chosen.setdefault(record.video_id, record)
            if one.pictures and record.pictures and one.filename != record.filename:
                others[record.video_id, record.filename] = record
                continue
            if one.split != record.split:
                moved.add(record.video_id)
            split = max(one.split, record.split, key=SPLITS.index)
            chosen[record.video_id] = replace(one if one.pictures else record, split=split)
    if moved:
        logger.warning(
            f'{len(moved)} videos are in several splits of the lists, as DeepfakeBench makes them, '
            f'and taken into the last of train, val and test: {sample_of(sorted(moved))}'
        )
    records = [*chosen.values(), *others.values()]
    unlike = [record.video_id for record in records if record.reason and record.pictures]
    if unlike:
        logger.warning(
            f'{len(unlike)} videos have fewer pictures than their lists name; their column reason '
            f'says how many: {sample_of(unlike)}'
        )
    return records
