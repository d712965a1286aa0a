"""The pictures of a clip in any of its formats."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import numpy as np

from mmfake.video import FrameReader, JpgClip, NpyClip


def clip_pictures(clip: Path) -> Iterator[np.ndarray]:
    """Read a clip from its first frame on.

    Args:
        clip (Path): A video, an ``.npy`` array or a folder of ``000000.jpg`` and so on.

    Yields:
        np.ndarray: (H, W, 3) uint8 RGB.

    Raises:
        VideoError: At the first damage.
    """
    if clip.is_dir() or clip.suffix == '.npy':
        stored = JpgClip(clip) if clip.is_dir() else NpyClip(clip)
        for number in range(len(stored)):
            yield stored.get_batch([number]).asnumpy()[0]
        return
    with FrameReader(clip) as reader:
        for frame in reader:
            yield frame.picture
