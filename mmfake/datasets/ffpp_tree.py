"""FaceForensics++ folder tree: official folders, split files, recordings shared by two splits."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from mmengine.logging import print_log

from ..errors import MMFakeError, sample_of
from .manipulations import ORIGINAL, get_manipulation
from .protocol import RENDERED, SPLITS, VideoRecord

Pairs = List[Tuple[str, str]]

# ---- Folders --------------------------------------------------------------------------------

RELEASED = 'released'
"""str: The compression of a dataset that comes in one form only, as its makers released it."""

COMPRESSIONS = {'raw': ('raw', 'c0'), 'c23': ('c23',), 'c40': ('c40',), RELEASED: (RELEASED,)}
"""dict[str, tuple[str]]: Spellings of each compression, in names of folders and in configs."""

INDEX_NAME = 'index.csv'
"""str: The index in the folder of a prepared dataset."""


def canonical_compression(compression: str) -> str:
    """Give a compression its one spelling: ``'c0'`` is ``'raw'``; MMFakeError if there is none."""
    for name, spellings in COMPRESSIONS.items():
        if compression in spellings:
            return name
    raise MMFakeError(
        f'unknown compression {compression!r}: choose raw (or c0), c23, c40, '
        'or released for a dataset that comes in one form only'
    )


def check_root(data_root: str) -> None:
    """Raise MMFakeError if the root of the dataset is not a folder, or not one of FF++."""
    if not Path(data_root).is_dir():
        raise MMFakeError(
            f'data_root {data_root} is not a folder: put (or link) FaceForensics++ there, which '
            'its authors give access to at github.com/ondyari/FaceForensics, or its faces, which '
            'data_prep/prepare_ffpp.py cuts out; without it, "bash tools/demo.sh" makes and uses a '
            'small stand-in, with no download ("mmfake mini --out DIR" makes it alone)'
        )
    originals = Path(data_root, get_manipulation(ORIGINAL).folder)
    if not originals.is_dir():
        raise MMFakeError(
            f'data_root {data_root} is no dataset: it has neither {INDEX_NAME}, which data_prep '
            f'makes, nor the folder {get_manipulation(ORIGINAL).folder} of FaceForensics++'
        )


def video_folder(data_root: str, method: str, compression: str) -> Path:
    """Find the folder of a method, however it spells the compression; MMFakeError if missing."""
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
    for folder in folders:
        pictures = folder.with_name('frames')
        if pictures.is_dir():
            raise MMFakeError(
                f'{pictures} holds pictures that DeepfakeBench has extracted, a few of each video, '
                f'and there is no {folder}: clips need whole videos, so put those of the official '
                'download there, or index the pictures for a detector of single frames with '
                'prepare_dataset.py --dataset deepfakebench'
            )
    remedy = '' if method == ORIGINAL else f', or leave {method!r} out of methods'
    raise MMFakeError(
        f'no folder {" or ".join(map(str, folders))} for {row.name} at compression {compression}: '
        f'download it or set another compression{remedy}'
    )


def dataset_name(data_root: str) -> str:
    """Tell the rendered stand-in, by the settings that its renderer leaves there, from FF++."""
    return RENDERED if Path(data_root, f'{RENDERED}.json').is_file() else 'ffpp'


def read_tree(
    data_root: str, pairs: Pairs, split: str, methods: Sequence[str], compression: str
) -> List[VideoRecord]:
    """List the videos that one split of FF++ should consist of; the files are not looked at.

    The order is target by target: original ``071``, then its fakes ``071_054`` in the order of
    ``methods``, so that the head of the list is already a small balanced sample of the whole.
    """
    folders = {method: video_folder(data_root, method, compression) for method in methods}
    dataset = dataset_name(data_root)
    has_points = folders[ORIGINAL].with_name('points').is_dir() if ORIGINAL in folders else False
    records = []
    for first, second in pairs:
        for target, other in ((first, second), (second, first)):
            for method, folder in folders.items():
                source = '' if method == ORIGINAL else other
                stem = f'{target}_{source}' if source else target
                filename = str(folder / f'{stem}.mp4')
                # the rendered dataset has them beside its originals
                points = folder.with_name('points') / f'{stem}.npy'
                records.append(
                    VideoRecord(
                        *(dataset, method, compression, stem, target, source, split, filename),
                        points=str(points) if method == ORIGINAL and has_points else '',
                    )
                )
    return records


# ---- Split files ----------------------------------------------------------------------------

OFFICIAL_SIZES = {'train': 720, 'val': 140, 'test': 140}
"""dict[str, int]: Originals, and fakes of each method, in the official splits."""


def read_splits(data_root: str, splits_dir: Optional[str] = None) -> Dict[str, Pairs]:
    """Read and check ``train.json``, ``val.json`` and ``test.json``.

    Each is a list of pairs of ids, ``[["071", "054"], ...]``. A pair stands for two originals and,
    per manipulation, the two fakes ``071_054`` and ``054_071``. All three are read whichever is
    used, because a person in two of them would make every result worthless. A split may be empty.

    Args:
        data_root (str): Root of the dataset.
        splits_dir (str, optional): Folder of the three files. Defaults to None, which means
            ``<data_root>/splits`` or, if that does not exist, ``<data_root>``.

    Returns:
        dict[str, list[tuple[str, str]]]: The pairs of each split.

    Raises:
        MMFakeError: If a file is missing or malformed, or an id occurs twice.
    """
    if splits_dir is not None:
        folder = Path(splits_dir)
    else:
        folder = Path(data_root, 'splits')
        if not folder.is_dir() and Path(data_root, 'train.json').is_file():
            folder = Path(data_root)
    splits = {split: _read_pairs(folder / f'{split}.json') for split in SPLITS}

    home: Dict[str, str] = {}  # id -> the first split that has it
    for split, pairs in splits.items():
        path = folder / f'{split}.json'
        ids = [name for pair in pairs for name in pair]
        for name in ids:
            if home.setdefault(name, split) != split:
                both = [other for other in ids if home.get(other, split) != split]
                raise MMFakeError(
                    f'{path}: {len(both)} ids are in {home[name]}.json as well '
                    f'({sample_of(both)}): a person must not be in two splits; use the split files '
                    'that come with FaceForensics++'
                )
        if len(set(ids)) < len(ids):
            twice = sorted({name for name in ids if ids.count(name) > 1})
            raise MMFakeError(
                f'{path}: {len(twice)} ids occur more than once ({sample_of(twice)}): '
                'an id belongs to one pair'
            )
    return splits


def _read_pairs(path: Path) -> Pairs:
    """Read one split file."""
    try:
        entries = json.loads(path.read_text(encoding='utf-8-sig'))
    except FileNotFoundError:
        raise MMFakeError(
            f'split file {path} not found: copy train.json, val.json and test.json from '
            'dataset/splits of github.com/ondyari/FaceForensics into the folder splits of the '
            'dataset, or say where they are (splits_dir of the dataset, --splits of data_prep)'
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise MMFakeError(
            f'split file {path} cannot be read as JSON ({error}): copy it anew'
        ) from None
    if not isinstance(entries, list):
        raise MMFakeError(f'split file {path} is not a list of pairs of ids such as ["071", "054"]')
    for index, entry in enumerate(entries):
        whole = isinstance(entry, list) and len(entry) == 2
        if not whole or not all(isinstance(name, str) and name for name in entry):
            raise MMFakeError(
                f'split file {path}: entry {index} is {entry!r}, not a pair of strings such as '
                '["071", "054"] (as numbers, ids lose their zeros)'
            )
    return [(first, second) for first, second in entries]


# ---- Recordings shared by two splits --------------------------------------------------------

# 1000 ids come from 977 videos; these are the pairs of ids that the official splits tear apart
SHARED_SOURCES = (
    *(('755', '756'), ('954', '955')),  # test and train
    *(('605', '606'), ('639', '640'), ('837', '838'), ('875', '876'), ('982', '983')),  # train, val
)
"""tuple[tuple[str, str]]: Pairs of ids that show one person in one recording."""


class SharedSource(NamedTuple):
    """An id, ``'756'``, whose recording is in another split too: as ``'755'``, in ``'test'``."""

    name: str
    twin: str
    twin_split: str

    def __str__(self) -> str:
        return f'{self.name} ({self.twin} is in {self.twin_split})'


def find_shared_sources(ids: Mapping[str, Set[str]], split: str) -> List[SharedSource]:
    """Find the ids of a split, in their order, whose recording is in another split as well."""
    home = {name: part for part, names in ids.items() for name in names}
    return sorted(
        SharedSource(name, twin, home[twin])
        for pair in SHARED_SOURCES
        for name, twin in (pair, pair[::-1])
        if home.get(name) == split and home.get(twin, split) != split
    )


def settle_shared_sources(
    records: List[VideoRecord], ids: Mapping[str, Set[str]], split: str, drop: bool
) -> List[VideoRecord]:
    """Leave the shared recordings out of a split, or warn that they are in it.

    Left out is the copy in the EARLIER split (train before val before test): what is measured on
    stays whole, so that results remain comparable with published ones. ``ids`` are those of each
    split.
    """
    shared = find_shared_sources(ids, split)
    if drop:
        later = SPLITS[SPLITS.index(split) + 1 :]
        dropped = {source.name for source in shared if source.twin_split in later}
        return [record for record in records if dropped.isdisjoint(record.ids)]
    # Small datasets use the numbers of FF++ for other people. Train and test warn and val does
    # not, which makes one line per command.
    is_official = {part: len(names) for part, names in ids.items()} == OFFICIAL_SIZES
    if shared and is_official and split != 'val':
        print_log(
            f'{len(shared)} ids of split {split!r} are cut from the same YouTube video as an id of '
            f'another split: {", ".join(map(str, shared))}; published results are with them, '
            'drop_shared_sources=True leaves the copy in the earlier split out',
            logger='current',
            level=logging.WARNING,
        )
    return records
