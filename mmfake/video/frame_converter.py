"""Turning decoded frames into pictures as they are shown."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Optional, Sequence, Union

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter


def declared_size(path: Union[str, Path]) -> Optional[int]:
    """Add up the sizes that the parts of a file declare.

    A file that is shorter than this lost its end: a broken download or a full disk. Counting
    frames cannot tell, since an edit list or a trim without re-encoding also shows fewer frames
    than the file claims to have; those leave the sizes intact.

    Args:
        path (str | Path): A file of any kind.

    Returns:
        int, optional: Bytes that mp4, mov, avi, webm or mkv declare; None for other formats, and
        where the format lets a part reach to the end of the file, wherever that is.
    """
    with open(path, 'rb') as file:
        head = file.read(12)
        length = file.seek(0, 2)
        if head[4:8] in (b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide', b'styp'):
            return _size_of_boxes(file, length)
        if head[:4] == b'RIFF' and head[8:] == b'AVI ':
            return _size_of_riff(file, length)
        if head[:4] == b'\x1a\x45\xdf\xa3':
            return _size_of_ebml(file, length)
    return None


def _size_of_boxes(file: BinaryIO, length: int) -> Optional[int]:
    """Follow the boxes of mp4 and mov."""
    end = 0
    while end < length:
        file.seek(end)
        header = file.read(16)
        size = int.from_bytes(header[:4], 'big')
        if size == 1:  # the real size, too long for 32 bits, comes after the name
            size = int.from_bytes(header[8:], 'big')
        if size < 8:  # 0: to the end of the file; anything else is no box, e.g. padding
            return None
        end += size
    return end


def _size_of_riff(file: BinaryIO, length: int) -> int:
    """Follow the chunks of avi: there is one per gigabyte."""
    end = 0
    while end < length:
        file.seek(end)
        header = file.read(8)
        if header[:4] != b'RIFF':
            break
        end += 8 + int.from_bytes(header[4:], 'little')
    return end


def _size_of_ebml(file: BinaryIO, length: int) -> Optional[int]:
    """Add the header and the one segment of webm and mkv."""
    end = 0
    for _ in range(2):
        if end >= length:
            return None
        file.seek(end + 4)
        first = file.read(1)
        digits = 9 - first[0].bit_length() if first else 9
        size = int.from_bytes(first + file.read(digits - 1), 'big') & ((1 << 7 * digits) - 1)
        if digits > 8 or size == (1 << 7 * digits) - 1:  # all ones: unknown, a live recording
            return None
        end += 4 + digits + size
    return end


class FrameConverter:
    """Convert frames to RGB pictures the right way up.

    One converter serves one video: it keeps its tables, and how the first frame is turned.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._matrix: Optional[np.ndarray] = None  # empty if there is none

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Convert a frame.

        Args:
            frame (av.VideoFrame): Of any pixel format.

        Returns:
            np.ndarray: (H, W, 3) uint8 RGB, turned as the file's display matrix asks.
        """
        # Left to itself, PyAV 12 ignores the colour matrix of the file, and takes limited range,
        # when it is named, for full range; so it is named where it is full, and only there.
        full = frame.color_range == ColorRange.JPEG
        rgb = self._reformatter.reformat(
            frame,
            format='rgb24',
            dst_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.JPEG if full else ColorRange.UNSPECIFIED,
        )
        picture = rgb.to_ndarray()
        if self._matrix is None:
            # Of the first frame only: to look at a frame's side data keeps the frame in memory
            # until Python's cycle collector comes by.
            self._matrix = _display_matrix(frame)
        return oriented(picture, self._matrix) if len(self._matrix) else picture


def oriented(picture: np.ndarray, matrix: Sequence[int]) -> np.ndarray:
    """Apply a display matrix, rounded to quarter turns: telephones store a turned sensor.

    Args:
        picture (np.ndarray): (H, W, 3) picture as it is stored.
        matrix (Sequence[int]): The nine numbers (a, b, u, c, d, v, x, y, w) of a mp4: a stored
            pixel (p, q) is shown at (a * p + c * q, b * p + d * q), y downwards.

    Returns:
        np.ndarray: (H, W, 3), or (W, H, 3) after an odd number of quarter turns.
    """
    a, b, _, c, d = matrix[:5]
    if abs(int(b)) > abs(int(a)):
        picture, shown_x, shown_y = picture.transpose(1, 0, 2), c, b
    else:
        shown_x, shown_y = a, d
    picture = picture[:: -1 if shown_y < 0 else 1, :: -1 if shown_x < 0 else 1]
    return np.ascontiguousarray(picture)


def _display_matrix(frame: av.VideoFrame) -> np.ndarray:
    """Read the display matrix of a frame, nine numbers; empty if it has none."""
    if 'DISPLAYMATRIX' not in {data.type.name for data in frame.side_data}:
        return np.empty(0, np.int32)
    return np.frombuffer(frame.side_data['DISPLAYMATRIX'], np.int32).copy()
