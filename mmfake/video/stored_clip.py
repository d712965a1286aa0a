"""Clips that need no video decoder, seen as decord shows a video."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple, Sequence, Union

import numpy as np


class _Batch(NamedTuple):
    """Frames as decord returns them."""

    pictures: np.ndarray

    def asnumpy(self) -> np.ndarray:
        """Give the frames, (N, H, W, 3) uint8 RGB."""
        return self.pictures


class StoredClip(ABC):
    """Base of clips with the part of ``decord.VideoReader`` that mmaction2 uses.

    Args:
        path (str | Path): The clip.
        fps (float): Frames per s, which the clip itself does not know. Defaults to 25.0.
    """

    def __init__(self, path: Union[str, Path], fps: float = 25.0) -> None:
        self.path = str(path)
        self.fps = float(fps)

    @abstractmethod
    def __len__(self) -> int:
        """Count the frames."""

    @abstractmethod
    def _read(self, indices: np.ndarray) -> np.ndarray:
        """Read frames, given by numbers from 0 to len - 1, into an array of their own."""

    def get_avg_fps(self) -> float:
        """Give the frames per s."""
        return self.fps

    def get_batch(self, indices: Sequence[int]) -> _Batch:
        """Read frames.

        Args:
            indices (Sequence[int]): N numbers, in any order; negative ones count from the end.

        Returns:
            _Batch: Its ``asnumpy()`` gives (N, H, W, 3) uint8 RGB.

        Raises:
            IndexError: If there is no such frame.
            VideoError: If a frame cannot be read.
        """
        # numpy checks the numbers and resolves the negative ones
        return _Batch(self._read(np.arange(len(self))[np.asarray(indices, dtype=np.int64)]))
