"""What is known about one video before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from .manipulations import ORIGINAL

SPLITS = ('train', 'val', 'test')
"""tuple[str]: The splits, in the order in which a detector meets them."""


@dataclass(frozen=True)
class VideoRecord:
    """One video of the protocol, whether or not it can be used.

    Args:
        dataset (str): Short name of the dataset, e.g. ``'ffpp'``.
        method (str): ``'original'`` or the key of a manipulation.
        compression (str): ``'raw'``, ``'c23'`` or ``'c40'``.
        stem (str): File name without extension: ``'033'`` or ``'033_097'``.
        target (str): Id of the video that gives background and head.
        source (str): Id of the video that drives the manipulation; empty for an original.
        split (str): ``'train'``, ``'val'`` or ``'test'``.
        filename (str): Path of the file.
        unavailable (str, optional): Why the video cannot be used, in one line. Defaults to None.
    """

    dataset: str
    method: str
    compression: str
    stem: str
    target: str
    source: str
    split: str
    filename: str
    unavailable: Optional[str] = None

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
        """tuple[str]: The ids of the people in the video: target and, of a fake, source."""
        return (self.target, self.source) if self.source else (self.target,)
