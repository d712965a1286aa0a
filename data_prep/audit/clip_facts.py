"""What is known of a clip once it was read to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Optional, Tuple

import numpy as np


@dataclass(frozen=True)
class ClipFacts:
    """What reading a clip told.

    Args:
        error (str): Why it cannot be read, in one line; empty if it can. Defaults to ``''``.
        frames (int): Frames that could be decoded. Defaults to 0.
        decord_frames (int, optional): Frames that decord counts, for training reads with it.
            Defaults to None: it does not read this format.
        sizes (frozenset[tuple[int, int]]): Width and height of the frames, px; of a good clip there
            is one. Defaults to none.
        digest (str): Hash of the bytes. Defaults to ``''``.
        look (np.ndarray, optional): (5, 256) bool, perceptual hashes of five frames. Defaults to
            None.
    """

    error: str = ''
    frames: int = 0
    decord_frames: Optional[int] = None
    sizes: FrozenSet[Tuple[int, int]] = frozenset()
    digest: str = ''
    look: Optional[np.ndarray] = None
