"""Official FaceForensics++ split files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from ..errors import MMFakeError, sample_of
from .video_record import SPLITS

Pairs = List[Tuple[str, str]]


def read_splits(data_root: str, splits_dir: Optional[str] = None) -> Dict[str, Pairs]:
    """Read and check ``train.json``, ``val.json`` and ``test.json``.

    Each is a list of pairs of ids, ``[["071", "054"], ...]``. A pair stands for two originals and,
    per manipulation, the two fakes ``071_054`` and ``054_071``. All three are read whichever is
    used, because a person in two of them would make every result worthless.

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
        folder = folder if folder.is_dir() else Path(data_root)
    splits = {split: _read_pairs(folder / f'{split}.json') for split in SPLITS}

    home: Dict[str, str] = {}
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
        entries = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise MMFakeError(
            f'split file {path} not found: copy train.json, val.json and test.json from '
            'dataset/splits of github.com/ondyari/FaceForensics, or say where they are (splits_dir '
            'of the dataset, --splits of data_prep)'
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise MMFakeError(
            f'split file {path} cannot be read as JSON ({error}): copy it anew'
        ) from None
    if not isinstance(entries, list) or not entries:
        raise MMFakeError(f'split file {path} is not a list of pairs of ids such as ["071", "054"]')
    for index, entry in enumerate(entries):
        whole = isinstance(entry, list) and len(entry) == 2
        if not whole or not all(isinstance(name, str) and name for name in entry):
            raise MMFakeError(
                f'split file {path}: entry {index} is {entry!r}, not a pair of strings such as '
                '["071", "054"] (as numbers, ids lose their zeros)'
            )
    return [(first, second) for first, second in entries]
