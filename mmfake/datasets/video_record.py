"""What is known about one video before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from .manipulations import ORIGINAL

SPLITS = ('train', 'val', 'test')
"""tuple[str]: The splits, in the order in which a detector meets them."""

UNKNOWN = '?'
"""str: The target or source of a fake whose makers do not tell it; no person is called so."""

USED = 'used'
"""str: The status of a video that can be used; any other comes with a reason."""

STATUSES = (
    *(USED, 'no-face', 'face-too-small', 'too-short'),
    *('decode-failed', 'timed-out', 'missing'),
)
"""tuple[str]: What data preparation says of a video."""


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
