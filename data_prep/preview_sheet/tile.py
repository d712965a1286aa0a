"""What a preview shows of one video."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Iterator, Optional, Tuple

import numpy as np
from audit.clip_pictures import clip_pictures
from audit.index_row import IndexRow
from audit.index_table import IndexTable

from mmfake.errors import MMFakeError
from mmfake.faces import FaceTrack, smooth_track, square_boxes
from mmfake.video import FrameReader, VideoError

Box = Tuple[float, float, float, float]


@dataclass(frozen=True)
class Tile:
    """One video of a preview; what is None could not be had.

    Args:
        name (str): Stem of the video.
        crop (np.ndarray, optional): A frame of the clip, (S, S, 3) uint8 RGB. Defaults to None.
        frame (np.ndarray, optional): The same frame of the raw video, (H, W, 3) uint8 RGB.
            Defaults to None.
        face (tuple, optional): Left, top, right, bottom of the face in it, px. Defaults to None.
        square (tuple, optional): The same of what was cut out, px. Defaults to None.
        note (str): Why something is not shown; empty if all is. Defaults to ``''``.
    """

    name: str
    crop: Optional[np.ndarray] = None
    frame: Optional[np.ndarray] = None
    face: Optional[Box] = None
    square: Optional[Box] = None
    note: str = ''


def make_tile(table: IndexTable, row: IndexRow, number: int) -> Tile:
    """Read the pictures of one video.

    Args:
        table (IndexTable): The index.
        row (IndexRow): Its row.
        number (int): Which frame of the clip to show, from 0.

    Returns:
        Tile: With a note if the video is not used or a file cannot be read.
    """
    name = row.video_id.rsplit('/', 1)[1]
    if not row.used:
        reason = f': {row["reason"]}' if row['reason'] else ''
        return Tile(name, note=f'{row["status"]}{reason}')
    try:
        crop = _nth(clip_pictures(table.file(row['path'])), number)
    except VideoError as error:
        return Tile(name, note=f'clip: {error.reason}')
    if crop is None:
        return Tile(name, note=f'the clip has no frame {number}')
    if not row['track']:
        return Tile(name, crop, note='the index names no track')
    try:
        track = FaceTrack.load(table.file(row['track']))
    except MMFakeError:
        return Tile(name, crop, note='the track cannot be read')
    if number >= len(track):
        return Tile(name, crop, note=f'the track has no box {number}')
    source = table.file(row['source_file'])
    if not row['source_file'] or not source.is_file():
        return Tile(name, crop, note='source file not there')
    try:
        with FrameReader(source) as reader:
            frame = _nth((shown.picture for shown in reader), track.start + number)
    except VideoError as error:
        return Tile(name, crop, note=f'source file: {error.reason}')
    if frame is None:
        return Tile(name, crop, note=f'source file: no frame {track.start + number}')
    smooth = smooth_track(track)
    square = tuple(square_boxes(smooth, float(row['margin']))[number]) if row['margin'] else None
    return Tile(name, crop, frame, tuple(smooth.boxes[number]), square)


def _nth(pictures: Iterator[np.ndarray], number: int) -> Optional[np.ndarray]:
    return next(islice(pictures, number, None), None)
