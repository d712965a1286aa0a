"""Table of manipulations: key, folder, name and altered attributes of each, and look-ups in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ..errors import MMFakeError

ORIGINAL = 'original'
"""str: The ``method`` of a video that nobody manipulated."""

GLOBAL_ATTRIBUTES = ('expression', 'identity', 'physical consistency')
"""tuple[str]: What a manipulation may alter of the whole face."""

LOCAL_ATTRIBUTES = ('eye', 'illumination', 'mouth', 'nose')
"""tuple[str]: What a manipulation may alter of a part of the face."""

ATTRIBUTES = (*GLOBAL_ATTRIBUTES, *LOCAL_ATTRIBUTES)
"""tuple[str]: All of them, in the order of the labels that a sample carries."""


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
        attributes (tuple[str], optional): Which of :data:`ATTRIBUTES` it alters. Defaults to None,
            which means that nobody knows.
        synthetic (bool): Whether its videos are made from originals when a training loads them,
            instead of being read from disk. Defaults to False.
    """

    key: str
    folder: str
    name: str
    by_default: bool = False
    attributes: Optional[Tuple[str, ...]] = None
    synthetic: bool = False


# A swap of the face changes who it is, a reenactment what it does; physical consistency and the
# eyes' expression are altered by none of FF++, which is what the attribute forgeries are made for.
_SWAPPED = ('identity', 'eye', 'mouth', 'nose')
_REENACTED = ('expression', 'mouth')


def _made(key: str, name: str, attributes: Optional[Tuple[str, ...]]) -> Manipulation:
    """Make the row of a synthetic method."""
    return Manipulation(key, '', name, attributes=attributes, synthetic=True)


# The order of the rows is the order of the classes of the multi-class stream.
_TABLE: Dict[str, Manipulation] = {
    row.key: row
    for row in (
        Manipulation(ORIGINAL, 'original_sequences/youtube', 'Original', True, ()),
        Manipulation('df', 'manipulated_sequences/Deepfakes', 'Deepfakes', True, _SWAPPED),
        Manipulation('f2f', 'manipulated_sequences/Face2Face', 'Face2Face', True, _REENACTED),
        Manipulation('fs', 'manipulated_sequences/FaceSwap', 'FaceSwap', True, _SWAPPED),
        Manipulation(
            'nt', 'manipulated_sequences/NeuralTextures', 'NeuralTextures', True, _REENACTED
        ),
        # same pairs and splits as the four above, added to FF++ later and not part of the paper
        Manipulation('fsh', 'manipulated_sequences/FaceShifter', 'FaceShifter'),
        # the fakes of another dataset are one method: most do not say how a video was made
        Manipulation('cdf', '', 'Celeb-DF v2'),
        Manipulation('dfdc', '', 'DFDC'),
        Manipulation('dfdcp', '', 'DFDC preview'),
        Manipulation('dfo', '', 'DeeperForensics-1.0'),
        Manipulation('cdfpp', '', 'Celeb-DF++'),
        Manipulation('dfd', '', 'DeepFakeDetection'),
        Manipulation('df40', '', 'DF40'),
        # two folders of the user's own, real/ and fake/ (data_prep/prepare_dataset.py)
        Manipulation('fake', '', 'Manipulated'),
        # made from originals while training: a blend of a face with itself (mmfake.SelfBlend), and
        # forgeries of one attribute (mmfake.AttributeForgery)
        _made('sbi', 'Self-blended', None),
        _made('eyeexpr', 'Eyes of another instant', ('expression', 'eye')),
        _made('physeye', "Another person's eyes", ('physical consistency', 'eye')),
        _made('physillum', 'Another illumination', ('physical consistency', 'illumination')),
        _made('physmouth', "Another person's mouth", ('physical consistency', 'mouth')),
        _made('physnose', "Another person's nose", ('physical consistency', 'nose')),
    )
}


def register_manipulation(
    key: str, folder: str, name: str, attributes: Optional[Sequence[str]] = None
) -> Manipulation:
    """Add a manipulation of your own to the table.

    Put the call into a module of yours and name that module in the config, then the key works
    wherever a method is named::

        # my_methods.py
        from mmfake.datasets.protocol import register_manipulation
        register_manipulation('sim', 'manipulated_sequences/SimSwap', 'SimSwap', ('identity',))

        # config
        custom_imports = dict(imports=['mmfake', 'my_methods'], allow_failed_imports=False)
        train_dataloader = dict(dataset=dict(methods=['df', 'f2f', 'fs', 'nt', 'sim']))

    Its videos are ``<root>/<folder>/<compression>/videos/AAA_BBB.mp4`` with the ids of FF++, so
    that the official splits hold for it. If they are not, say ``folder=''`` and read them from an
    index. The new row comes last in the order of classes. Saying the same twice is harmless.

    Args:
        key (str): Short name: lower-case letters and digits.
        folder (str): Folder of its videos under the dataset's root, or empty.
        name (str): Name shown to people.
        attributes (Sequence[str], optional): Which of :data:`ATTRIBUTES` it alters, e.g.
            ``('identity', 'mouth')``. Defaults to None, which means not known: its samples then
            have no ``attributes``.

    Returns:
        Manipulation: The new row.

    Raises:
        MMFakeError: If the key is malformed or already stands for something else, or an attribute
            is unknown.
    """
    if not (key.isalnum() and key == key.lower()):
        raise MMFakeError(
            f'manipulation key {key!r} is not made of lower-case letters and digits: choose another'
        )
    if attributes is not None:
        check_attributes(key, attributes)
        attributes = tuple(attributes)
    row = Manipulation(key, folder, name, attributes=attributes)
    if _TABLE.setdefault(key, row) != row:
        raise MMFakeError(
            f'manipulation key {key!r} already stands for {_TABLE[key].name}: choose another key'
        )
    return row


def check_attributes(key: str, attributes: Sequence[str]) -> None:
    """Refuse names that are none of :data:`ATTRIBUTES`."""
    if isinstance(attributes, str) or not set(attributes) <= set(ATTRIBUTES):
        raise MMFakeError(
            f'manipulation {key!r}: attributes={attributes!r} is no list of names out of '
            f'{", ".join(ATTRIBUTES)}'
        )


# what others call an original
_ORIGINALS = ('real', 'originals', 'pristine', 'genuine')


def canonical_method(name: str) -> str:
    """Translate a key, folder or shown name (``'Deepfakes'``) to the key; leave any other."""
    plain = name.lower()
    if plain in _ORIGINALS:
        return ORIGINAL
    if plain.startswith('ff-'):  # FF-DF, FF-F2F
        plain = plain[3:]
    return _spellings(tuple(_TABLE)).get(plain, name)


@lru_cache(maxsize=1)  # asked for every row of a file of scores
def _spellings(keys: Tuple[str, ...]) -> Dict[str, str]:
    """Every way to write one of these methods in small letters; of two the first counts."""
    spelt: Dict[str, str] = {}
    for row in map(get_manipulation, keys):
        for name in (row.key, row.name.lower(), row.folder.split('/')[-1].lower()):
            spelt.setdefault(name, row.key)
    return spelt


def get_manipulation(key: str) -> Manipulation:
    """Look up the row of ``'original'`` or of a manipulation; MMFakeError if there is none."""
    if key not in _TABLE:
        raise MMFakeError(
            f'unknown manipulation {key!r}: known are {", ".join(manipulation_keys(True))}; '
            'add your own with mmfake.datasets.protocol.register_manipulation'
        )
    return _TABLE[key]


def check_method(key: str) -> None:
    """Refuse what can be no method; an index may name one that is registered elsewhere."""
    if not (key.isalnum() and key == key.lower()):
        get_manipulation(key)


def in_order(methods: Iterable[str]) -> List[str]:
    """Sort methods as the table does, ``'original'`` first, those registered elsewhere last."""
    rest = set(methods)
    known = [key for key in _TABLE if key in rest]
    return [*known, *sorted(rest.difference(known))]


def manipulation_keys(everything: bool = False) -> Tuple[str, ...]:
    """List the manipulations that are read, in the table's order: by default, or all of them."""
    rows = (row for row in _TABLE.values() if row.key != ORIGINAL and not row.synthetic)
    return tuple(row.key for row in rows if everything or row.by_default)


def synthetic_keys() -> Tuple[str, ...]:
    """List the manipulations that are made from originals while training, in the table's order."""
    return tuple(row.key for row in _TABLE.values() if row.synthetic)


def attribute_labels(
    key: str, others: Optional[Mapping[str, Sequence[str]]] = None
) -> Optional[Tuple[int, ...]]:
    """Give 1 for each of :data:`ATTRIBUTES` a method alters by ``others``, else by the table."""
    altered = (others or {}).get(key, get_manipulation(key).attributes)
    return None if altered is None else tuple(int(name in altered) for name in ATTRIBUTES)


def altered_key(attribute: str) -> str:
    """Name an attribute among metrics: ``'physical_consistency_altered'``."""
    return f'{attribute.replace(" ", "_")}_altered'


def method_name(key: str) -> str:
    """Give the name of a method to show, or the key of one that was registered elsewhere."""
    return _TABLE[key].name if key in _TABLE else key
