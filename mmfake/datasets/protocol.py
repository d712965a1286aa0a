"""Leave-one-manipulation-out protocol: table of manipulations, record of a video, hold-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ..errors import MMFakeError

ORIGINAL = 'original'
"""str: The ``method`` of a video that nobody manipulated."""

SPLITS = ('train', 'val', 'test')
"""tuple[str]: The splits, in the order in which a detector meets them."""

# ---- Manipulations --------------------------------------------------------------------------

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
            f'manipulation key {key!r} already stands for {_TABLE[key]}: choose another key'
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
    if name.lower() in _ORIGINALS:
        return ORIGINAL
    plain = name.lower()[3:] if name.lower().startswith('ff-') else name.lower()  # FF-DF, FF-F2F
    for row in _TABLE.values():
        if plain in (row.key, row.name.lower(), row.folder.split('/')[-1].lower()):
            return row.key
    return name


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


# ---- Videos ---------------------------------------------------------------------------------

RENDERED = 'mini_ffpp'
"""str: The dataset that ``data_prep/make_mini_ffpp.py`` renders: of nobody, and not FF++."""

UNKNOWN = '?'
"""str: The target or source of a fake whose makers do not tell it; no person is called so."""

USED = 'used'
"""str: The status of a video that can be used; any other comes with a reason."""

FACE_STATUSES = ('no-face', 'face-too-small', 'too-short')
"""tuple[str]: Why nobody in a video can be judged, as the search for faces says it."""

STATUSES = (USED, *FACE_STATUSES, 'decode-failed', 'timed-out', 'missing')
"""tuple[str]: What data preparation says of a video."""


Crop = Tuple[str, float, int]
"""type: How a face clip was cut out: detector, margin around its box, side of the clip in px."""


def known_crops(crops: Any) -> List[Crop]:
    """The ways of cutting out faces that a checkpoint tells; of a stranger's file what fits."""
    rows = crops if isinstance(crops, (list, tuple)) else ()
    return [
        tuple(row)
        for row in rows
        if isinstance(row, (list, tuple)) and [type(value) for value in row] == [str, float, int]
    ]


def crop_in_words(crop: Crop) -> str:
    """Detector and margin, which decide what is seen; the size is resized to the network's."""
    return f'{crop[0]} with margin {crop[1]:g}'


@dataclass(frozen=True)
class VideoRecord:
    """One video of the protocol, whether or not it can be used.

    Args:
        dataset (str): Short name of the dataset, e.g. ``'ffpp'``.
        method (str): ``'original'`` or the key of a manipulation.
        compression (str): ``'raw'``, ``'c23'`` or ``'c40'``, or ``'released'`` for a dataset that
            comes in one form only.
        stem (str): Name of the video within dataset, method and compression: ``'033'`` or
            ``'033_097'``. It has no ``/``.
        target (str): Stem of the original that gives background and head; of an original its own.
            :data:`UNKNOWN` if the dataset does not tell.
        source (str): Id of the person or video whose face or motion is put there, or
            :data:`UNKNOWN`; empty for an original.
        split (str): ``'train'``, ``'val'`` or ``'test'``.
        filename (str): Path of the file, or of the folder if the clip is stored as pictures.
        status (str): :data:`USED`, or in one word why the video cannot be used. Defaults to
            ``'used'``.
        reason (str): The same in one line, if there is more to say. Defaults to ``''``.
        frames (int, optional): Length. Defaults to None (not known).
        fps (float, optional): Frames per second. Defaults to None (not known).
        points (str): Path of the five points of the face in each frame, see
            :func:`mmfake.faces.clip_points.read_points`. Defaults to ``''`` (there are none).
        crop (tuple[str, float, int], optional): How data preparation cut out the face: the detector
            that found it, the margin around its box and the side of the clip in px. Defaults to
            None (not known).
        sparse (bool): Whether the stored frames do not follow one another in the video. Defaults to
            False.
    """

    dataset: str
    method: str
    compression: str
    stem: str
    target: str
    source: str
    split: str
    filename: str
    status: str = USED
    reason: str = ''
    frames: Optional[int] = None
    fps: Optional[float] = None
    points: str = ''
    crop: Optional[Tuple[str, float, int]] = None
    sparse: bool = False

    @property
    def video_id(self) -> str:
        """str: The identity of the video everywhere, e.g. ``'ffpp/f2f/c23/033_097'``."""
        return '/'.join((self.dataset, self.method, self.compression, self.stem))

    @property
    def label_bin(self) -> int:
        """int: 0 for an original, 1 for a manipulated video."""
        return int(self.method != ORIGINAL)

    @property
    def ids(self) -> Tuple[str, ...]:
        """tuple[str]: The known ids of the people in the video: target and, of a fake, source."""
        return tuple(name for name in (self.target, self.source) if name not in ('', UNKNOWN))

    @property
    def unavailable(self) -> Optional[str]:
        """Optional[str]: Why the video cannot be used, in one line; None if it can."""
        return None if self.status == USED else self.reason or self.status


# ---- Hold-out -------------------------------------------------------------------------------


class HoldOut:
    """One hold-out run of arXiv 2308.13503, seen from one of its splits.

    Args:
        split (str): ``'train'``, ``'val'`` or ``'test'``.
        holdout (str, optional): Key of the manipulation kept for the test. Defaults to None, which
            means that every method is in every split.
        methods (Sequence[str] | str, optional): Keys of the manipulations, the held-out one
            included. An empty one means none: training sees originals, and what is made of them.
            Defaults to None, which means ``('df', 'f2f', 'fs', 'nt')``.
        synthetic (Sequence[str] | str): Keys of the forgeries that training makes from originals,
            e.g. ``('sbi',)``. Defaults to ``()``.

    Attributes:
        classes (tuple[str]): The method of each multi-class label: ``'original'``, then the
            methods of training in the order of the table of manipulations, then the synthetic ones.
        methods (tuple[str]): The methods the split consists of, ``'original'`` first, without the
            synthetic ones.
        synthetic (tuple[str]): The synthetic methods in the order of the table.

    Raises:
        MMFakeError: If a name is unknown or in the wrong place, or nothing is left to train on.
    """

    def __init__(
        self,
        split: str,
        holdout: Optional[str] = None,
        methods: Optional[Sequence[str]] = None,
        synthetic: Sequence[str] = (),
    ) -> None:
        if split not in SPLITS:
            raise MMFakeError(f'unknown split {split!r}: choose one of {", ".join(SPLITS)}')
        self.split, self.holdout = split, holdout

        # 1. check the names; --cfg-options methods=df gives a string
        given = manipulation_keys() if methods is None else _names(methods)
        for key in (*given, *filter(None, [holdout])):
            row = get_manipulation(key)
            if row.key == ORIGINAL:
                raise MMFakeError(f'{ORIGINAL!r} is no manipulation: originals are always read')
            if row.synthetic:
                raise MMFakeError(
                    f'{key!r} is made from originals while training, it can be neither read nor '
                    'held out: name it in synthetic of the training set instead'
                )
        if holdout is not None and given and holdout not in given:
            raise MMFakeError(
                f'holdout {holdout!r} is not among the methods {", ".join(given)}: add it to '
                'methods or hold out another'
            )
        self.synthetic = self._made(_names(synthetic))

        # 2. what training sees, in the table's order, so that labels do not depend on how a
        # config lists the methods
        seen = [key for key in manipulation_keys(everything=True) if key in given]
        training = tuple(key for key in seen if key != holdout)
        # the synthetic ones last: without them, in val, the others have the same labels
        self.classes: Tuple[str, ...] = (ORIGINAL, *training, *self.synthetic)

        # 3. what this split consists of: the test of a hold-out run has only the held-out method
        tests_held_out = split == 'test' and holdout is not None
        if len(self.classes) == 1 and not tests_held_out:
            held = f'nothing but the held-out {holdout!r}' if given else 'nothing'
            made = ', or something synthetic' if split == 'train' else ''
            raise MMFakeError(f'methods holds {held}: split {split!r} needs another{made}')
        self.methods: Tuple[str, ...] = (ORIGINAL, *((holdout,) if tests_held_out else training))

    def _made(self, names: Tuple[str, ...]) -> Tuple[str, ...]:
        """Check the names of synthetic methods, and sort them."""
        known = synthetic_keys()
        for key in names:
            if key not in known:
                raise MMFakeError(
                    f'unknown synthetic method {key!r}: known are {", ".join(known)}; videos that '
                    'are on disk are named in methods'
                )
        if names and self.split != 'train':
            raise MMFakeError(
                f'synthetic={", ".join(names)} in split {self.split!r}: forgeries are made of '
                f'originals for training alone, take it out of {self.split}_dataloader'
            )
        return tuple(key for key in known if key in names)

    def label_multi(self, method: str) -> int:
        """Give the multi-class label of a method: its place in ``classes``, -1 if held out."""
        return self.classes.index(method) if method in self.classes else -1


def _names(given: Sequence[str]) -> Tuple[str, ...]:
    """Take one name, as ``--cfg-options methods=df`` gives it, or several."""
    return (given,) if isinstance(given, str) else tuple(given)
