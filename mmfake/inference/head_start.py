"""Head start: the first video is decoded and searched while torch and the detector are loaded."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional, Sequence

from ..faces.detectors import FaceSettings
from ..video.frame_reader import VIDEO_SUFFIXES
from .sources import journals_in
from .video_scan import VideoScan

# s: Python's own 5 ms would be waited for at each frame, while imports hold the interpreter
_SWITCH_INTERVAL = 0.0005


@contextmanager
def head_start(
    inputs: Sequence[str],
    faces: Optional[FaceSettings],
    person: str,
    segments: Optional[int],
    out: str,
) -> Iterator[Optional[VideoScan]]:
    """Begin with the first video in a thread, if it is named and nothing is kept of another run.

    Nothing in this module imports torch or the host, so that this can come before them.

    Args:
        inputs (Sequence[str]): Videos, folders or lists.
        faces (FaceSettings, optional): How faces are found; None for no search.
        person (str): ``'largest'`` or ``'all'``.
        segments (int, optional): Only so many pieces with a face.
        out (str): Folder of the run.

    Yields:
        VideoScan | None: The scan, which is to be settled when the detector is loaded, or None.
    """
    name = str(Path(inputs[0])) if inputs else ''
    is_video = os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES and os.path.isfile(name)
    if not is_video or journals_in(out):
        yield None
        return
    if faces is not None:
        faces.load()  # here: a thread that imports beside another one may meet half a module
    scan = VideoScan(name, name, None, faces, person, segments)
    with scan.begun():
        yield scan


@contextmanager
def short_turns() -> Iterator[None]:
    """Let threads take shorter turns at the interpreter while imports hold it."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
