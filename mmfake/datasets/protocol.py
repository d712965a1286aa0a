"""Leave-one-manipulation-out protocol: record of a video, hold-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

from ..errors import MMFakeError
from .manipulations import ORIGINAL, get_manipulation, manipulation_keys, synthetic_keys
from .manipulations import register_manipulation as register_manipulation  # configs name it here

SPLITS = ('train', 'val', 'test')
"""tuple[str]: The splits, in the order in which a detector meets them."""

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
        clip_bytes (int, optional): Size of the clip when it was prepared. Defaults to None (not
            known).
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
    clip_bytes: Optional[int] = None

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
