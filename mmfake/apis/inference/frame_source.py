"""Anything that gives frames: a file, a stored clip or an array."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, Optional, Union

import numpy as np

from ...errors import MMFakeError
from ...video import Frame, FrameReader, JpgClip, NpyClip, VideoError
from ...video.stored_clip import StoredClip

FIRST_PICTURE = '000000.jpg'
"""str: What is in a folder that is a clip."""


class ArrayClip(StoredClip):
    """An array seen as a clip.

    Args:
        array (np.ndarray): (T, H, W, 3) uint8 RGB.
        name (str): What to call it in messages.

    Raises:
        MMFakeError: If the array is anything else.
    """

    def __init__(self, array: np.ndarray, name: str) -> None:
        super().__init__(name)
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 3 or not array.size:
            raise MMFakeError(
                f'{name}: an array to judge is (T, H, W, 3) uint8 RGB, this one is '
                f'{array.shape} {array.dtype}'
            )
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def _read(self, indices: np.ndarray) -> np.ndarray:
        return self._array[indices]


class ClipReader:
    """A stored clip, read like a video by :class:`mmfake.video.FrameReader`.

    Args:
        clip (StoredClip): The clip.
    """

    codec = 'pictures'

    def __init__(self, clip: StoredClip) -> None:
        self._clip = clip
        self.fps, self.expected_frames = clip.get_avg_fps(), len(clip)
        self.height, self.width = self._picture(0).shape[:2]

    def __enter__(self) -> ClipReader:
        return self

    def __exit__(self, *_) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames in order."""
        for number in range(len(self._clip)):
            yield Frame(self._picture(number), number / self.fps)

    def _picture(self, number: int) -> np.ndarray:
        return self._clip.get_batch([number]).asnumpy()[0]


class SoundFrames:
    """The frames up to the first damage, which is kept instead of raised.

    Args:
        reader (FrameReader | ClipReader): An open reader.

    Attributes:
        damage (str): What is wrong, empty as long as nothing is.
        count (int): Frames given so far.
    """

    def __init__(self, reader: Union[FrameReader, ClipReader]) -> None:
        self._reader = reader
        self.damage, self.count = '', 0

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames in order."""
        try:
            for frame in self._reader:
                self.count += 1
                yield frame
                del frame  # or it would live on while the next one is decoded
        except VideoError as error:
            self.damage = error.reason


def open_source(source: Union[str, Path, np.ndarray], name: str) -> Union[FrameReader, ClipReader]:
    """Open a source of frames.

    Args:
        source (str | Path | np.ndarray): A video, a ``.npy`` clip, a folder of numbered JPEG files
            as data preparation writes it, or an array (T, H, W, 3) uint8 RGB.
        name (str): What to call an array.

    Returns:
        FrameReader | ClipReader: A context manager that gives frames once.

    Raises:
        VideoError: If it cannot be read.
        MMFakeError: If an array is no clip.
    """
    if isinstance(source, np.ndarray):
        return ClipReader(ArrayClip(source, name))
    clip = _stored(Path(source))
    return FrameReader(source) if clip is None else ClipReader(clip)


def _stored(path: Path) -> Optional[StoredClip]:
    if path.suffix.lower() == '.npy':
        return NpyClip(path)
    return JpgClip(path) if os.path.isdir(path) else None  # that of pathlib may raise OSError
