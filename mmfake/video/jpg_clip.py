"""Clips stored as a folder of JPEG files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, Union

import numpy as np
from PIL import Image

from .stored_clip import StoredClip
from .video_error import VideoError

JPG_QUALITY = 95
"""int: Of the frames that :func:`write_jpg` writes; 42.6 dB."""


class JpgClip(StoredClip):
    """A folder with the frames ``000000.jpg``, ``000001.jpg``, ...

    Args:
        path (str | Path): The folder.
        fps (float): Frames per s. Defaults to 25.0.

    Raises:
        VideoError: If the folder is missing, holds no frame, or lacks one in between.
    """

    def __init__(self, path: Union[str, Path], fps: float = 25.0) -> None:
        super().__init__(path, fps)
        try:
            names = {name for name in os.listdir(self.path) if name.endswith('.jpg')}
        except OSError as error:
            raise VideoError(path, f'cannot be opened ({error.strerror})') from None
        if not names:
            raise VideoError(path, 'a folder without a frame such as 000000.jpg')
        missing = next((_name(n) for n in range(len(names)) if _name(n) not in names), None)
        if missing:
            raise VideoError(path, f'{missing} is missing among {len(names)} frames')
        self._count = len(names)

    def __len__(self) -> int:
        return self._count

    def _read(self, indices: np.ndarray) -> np.ndarray:
        return np.stack([self._decode(number) for number in indices])

    def _decode(self, number: int) -> np.ndarray:
        """Decode one frame."""
        try:
            # Pillow, because OpenCV fills a file that is cut off with grey
            with Image.open(Path(self.path, _name(number))) as image:
                return np.asarray(image.convert('RGB'))
        except OSError:
            raise VideoError(self.path, f'{_name(number)} cannot be decoded') from None


def write_jpg(path: Path, pictures: Iterator[np.ndarray]) -> int:
    """Write pictures as JPEG files.

    Args:
        path (Path): A folder, empty.
        pictures (Iterator[np.ndarray]): (H, W, 3) uint8 RGB.

    Returns:
        int: How many there were.
    """
    count = 0
    for count, picture in enumerate(pictures, start=1):
        Image.fromarray(picture).save(path / _name(count - 1), quality=JPG_QUALITY)
    return count


def _name(number: int) -> str:
    """Name the file of a frame."""
    return f'{number:06d}.jpg'
