"""Writing a video file that decord reads exactly."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np

from .motion import FPS

# The same for originals and manipulations, or the codec would give the label away. crf 23 is the
# c23 of FaceForensics++. decord counts frames wrongly where groups of pictures are open or where
# frames are reordered, hence a closed group of one second and no B-frames. Flicker must not be
# taken for a cut, which would give manipulations more key frames than originals.
X264 = {
    'crf': '23',
    'preset': 'medium',
    'bf': '0',
    'g': str(FPS),
    'flags': '+cgop',
    'sc_threshold': '0',
}


def write_video(path: Path, video: np.ndarray) -> None:
    """Encode a video as H.264 in mp4; the file appears under its name only when it is whole.

    Args:
        path (Path): Where it goes; its folder exists.
        video (np.ndarray): (T, H, W, 3) uint8 RGB, H and W even.
    """
    unfinished = path.with_name(f'.{path.name}.part')
    with av.open(str(unfinished), 'w', format='mp4') as container:
        stream = container.add_stream('libx264', rate=FPS, options=dict(X264))
        stream.height, stream.width = video.shape[1:3]
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.thread_count = 1  # the number of threads changes the bits
        for picture in video:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    os.replace(unfinished, path)
