"""The one table of manipulations: nothing else in the package knows their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

from ..errors import MMFakeError

ORIGINAL = 'original'
"""str: The ``method`` of a video that nobody manipulated."""


@dataclass(frozen=True)
class Manipulation:
    """One row of the table: a way to manipulate a video, or the originals.

    Args:
        key (str): Short name used in configs, indexes, video ids and results, e.g. ``'f2f'``.
        folder (str): Folder of its videos in FF++, without the compression, e.g.
            ``'manipulated_sequences/Face2Face'``; empty if it is none of FF++, so that its videos
            are read from an index only.
        name (str): Name shown to people, e.g. ``'Face2Face'``.
        by_default (bool): Whether it is read when a config names no methods. Defaults to False.
    """

    key: str
    folder: str
    name: str
    by_default: bool = False


# The order of the rows is the order of the classes of the multi-class stream.
_TABLE: Dict[str, Manipulation] = {
    row.key: row
    for row in (
        Manipulation(ORIGINAL, 'original_sequences/youtube', 'Original', True),
        Manipulation('df', 'manipulated_sequences/Deepfakes', 'Deepfakes', True),
        Manipulation('f2f', 'manipulated_sequences/Face2Face', 'Face2Face', True),
        Manipulation('fs', 'manipulated_sequences/FaceSwap', 'FaceSwap', True),
        Manipulation('nt', 'manipulated_sequences/NeuralTextures', 'NeuralTextures', True),
        # same pairs and splits as the four above, added to FF++ later and not part of the paper
        Manipulation('fsh', 'manipulated_sequences/FaceShifter', 'FaceShifter'),
        # the fakes of another dataset are one method: most do not say how a video was made
        Manipulation('cdf', '', 'Celeb-DF v2'),
        Manipulation('dfdc', '', 'DFDC'),
        Manipulation('dfdcp', '', 'DFDC preview'),
        Manipulation('dfo', '', 'DeeperForensics-1.0'),
    )
}


def register_manipulation(key: str, folder: str, name: str) -> Manipulation:
    """Add a manipulation of your own to the table.

    Put the call into a module of yours and name that module in the config, then the key works
    wherever a method is named::

        # my_methods.py
        from mmfake.datasets.manipulations import register_manipulation
        register_manipulation('sbi', 'manipulated_sequences/SelfBlended', 'Self-blended images')

        # config
        custom_imports = dict(imports=['mmfake', 'my_methods'], allow_failed_imports=False)
        train_dataloader = dict(dataset=dict(methods=['df', 'f2f', 'fs', 'nt', 'sbi']))

    Its videos are ``<root>/<folder>/<compression>/videos/AAA_BBB.mp4`` with the ids of FF++, so
    that the official splits hold for it. If they are not, say ``folder=''`` and read them from an
    index. The new row comes last in the order of classes. Saying the same twice is harmless.

    Args:
        key (str): Short name: lower-case letters and digits.
        folder (str): Folder of its videos under the dataset's root, or empty.
        name (str): Name shown to people.

    Returns:
        Manipulation: The new row.

    Raises:
        MMFakeError: If the key is malformed or already stands for something else.
    """
    if not (key.isalnum() and key == key.lower()):
        raise MMFakeError(
            f'manipulation key {key!r} is not made of lower-case letters and digits: choose another'
        )
    row = Manipulation(key, folder, name)
    if _TABLE.setdefault(key, row) != row:
        raise MMFakeError(
            f'manipulation key {key!r} already stands for {_TABLE[key]}: choose another key'
        )
    return row


def get_manipulation(key: str) -> Manipulation:
    """Look a row up.

    Args:
        key (str): ``'original'`` or the key of a manipulation.

    Returns:
        Manipulation: Its row.

    Raises:
        MMFakeError: If the table has no such key.
    """
    if key not in _TABLE:
        raise MMFakeError(
            f'unknown manipulation {key!r}: known are {", ".join(manipulation_keys(True))}; '
            'add your own with mmfake.datasets.manipulations.register_manipulation'
        )
    return _TABLE[key]


def manipulation_keys(everything: bool = False) -> Tuple[str, ...]:
    """List the manipulations in the order of the table, originals excluded.

    Args:
        everything (bool): Also those that are not read by default. Defaults to False.

    Returns:
        tuple[str]: The keys, by default ``('df', 'f2f', 'fs', 'nt')``.
    """
    rows = (row for row in _TABLE.values() if row.key != ORIGINAL)
    return tuple(row.key for row in rows if everything or row.by_default)
