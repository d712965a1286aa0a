"""Stored clips: numbered jpg pictures, npy arrays."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO, Iterator, NamedTuple, Sequence, Tuple, Union

import numpy as np
from PIL import Image

from .frame_reader import VideoError


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


class NpyClip(StoredClip):
    """A ``.npy`` file of (T, H, W, 3) uint8 RGB, of which only the frames asked for are read.

    Args:
        path (str | Path): The file.
        fps (float): Frames per s. Defaults to 25.0.

    Raises:
        VideoError: If the file is missing, cut off or holds anything else. Pickled objects, which
            could run code, are never loaded.
    """

    def __init__(self, path: Union[str, Path], fps: float = 25.0) -> None:
        super().__init__(path, fps)
        try:
            self._array = np.lib.format.open_memmap(self.path, mode='r')
        except OSError as error:
            raise VideoError(path, f'cannot be opened ({error.strerror or error})') from None
        except (ValueError, TypeError, EOFError, OverflowError):
            raise VideoError(path, 'not a whole .npy file; write it anew') from None
        array = self._array
        if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 3 or not array.size:
            raise VideoError(
                path, f'it holds {array.shape} {array.dtype}, not (T, H, W, 3) uint8; write it anew'
            )

    def __len__(self) -> int:
        return len(self._array)

    def _read(self, indices: np.ndarray) -> np.ndarray:
        return np.array(self._array[indices])


def write_npy(path: Path, pictures: Iterator[np.ndarray]) -> int:
    """Write pictures as one array without ever holding more than one of them.

    Args:
        path (Path): The file, whatever its suffix.
        pictures (Iterator[np.ndarray]): At least one, (H, W, 3) uint8 RGB, all of one shape.

    Returns:
        int: How many there were.
    """
    count, shape = 0, ()
    with open(path, 'wb') as file:
        for count, picture in enumerate(pictures, start=1):
            if count == 1:
                shape = picture.shape
                _write_header(file, (0, *shape))
            file.write(picture.tobytes())
        # its length is a multiple of 64 bytes that leaves room for any count
        file.seek(0)
        _write_header(file, (count, *shape))
    return count


def _write_header(file: BinaryIO, shape: Tuple[int, ...]) -> None:
    """Write what comes before the pixels."""
    header = dict(descr='|u1', fortran_order=False, shape=shape)
    np.lib.format.write_array_header_1_0(file, header)
