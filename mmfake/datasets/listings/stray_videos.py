"""Video files that no list names."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Sequence

from mmengine.logging import print_log

from ...errors import sample_of
from ..video_record import VideoRecord

SUFFIXES = ('.mp4', '.avi', '.mov', '.mkv', '.webm')
"""tuple[str]: How the name of a video file ends."""


def warn_of_strays(records: Sequence[VideoRecord], name: str) -> None:
    """Say in one line how many video files lie beside listed ones and are not listed themselves.

    Args:
        records (Sequence[VideoRecord]): The listing.
        name (str): The dataset, for the message.
    """
    listed = {record.filename for record in records}
    folders = sorted({Path(filename).parent for filename in listed})
    strays = [
        str(path)
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and str(path) not in listed
    ]
    if strays:
        print_log(
            f'{name}: {len(strays)} video files are in none of its lists and left out: '
            f'{sample_of(strays)}',
            logger='current',
            level=logging.WARNING,
        )
