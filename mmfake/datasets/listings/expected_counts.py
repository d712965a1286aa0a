"""How many videos a whole dataset has."""

from __future__ import annotations

from collections import Counter
from typing import Dict, Iterable, Mapping, Tuple

from ..video_record import VideoRecord

Counts = Dict[Tuple[str, int], int]

# split -> originals and fakes; of FF++, fakes of one manipulation
_OFFICIAL = dict(
    ffpp=dict(train=(720, 720), val=(140, 140), test=(140, 140)),
    faceshifter=dict(train=(720, 720), val=(140, 140), test=(140, 140)),
    celebdf2=dict(train=(712, 5299), test=(178, 340)),  # of 590 + 300 originals and 5639 fakes
    dfdc=dict(train=(19154, 100000), test=(2500, 2500)),
    dfdc_preview=dict(test=(276, 501)),
    # its page says 703 : 96 : 21, but the fakes are 1,000
    deeperforensics=dict(train=(703, 703), val=(96, 96), test=(201, 201)),
)


def expected_counts(name: str, methods: int = 4) -> Counts:
    """Say how many videos the official lists of a dataset have.

    Args:
        name (str): The dataset, e.g. ``'celebdf2'``.
        methods (int): How many manipulations of FF++ are listed; only ``ffpp`` has several.
            Defaults to 4.

    Returns:
        dict[tuple[str, int], int]: Number of videos of (split, label), label 0 for originals and 1
        for fakes. A split of which no number is published is left out.
    """
    factor = methods if name == 'ffpp' else 1
    return {
        (split, label): number * (factor if label else 1)
        for split, numbers in _OFFICIAL[name].items()
        for label, number in enumerate(numbers)
    }


def compare_counts(records: Iterable[VideoRecord], expected: Mapping[Tuple[str, int], int]) -> str:
    """Say where a listing has other numbers than it should have.

    Args:
        records (Iterable[VideoRecord]): The listing.
        expected (Mapping[tuple[str, int], int]): As :func:`expected_counts` returns.

    Returns:
        str: Such as ``'test has 3 of 178 originals'``; empty if nothing differs.
    """
    found = Counter((record.split, record.label_bin) for record in records)
    return ', '.join(
        f'{split} has {found[split, label]} of {number} {("originals", "fakes")[label]}'
        for (split, label), number in expected.items()
        if found[split, label] != number
    )
