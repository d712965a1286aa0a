"""Stored clips: folders of jpg pictures, lists of pictures and npy arrays, read like decord's."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import BinaryIO, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from PIL import Image

from .frame_reader import VideoError

PICTURES = '.pictures'
"""str: How the name of a list of pictures ends."""


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
        numbers = np.arange(len(self))[np.asarray(indices, dtype=np.int64)]
        return _Batch(self._read(numbers) if len(numbers) else self._read(np.zeros(1, int))[:0])


def picture_name(number: int) -> str:
    """Name the file of a frame in a folder of pictures, ``000000.jpg`` for the first."""
    return f'{number:06d}.jpg'


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
            names = os.listdir(self.path)
        except OSError as error:
            raise VideoError(path, f'cannot be opened ({error.strerror})') from None
        # by their names in small letters: copying may have made 000000.JPG of 000000.jpg
        self._files = {name.lower(): name for name in names if name.lower().endswith('.jpg')}
        if not self._files:
            raise VideoError(path, 'a folder without a frame such as 000000.jpg')
        for number in range(len(self._files)):
            if picture_name(number) not in self._files:
                missing, count = picture_name(number), len(self._files)
                raise VideoError(path, f'{missing} is missing among {count} frames')

    def __len__(self) -> int:
        return len(self._files)

    def _read(self, indices: np.ndarray) -> np.ndarray:
        return np.stack([self._decode(number) for number in indices])

    def _decode(self, number: int) -> np.ndarray:
        """Decode one frame."""
        return _decode(self.path, Path(self.path, self._files[picture_name(number)]))


class PictureList(StoredClip):
    """A text file that names a picture in each line, jpg or png, anywhere, in the order of time.

    Args:
        path (str | Path): The file. What it names is relative to its own folder.
        fps (float): Frames per s. Defaults to 25.0.

    Raises:
        VideoError: If the file is missing, no text or names no picture.
    """

    def __init__(self, path: Union[str, Path], fps: float = 25.0) -> None:
        super().__init__(path, fps)
        try:
            lines = Path(path).read_text(encoding='utf-8').splitlines()
        except OSError as error:
            raise VideoError(path, f'cannot be opened ({error.strerror})') from None
        except UnicodeDecodeError:
            raise VideoError(path, 'no list of pictures') from None
        self._files = [Path(path).parent / line for line in lines if line]
        if not self._files:
            raise VideoError(path, 'a list without a picture')

    def __len__(self) -> int:
        return len(self._files)

    def _read(self, indices: np.ndarray) -> np.ndarray:
        pictures = [_decode(self.path, self._files[number]) for number in indices]
        if len({picture.shape for picture in pictures}) > 1:
            raise VideoError(self.path, 'its pictures are of different sizes')
        return np.stack(pictures)


def _decode(clip: str, file: Path) -> np.ndarray:
    """Decode one picture of a clip."""
    try:
        # Pillow, because OpenCV fills a file that is cut off with grey
        with Image.open(file) as image:
            return np.asarray(image.convert('RGB'))
    except FileNotFoundError:
        reason = 'is not there; put it back, or prepare the dataset again'
    except (OSError, SyntaxError) as error:  # the latter for broken parts of a png
        fault = getattr(error, 'strerror', None)  # what Pillow finds wrong has none
        reason = f'cannot be read ({fault})' if fault else 'cannot be decoded'
    raise VideoError(clip, f'{file.name} {reason}')


class NpyClip(StoredClip):
    """A ``.npy`` file of (T, H, W, 3) uint8 RGB, of which only the frames asked for are read.

    Successive frames are not even copied: they are a private view of the file, page by page, in
    which a page is read when it is looked at, and copied when it is written to.

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
            with open(self.path, 'rb') as file:
                shape, fortran, dtype = _read_header(file)
                start = file.tell()
                if start + dtype.itemsize * math.prod(shape) > os.fstat(file.fileno()).st_size:
                    raise ValueError('cut off')
        except OSError as error:
            raise VideoError(path, f'cannot be opened ({error.strerror or error})') from None
        except (ValueError, TypeError, EOFError, OverflowError):
            raise VideoError(path, 'not a whole .npy file; write it anew') from None
        if dtype != np.uint8 or len(shape) != 4 or shape[-1] != 3 or min(shape) < 1:
            raise VideoError(
                path, f'it holds {shape} {dtype}, not (T, H, W, 3) uint8; write it anew'
            )
        self._map = dict(shape=shape, order='F' if fortran else 'C', offset=start)

    def __len__(self) -> int:
        return self._map['shape'][0]

    def _read(self, indices: np.ndarray) -> np.ndarray:
        # 'c': what is written stays in this view
        video = np.memmap(self.path, np.uint8, 'c', **self._map).view(np.ndarray)
        if len(indices) and (np.diff(indices) == 1).all():
            return video[indices[0] : indices[-1] + 1]
        return video[indices]


def _read_header(file: BinaryIO) -> Tuple[Tuple[int, ...], bool, np.dtype]:
    """Read shape, Fortran order and type of an array."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(file)
    else:  # refuses later versions, which are for names of fields
        header = np.lib.format.read_array_header_2_0(file)
    if header[2].hasobject:
        raise ValueError('pickled objects')
    return header


def open_stored_clip(path: Union[str, Path], fps: float = 25.0) -> Optional[StoredClip]:
    """Open a folder of pictures, a ``.pictures`` or ``.npy`` file (``.NPY`` too); else None."""
    suffix = os.path.splitext(str(path))[1].lower()
    if suffix == '.npy':
        return NpyClip(path, fps)
    if suffix == PICTURES:
        return PictureList(path, fps)
    # os.path, because the questions of pathlib raise OSError for a name that is too long
    return JpgClip(path, fps) if os.path.isdir(path) else None
