"""Frame conversion: decoded frames to RGB pictures, upright, by the file's own colour matrix."""

from __future__ import annotations

from typing import Optional, Sequence

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
        self._reformatter = VideoReformatter()
        self._matrix: Optional[np.ndarray] = None  # empty if there is none

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """Convert a frame of any pixel format to (H, W, 3) uint8 RGB, upright."""
        # Left to itself, PyAV 12 ignores the colour matrix of the file, and takes limited range,
        # when it is named, for full range; so it is named where it is full, and only there.
        full = frame.color_range == ColorRange.JPEG
        rgb = self._reformatter.reformat(
            frame,
            format='rgb24',
            dst_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.JPEG if full else ColorRange.UNSPECIFIED,
            **_ONE_THREAD,
        )
        picture = rgb.to_ndarray()
        if self._matrix is None:
            # Of the first frame only: to look at a frame's side data keeps the frame in memory
            # until Python's cycle collector comes by.
            self._matrix = _display_matrix(frame)
        return oriented(picture, self._matrix) if len(self._matrix) else picture


def oriented(picture: np.ndarray, matrix: Sequence[int]) -> np.ndarray:
    """Turn a stored (H, W, 3) picture as a display matrix asks, rounded to quarter turns.

    Telephones store a turned sensor. The nine numbers of an mp4 are (a, b, u, c, d, v, x, y, w): a
    stored pixel (p, q) is shown at (a * p + c * q, b * p + d * q), y downwards.
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
