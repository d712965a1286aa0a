"""Frame conversion: decoded frames to RGB pictures, upright, by the file's own colour matrix."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Optional, Sequence, Tuple

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

# From PyAV 17 on it converts in as many threads as there are cores, anew for each video, unless
# told otherwise; its documentation begins with the signature.
_ONE_THREAD = dict(threads=1) if 'threads' in (VideoReformatter.reformat.__doc__ or '') else {}


class FrameConverter:
    """Convert frames to RGB pictures the right way up.

    One converter serves one video: it keeps its tables, and how the first frame is turned.
    """

    def __init__(self) -> None:
        self._reformatter, self._of_few = VideoReformatter(), VideoReformatter()
        self._matrix: Optional[np.ndarray] = None  # empty if there is none

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Convert a frame of any pixel format to (H, W, 3) uint8 RGB, upright."""
        matrix, picture = self._display_matrix(frame), _as_rgb(frame, self._reformatter)
        return oriented(picture, matrix) if len(matrix) else picture

    def shape(self, frame: av.VideoFrame) -> Tuple[int, int, int]:
        """The shape that a frame has when it is converted."""
        matrix = self._display_matrix(frame)
        is_lying = len(matrix) and _swaps_sides(matrix)
        return (frame.width, frame.height, 3) if is_lying else (frame.height, frame.width, 3)

    def every_nth(self, frame: av.VideoFrame, n: int) -> np.ndarray:
        """Convert every n-th pixel of every n-th row alone; they are those of the whole picture."""
        key = (frame.width, frame.height, n, int(frame.colorspace), int(frame.color_range))
        alone = n > 1 and frame.format.name in _PLANAR and not len(self._display_matrix(frame))
        if alone and _keeps_values(frame.format.name, *key):
            return _every_nth(frame, n, self._of_few)
        return self(frame)[::n, ::n]

    def _display_matrix(self, frame: av.VideoFrame) -> np.ndarray:
        """How the first frame, and so each, is turned; empty if it is not."""
        if self._matrix is None:
            # Of the first frame only: to look at a frame's side data keeps the frame in memory
            # until Python's cycle collector comes by.
            self._matrix = _display_matrix(frame)
        return self._matrix


class DecodedPicture:
    """A picture that is converted to RGB when, and as far as, somebody looks at it.

    To numpy it is an array (H, W, 3) uint8 RGB: ``np.asarray(picture)`` converts all of it each
    time, ``picture[::n, ::n]`` only what it gives. Until then it takes half the memory.

    Args:
        frame (av.VideoFrame): As decoded.
        convert (FrameConverter): That of its video.

    Attributes:
        shape (tuple[int, int, int]): (H, W, 3).
        nbytes (int): Of the decoded frame.
    """

    dtype, ndim = np.dtype(np.uint8), 3

    def __init__(self, frame: av.VideoFrame, convert: FrameConverter) -> None:
        self._frame, self._convert = frame, convert
        self.shape = convert.shape(frame)
        self.nbytes: int = sum(plane.buffer_size for plane in frame.planes)

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> np.ndarray:
        """All of it."""
        picture = self._convert(self._frame)
        return picture if dtype is None else picture.astype(dtype, copy=False)

    def __getitem__(self, key: Any) -> np.ndarray:
        """A part of it, by whatever numpy takes."""
        n = key[0].step if isinstance(key, tuple) and isinstance(key[0], slice) else None
        if n is not None and n > 0 and key == (slice(None, None, n),) * 2:
            return self._convert.every_nth(self._frame, n)
        return np.asarray(self)[key]


def _as_rgb(frame: av.VideoFrame, reformatter: VideoReformatter) -> np.ndarray:
    """Convert a frame as it lies."""
    # Left to itself, PyAV 12 ignores the colour matrix of the file, and takes limited range,
    # when it is named, for full range; so it is named where it is full, and only there.
    full = frame.color_range == ColorRange.JPEG
    rgb = reformatter.reformat(
        frame,
        format='rgb24',
        dst_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.JPEG if full else ColorRange.UNSPECIFIED,
        **_ONE_THREAD,
    )
    return rgb.to_ndarray()


# 8-bit luma, and chroma of a quarter of the pixels, in planes of their own
_PLANAR = ('yuv420p', 'yuvj420p')
_BLOCK = 32  # px: a multiple of what FFmpeg converts at a time


def _every_nth(frame: av.VideoFrame, n: int, reformatter: VideoReformatter) -> np.ndarray:
    """Convert a frame made of the pixels that are wanted, each four times over its own chroma."""
    rows, columns = -(-frame.height // n), -(-frame.width // n)
    width = -(-2 * columns // _BLOCK) * _BLOCK
    few = av.VideoFrame(width, 2 * rows, frame.format.name)
    for number, (plane, target) in enumerate(zip(frame.planes, few.planes)):
        pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        filled = np.zeros((target.height, target.line_size), np.uint8)
        if number == 0:
            wanted = pixels[::n, : frame.width : n]
            filled[:, : 2 * columns] = wanted.repeat(2, axis=0).repeat(2, axis=1)
        else:
            wanted = pixels[np.arange(rows) * n // 2][:, np.arange(columns) * n // 2]
            filled[:, :columns] = wanted
        target.update(filled)
    few.colorspace, few.color_range = frame.colorspace, frame.color_range
    return _as_rgb(few, reformatter)[::2, : 2 * columns : 2]


@lru_cache(maxsize=64)
def _keeps_values(
    kind: str, width: int, height: int, n: int, colorspace: int, color_range: int
) -> bool:
    """Whether FFmpeg gives the pixels the same values alone: not if it blends their chroma."""
    noise = av.VideoFrame(width, height, kind)
    generator = np.random.default_rng(0)
    for plane in noise.planes:
        plane.update(generator.integers(0, 256, plane.buffer_size, dtype=np.uint8))
    noise.colorspace, noise.color_range = colorspace, color_range
    whole = _as_rgb(noise, VideoReformatter())[::n, ::n]
    return np.array_equal(_every_nth(noise, n, VideoReformatter()), whole)


def oriented(picture: np.ndarray, matrix: Sequence[int]) -> np.ndarray:
    """Turn a stored (H, W, 3) picture as a display matrix asks, rounded to quarter turns.

    Telephones store a turned sensor. The nine numbers of an mp4 are (a, b, u, c, d, v, x, y, w): a
    stored pixel (p, q) is shown at (a * p + c * q, b * p + d * q), y downwards.
    """
    a, b, _, c, d = matrix[:5]
    if _swaps_sides(matrix):
        picture, shown_x, shown_y = picture.transpose(1, 0, 2), c, b
    else:
        shown_x, shown_y = a, d
    picture = picture[:: -1 if shown_y < 0 else 1, :: -1 if shown_x < 0 else 1]
    return np.ascontiguousarray(picture)


def _swaps_sides(matrix: Sequence[int]) -> bool:
    """Whether a display matrix turns a picture by a quarter."""
    return abs(int(matrix[1])) > abs(int(matrix[0]))


def _display_matrix(frame: av.VideoFrame) -> np.ndarray:
    """Read the display matrix of a frame, nine numbers; empty if it has none."""
    if 'DISPLAYMATRIX' not in {data.type.name for data in frame.side_data}:
        return np.empty(0, np.int32)
    return np.frombuffer(frame.side_data['DISPLAYMATRIX'], np.int32).copy()
