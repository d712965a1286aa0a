"""DeeperForensics-1.0."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from mmfake.datasets.ffpp_tree import RELEASED, read_splits, video_folder
from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.protocol import SPLITS, VideoRecord
from mmfake.errors import MMFakeError

from .official_list import read_each, read_lines

logger = logging.getLogger(__name__)  # not that of mmengine, which imports torch

DATASET = 'deeperforensics'

_FILE = re.compile(r'(\d{3})_([MW]\d{3})(?:\.mp4)?')

Fakes = Dict[Tuple[str, str], str]


def list_deeperforensics(
    root: str,
    faults: List[str],
    ffpp_root: Optional[str] = None,
    condition: str = 'end_to_end',
    splits_dir: Optional[str] = None,
) -> List[VideoRecord]:
    """List DeeperForensics-1.0: its fakes, and the FF++ originals they were made from.

    A fake ``TTT_M004.mp4`` is made from FF++'s video ``TTT`` with the face of actor ``M004``.

    The splits of its own lists are not those of FF++: their test has videos that a detector trained
    on FF++ has seen. For such a detector give ``splits_dir``, then a fake is in the split of its
    target. A line of its lists that makes no sense is left out and noted in ``faults``.
    """
    if ffpp_root is None:
        raise MMFakeError(
            'DeeperForensics-1.0 comes without its originals, which are those of FF++ at c23: '
            'say in ffpp_root where they are'
        )
    folder = Path(root, 'manipulated_videos', condition)
    if not folder.is_dir():
        there = [p.name for p in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise MMFakeError(
            f'no folder {folder} of DeeperForensics-1.0 (there is '
            f'{", ".join(sorted(there)) or "none"}): choose another condition'
        )
    originals = video_folder(ffpp_root, ORIGINAL, 'c23')
    fakes = _read_lists(Path(root, 'lists', 'splits'), faults)
    if splits_dir is None:
        logger.warning(
            f'{DATASET}: these are its own splits, whose test has originals that FF++ trains on; '
            'for a detector trained on FF++ set splits_dir to the split files of FF++'
        )
    else:
        pairs = read_splits(ffpp_root, splits_dir)
        home = {name: split for split in SPLITS for pair in pairs[split] for name in pair}
        fakes = {key: home[key[0]] for key in fakes if key[0] in home}
    return _records(fakes, folder, originals)


def _read_lists(folder: Path, faults: List[str]) -> Fakes:
    """Read the split of each fake, (target, actor)."""
    fakes: Fakes = {}
    home: Dict[str, str] = {}

    def read(where: str, line: str, split: str) -> None:
        match = _FILE.fullmatch(line)
        if not match:
            raise MMFakeError(f'{where}: {line!r} is no name of a fake such as "000_M004.mp4"')
        target = match[1]
        if home.setdefault(target, split) != split:
            raise MMFakeError(f'{where}: target {target} is in {home[target]}.txt as well')
        fakes[match.groups()] = split

    for split in SPLITS:
        lines = ((*line, split) for line in read_lines(folder / f'{split}.txt'))
        for _ in read_each(lines, read, faults):
            pass
    return fakes


def _records(fakes: Fakes, folder: Path, originals: Path) -> List[VideoRecord]:
    """Describe the fakes and, once each, their originals."""
    records = []
    order = sorted(fakes, key=lambda key: (SPLITS.index(fakes[key]), key))
    previous = ''
    for target, actor in order:
        split = fakes[target, actor]
        if target != previous:
            filename = str(originals / f'{target}.mp4')
            records.append(
                VideoRecord(DATASET, ORIGINAL, RELEASED, target, target, '', split, filename)
            )
            previous = target
        stem = f'{target}_{actor}'
        filename = str(folder / f'{stem}.mp4')
        records.append(VideoRecord(DATASET, 'dfo', RELEASED, stem, target, actor, split, filename))
    return records
