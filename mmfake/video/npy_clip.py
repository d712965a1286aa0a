"""Clips stored as one array."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Iterator, Tuple, Union

import numpy as np

from .stored_clip import StoredClip
from .video_error import VideoError


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
