"""Writing a video file that decord reads exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mmfake.atomic_file import remove_leftovers
from mmfake.video import write_clip

from .motion import FPS

# The same for originals and manipulations, or the codec would give the label away. crf 23 is the
# c23 of FaceForensics++. decord counts frames wrongly where groups of pictures are open or where
# frames are reordered, hence a closed group of one second and no B-frames. Flicker must not be
# taken for a cut, which would give manipulations more key frames than originals. Without the
# macroblock tree the same pictures always give the same bytes.
X264 = {
    'crf': '23',
    'preset': 'medium',
    'bf': '0',
    'g': str(FPS),
    'flags': '+cgop',
    'sc_threshold': '0',
    'mbtree': '0',
}


def write_video(path: Path, video: np.ndarray) -> None:
    """Encode a video as H.264 in mp4; the file appears under its name only when it is whole.

    Args:
        path (Path): Where it goes.
        video (np.ndarray): (T, H, W, 3) uint8 RGB, H and W even.
    """
    remove_leftovers(path)
    write_clip(path, video, FPS, settings=X264)
