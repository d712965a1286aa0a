"""The official folder layout of FaceForensics++."""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence

from ..errors import MMFakeError
from .manipulations import ORIGINAL, get_manipulation
from .split_files import Pairs
from .video_record import VideoRecord

RELEASED = 'released'
"""str: The compression of a dataset that comes in one form only, as its makers released it."""

COMPRESSIONS = {'raw': ('raw', 'c0'), 'c23': ('c23',), 'c40': ('c40',), RELEASED: (RELEASED,)}
"""dict[str, tuple[str]]: Spellings of each compression, in names of folders and in configs."""

INDEX_NAME = 'index.csv'
"""str: The index in the folder of a prepared dataset."""


def canonical_compression(compression: str) -> str:
    """Give a compression its one spelling.

    Args:
        compression (str): ``'raw'``, ``'c0'`` (the same), ``'c23'``, ``'c40'`` or ``'released'``.

    Returns:
        str: ``'raw'``, ``'c23'``, ``'c40'`` or ``'released'``.

    Raises:
        MMFakeError: If it is none of these.
    """
    for name, spellings in COMPRESSIONS.items():
        if compression in spellings:
            return name
    raise MMFakeError(
        f'unknown compression {compression!r}: choose raw (or c0), c23, c40, '
        'or released for a dataset that comes in one form only'
    )


def check_root(data_root: str) -> None:
    """Make sure that there is a dataset to read.

    Args:
        data_root (str): Root of the dataset.

    Raises:
        MMFakeError: If it is not a folder, or not one of FF++.
    """
    if not Path(data_root).is_dir():
        raise MMFakeError(
            f'data_root {data_root} is not a folder: put (or link) FaceForensics++ there, which '
            'its authors give access to at github.com/ondyari/FaceForensics, or its faces, which '
            'data_prep/prepare_ffpp.py cuts out; without it, "bash tools/demo.sh" makes and uses a '
            'small stand-in, with no download'
        )
    originals = Path(data_root, get_manipulation(ORIGINAL).folder)
    if not originals.is_dir():
        raise MMFakeError(
            f'data_root {data_root} is no dataset: it has neither {INDEX_NAME}, which data_prep '
            f'makes, nor the folder {get_manipulation(ORIGINAL).folder} of FaceForensics++'
        )


def read_tree(
    data_root: str, pairs: Pairs, split: str, methods: Sequence[str], compression: str
) -> List[VideoRecord]:
    """List the videos that one split of FF++ consists of.

    The order is target by target: original ``071``, then its fakes ``071_054`` in the order of
    ``methods``, so that the head of the list is already a small balanced sample of the whole.

    Args:
        data_root (str): Root of the dataset.
        pairs (list[tuple[str, str]]): Pairs of ids of the split.
        split (str): Its name.
        methods (Sequence[str]): ``'original'`` and the keys of the manipulations to list.
        compression (str): ``'raw'``, ``'c23'`` or ``'c40'``.

    Returns:
        list[VideoRecord]: Every video that should be there; the files are not looked at.

    Raises:
        MMFakeError: If the folder of a method is missing.
    """
    folders = {method: video_folder(data_root, method, compression) for method in methods}
    records = []
    for first, second in pairs:
        for target, other in ((first, second), (second, first)):
            for method, folder in folders.items():
                source = '' if method == ORIGINAL else other
                stem = f'{target}_{source}' if source else target
                filename = str(folder / f'{stem}.mp4')
                records.append(
                    VideoRecord('ffpp', method, compression, stem, target, source, split, filename)
                )
    return records


def video_folder(data_root: str, method: str, compression: str) -> Path:
    """Find the folder of a method, whichever way the compression is spelt.

    Args:
        data_root (str): Root of the dataset.
        method (str): ``'original'`` or the key of a manipulation of FF++.
        compression (str): ``'raw'``, ``'c23'`` or ``'c40'``.

    Returns:
        Path: The folder with its videos.

    Raises:
        MMFakeError: If it is missing, or FF++ has no such method or compression.
    """
    row = get_manipulation(method)
    if not row.folder or compression == RELEASED:
        what = f'compression {compression!r}' if row.folder else f'method {method!r} ({row.name})'
        raise MMFakeError(
            f'{what} is none of FaceForensics++, whose folders are read in {data_root}: set '
            f'data_root (or ann_file) to where data_prep wrote an {INDEX_NAME} with such videos'
        )
    folders = [Path(data_root, row.folder, name, 'videos') for name in COMPRESSIONS[compression]]
    for folder in folders:
        if folder.is_dir():
            return folder
    remedy = '' if method == ORIGINAL else f', or leave {method!r} out of methods'
    raise MMFakeError(
        f'no folder {" or ".join(map(str, folders))} for {row.name} at compression {compression}: '
        f'download it or set another compression{remedy}'
    )
