"""FF++ ids that were cut from one YouTube video although they lie in different splits."""

from __future__ import annotations

import logging
from typing import List, Mapping, NamedTuple, Set

from mmengine.logging import print_log

from .video_record import SPLITS, VideoRecord

# 1000 ids come from 977 videos; these are the pairs of ids that the official splits tear apart
SHARED_SOURCES = (
    *(('755', '756'), ('954', '955')),  # test and train
    *(('605', '606'), ('639', '640'), ('837', '838'), ('875', '876'), ('982', '983')),  # train, val
)
"""tuple[tuple[str, str]]: Pairs of ids that show one person in one recording."""

_OFFICIAL_SIZES = {'train': 720, 'val': 140, 'test': 140}


class SharedSource(NamedTuple):
    """An id whose recording is in another split as well.

    Args:
        name (str): The id, e.g. ``'756'``.
        twin (str): The id cut from the same recording, e.g. ``'755'``.
        twin_split (str): The split of the twin, e.g. ``'test'``.
    """

    name: str
    twin: str
    twin_split: str

    def __str__(self) -> str:
        return f'{self.name} ({self.twin} is in {self.twin_split})'


def find_shared_sources(ids: Mapping[str, Set[str]], split: str) -> List[SharedSource]:
    """Find the ids of a split whose recording is in another split as well.

    Args:
        ids (Mapping[str, set[str]]): The ids in each split.
        split (str): The split to look at.

    Returns:
        list[SharedSource]: In the order of the ids.
    """
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
    stays whole, so that results remain comparable with published ones.

    Args:
        records (list[VideoRecord]): The videos of the split.
        ids (Mapping[str, set[str]]): The ids in each split.
        split (str): The split.
        drop (bool): Whether to leave them out.

    Returns:
        list[VideoRecord]: The videos to go on with.
    """
    shared = find_shared_sources(ids, split)
    if drop:
        later = SPLITS[SPLITS.index(split) + 1 :]
        dropped = {source.name for source in shared if source.twin_split in later}
        return [record for record in records if dropped.isdisjoint(record.ids)]
    # Small datasets use the numbers of FF++ for other people. Train and test warn and val does
    # not, which makes one line per command.
    is_official = {part: len(names) for part, names in ids.items()} == _OFFICIAL_SIZES
    if shared and is_official and split != 'val':
        print_log(
            f'{len(shared)} ids of split {split!r} are cut from the same YouTube video as an id of '
            f'another split: {", ".join(map(str, shared))}; published results are with them, '
            'drop_shared_sources=True leaves the copy in the earlier split out',
            logger='current',
            level=logging.WARNING,
        )
    return records
