"""H.264 encoding of pictures in an mp4 file, by x264."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Iterator, Mapping, Union

import av
import numpy as np

from ..errors import MMFakeError

X264 = {
    'crf': '12',  # 40 dB: less would smooth away what gives a manipulation away
    'preset': 'veryfast',  # a quarter of medium's time; 2 % more bytes, 0.3 dB less
    'tune': 'fastdecode',
    # Any frame is at most 15 others away. Readers that seek, decord among them, miscount frames
    # where groups of pictures are open or frames are reordered, hence closed groups without
    # B-frames.
    'g': '16',
    'flags': '+cgop',
    'bf': '0',
    # Flicker must not be taken for a cut, which would give manipulations more key frames.
    'sc_threshold': '0',
    # With it, x264 for AVX-512 does not always give the same bytes; without, files grow by 15 %.
    'mbtree': '0',
}
"""dict[str, str]: How clips are encoded unless told otherwise: 4 GB for all of FF++ at 160 px."""


def frame_rate(fps: float) -> Fraction:
    """Give the fraction nearest to a rate with a denominator up to 1001, as of 30000/1001."""
    rate = Fraction(fps).limit_denominator(1001) if math.isfinite(fps) else 0
    if rate <= 0:
        raise MMFakeError(f'{fps} frames per second is no rate: give a number above 0, e.g. 25')
    return rate


def write_mp4(
    path: Union[Path, BinaryIO],
    pictures: Iterator[np.ndarray],
    rate: Fraction,
    settings: Mapping[str, str],
    container_settings: Mapping[str, str] = MappingProxyType({}),
) -> int:
    """Encode pictures at a constant rate.

    Args:
        path (Path | BinaryIO): The file, whatever its suffix, or one that is open.
        pictures (Iterator[np.ndarray]): At least one, (H, W, 3) uint8 RGB, all of one even shape.
        rate (Fraction): Frames per s.
        settings (Mapping[str, str]): Options of x264.
        container_settings (Mapping[str, str]): Options of mp4. Defaults to none.

    Returns:
        int: How many there were.
    """
    count = 0
    file = str(path) if isinstance(path, Path) else path
    with av.open(file, 'w', format='mp4', options=dict(container_settings)) as container:
        stream = container.add_stream('libx264', rate=rate, options=dict(settings))
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.thread_count = 1  # the number of threads changes the bits
        for count, picture in enumerate(pictures, start=1):
            if count == 1:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format='rgb24')))
        container.mux(stream.encode())
    return count
