"""Listing of any dataset by its name, checked against the official numbers."""

from __future__ import annotations

import inspect
import logging
from collections import Counter
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from mmfake.datasets.protocol import VideoRecord
from mmfake.errors import MMFakeError, sample_of

from .celebdf2 import list_celebdf2, list_celebdfpp
from .deeperforensics import list_deeperforensics
from .deepfakebench import LISTS, list_deepfakebench, list_df40
from .dfd import list_dfd
from .dfdc import list_dfdc, list_dfdc_preview
from .ffpp import list_faceshifter, list_ffpp
from .folders import SUFFIXES, list_folders

logger = logging.getLogger(__name__)  # not that of mmengine, which imports torch

_BY_NAME: Dict[str, Callable[..., List[VideoRecord]]] = dict(
    ffpp=list_ffpp,
    faceshifter=list_faceshifter,
    celebdf2=list_celebdf2,
    celebdfpp=list_celebdfpp,
    dfd=list_dfd,
    dfdc=list_dfdc,
    dfdc_preview=list_dfdc_preview,
    deeperforensics=list_deeperforensics,
    df40=list_df40,
    deepfakebench=list_deepfakebench,
    folders=list_folders,
)

LISTINGS = tuple(_BY_NAME)
"""tuple[str]: The datasets whose layout is known."""

PICTURE_LISTINGS = ('df40', 'deepfakebench')
"""tuple[str]: Those of which there are pictures only."""


def list_dataset(
    name: str,
    root: str,
    *,
    splits_dir: Optional[str] = None,
    compression: Optional[str] = None,
    methods: Optional[Sequence[str]] = None,
    ffpp_root: Optional[str] = None,
    condition: Optional[str] = None,
    lists: Optional[Sequence[str]] = None,
    faults: Optional[List[str]] = None,
) -> List[VideoRecord]:
    """List every video of a dataset, whether or not its file is there.

    The log says in one line each which entries of the lists make no sense and are left out, which
    video files no list names, and where the numbers are not the official ones; a part of a dataset
    is as good as the whole.

    Args:
        name (str): One of :data:`LISTINGS`.
        root (str): Folder of the dataset as it was downloaded and unpacked.
        splits_dir (str, optional): Folder of FF++'s ``train.json``, ``val.json`` and
            ``test.json``, for ``ffpp``, ``faceshifter`` and ``deeperforensics``; of lists of
            names, for ``folders``. Defaults to None.
        compression (str, optional): ``'raw'``, ``'c23'`` or ``'c40'``, for ``ffpp``,
            ``faceshifter``, ``dfd`` and ``deepfakebench``. Defaults to None, which means ``'c23'``.
        methods (Sequence[str], optional): Keys of the manipulations, for ``ffpp``. Defaults to
            None, which means ``('df', 'f2f', 'fs', 'nt')``.
        ffpp_root (str, optional): Root of FF++, for ``deeperforensics``, whose originals are there.
            Defaults to None.
        condition (str, optional): Variant of the fakes, for ``deeperforensics``. Defaults to None,
            which means ``'end_to_end'``.
        lists (Sequence[str], optional): JSON files of pictures, for ``df40`` and ``deepfakebench``.
            Defaults to None, which means those in ``<root>/dataset_json``.
        faults (list[str], optional): Takes up what is wrong with each entry that is left out.
            Defaults to None.

    Returns:
        list[VideoRecord]: Its videos. ``filename`` is the raw video, ``target`` the stem of the
        original that a fake was made from, :data:`~mmfake.datasets.protocol.UNKNOWN` if its
        makers do not tell.

    Raises:
        MMFakeError: If the dataset is not known, an option is not one of its own, or its folders
            and lists are not as they should be.
    """
    if name not in _BY_NAME:
        raise MMFakeError(f'unknown dataset {name!r}: choose one of {", ".join(LISTINGS)}')
    if not Path(root).is_dir():
        raise MMFakeError(f'root {root} of {name} is not a folder: give the one it is unpacked in')
    options = dict(
        splits_dir=splits_dir,
        compression=compression,
        methods=methods,
        ffpp_root=ffpp_root,
        condition=condition,
        lists=lists,
    )
    given = {key: value for key, value in options.items() if value is not None}
    known = inspect.signature(_BY_NAME[name]).parameters
    for key in given:
        if key not in known:
            raise MMFakeError(f'{key} is no option of dataset {name}: leave it out')
    faults = [] if faults is None else faults
    if 'faults' in known:
        given['faults'] = faults
    try:
        records = _without_repetitions(_BY_NAME[name](root, **given), faults)
    except MMFakeError as error:
        raise MMFakeError(f'{error}{_other_dataset(name, root)}') from None
    if not records:
        reason = f': {faults[0]}' if faults else ''
        raise MMFakeError(f'{name} in {root} lists no video{reason}; is it unpacked there?')
    if faults:
        logger.warning(
            f'{name} in {root}: entries that make no sense are left out '
            f'({len(faults)}): {sample_of(faults, 3)}'
        )
    # of the others, folders say it themselves, and lists of pictures are meant to name a part
    if name not in ('folders', *PICTURE_LISTINGS):
        warn_of_strays(records, name)
    if name == 'deeperforensics' and splits_dir is not None:
        expected = expected_counts('faceshifter')  # FF++'s splits, one fake of each target
    else:
        official = records[0].dataset if name == 'deepfakebench' else name
        expected = expected_counts(official, len({r.method for r in records if r.label_bin}))
    difference = compare_counts(records, expected)
    if difference:
        logger.warning(
            f'{name} in {root} differs from the official numbers: {difference}; that is fine for a '
            'part of it'
        )
    return records


def _without_repetitions(records: List[VideoRecord], faults: List[str]) -> List[VideoRecord]:
    """Take a video that is listed twice from the first place."""
    first: Dict[str, VideoRecord] = {}
    for record in records:
        one = first.setdefault(record.video_id, record)
        if one.filename != record.filename:
            faults.append(
                f'{record.filename} has the id of {one.filename}, {one.video_id}, and is left out: '
                'rename it if it is another video, else remove it'
            )
        elif one is not record:
            faults.append(f'{record.video_id} is listed more than once')
    return list(first.values())


# a file or folder that a dataset has in its root
_MARKS = dict(
    ffpp='original_sequences/youtube',
    faceshifter='original_sequences/youtube',
    celebdf2='Celeb-synthesis/*.mp4',
    celebdfpp='Celeb-synthesis/Face*',
    dfd='original_sequences/actors',
    dfdc='dfdc_train_part_*',
    dfdc_preview='dataset.json',
    deeperforensics='manipulated_videos',
    df40='DF40',
    deepfakebench=LISTS,
    folders='real',
)


def _other_dataset(name: str, root: str) -> str:
    """Say which dataset a folder looks like, if it has nothing of the one it is given as."""
    if any(Path(root).glob(_MARKS[name])):
        return ''
    for other, mark in _MARKS.items():
        if any(Path(root).glob(mark)):
            script = 'prepare_ffpp.py' if other == 'ffpp' else f'--dataset {other}'
            return f'; {root} has the {mark} of {other}: use {script}'
    return ''


# ---- against the official numbers

Counts = Dict[Tuple[str, int], int]

# split -> originals and fakes; of FF++, fakes of one manipulation
_OFFICIAL = dict(
    ffpp=dict(train=(720, 720), val=(140, 140), test=(140, 140)),
    faceshifter=dict(train=(720, 720), val=(140, 140), test=(140, 140)),
    celebdf2=dict(train=(712, 5299), test=(178, 340)),  # of 590 + 300 originals and 5639 fakes
    # of 590 + 300 originals and 53,196 fakes; test: 340 of v2, 200 of each of 7 other swaps and 7
    # reenactments, 300 of each of 7 talking faces
    celebdfpp=dict(train=(712, 47956), test=(178, 5240)),
    dfd=dict(test=(363, 3068)),  # no official split
    dfdc=dict(train=(19154, 100000), test=(2500, 2500)),
    dfdc_preview=dict(test=(276, 501)),
    # its page says 703 : 96 : 21, but the fakes are 1,000
    deeperforensics=dict(train=(703, 703), val=(96, 96), test=(201, 201)),
)


def expected_counts(name: str, methods: int = 4) -> Counts:
    """Say how many videos of (split, label) the official lists of a dataset have.

    A split of which no number is published is left out; ``methods`` counts those of ``ffpp``.
    """
    factor = methods if name == 'ffpp' else 1
    return {
        (split, label): number * (factor if label else 1)
        for split, numbers in _OFFICIAL.get(name, {}).items()
        for label, number in enumerate(numbers)
    }


def compare_counts(records: Iterable[VideoRecord], expected: Mapping[Tuple[str, int], int]) -> str:
    """Say where a listing has other numbers than it should have."""
    found = Counter((record.split, record.label_bin) for record in records)
    return ', '.join(
        f'{split} has {found[split, label]} of {number} {("originals", "fakes")[label]}'
        for (split, label), number in expected.items()
        if found[split, label] != number
    )


def warn_of_strays(records: Sequence[VideoRecord], name: str) -> None:
    """Say in one line how many video files lie beside listed ones and are not listed themselves."""
    listed = {record.filename for record in records}
    folders = sorted({Path(filename).parent for filename in listed})
    strays = [
        str(path)
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and str(path) not in listed
    ]
    if strays:
        logger.warning(
            f'{name}: {len(strays)} video files are in none of its lists and left out: '
            f'{sample_of(strays)}'
        )
