"""Tiles of the contact sheet: which videos, and their frames."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import Dict, Iterator, List, Optional, Tuple

import numpy as np

from mmfake.datasets.protocol import ORIGINAL, manipulation_keys
from mmfake.errors import MMFakeError
from mmfake.faces.crop import square_boxes
from mmfake.faces.face_track import FaceTrack, smooth_track
from mmfake.video.frame_reader import FrameReader, VideoError

from ..audit.index_table import IndexRow, IndexTable
from ..audit.inspection import clip_pictures


@dataclass(frozen=True)
class SheetRow:
    """The videos of one identity.

    Args:
        label (str): Target, compression and split.
        videos (dict[str, IndexRow]): Its videos by method; of several fakes of a method the first.
        frame (int): The frame of the clips to show, from 0: the middle of the shortest.
    """

    label: str
    videos: Dict[str, IndexRow]
    frame: int


def choose_rows(table: IndexTable, count: int, seed: int) -> Tuple[List[SheetRow], int]:
    """Draw some identities, every one as likely as another, used or not."""
    identities: Dict[Tuple[str, str], List[IndexRow]] = defaultdict(list)
    for row in table.rows:
        identities[row.origin, row['compression']].append(row)
    keys = sorted(identities)
    drawn = sorted(random.Random(seed).sample(keys, min(count, len(keys))))
    return [_sheet_row(identities[key]) for key in drawn], len(keys)


def methods_of(rows: List[SheetRow]) -> List[str]:
    """List the methods of some rows."""
    present = {method for row in rows for method in row.videos}
    return [key for key in (ORIGINAL, *manipulation_keys(True)) if key in present]


def _sheet_row(videos: List[IndexRow]) -> SheetRow:
    by_method: Dict[str, IndexRow] = {}
    for row in sorted(videos, key=lambda row: row.video_id):
        by_method.setdefault(row['method'], row)
    lengths = [row.frames for row in by_method.values() if row.used and row.frames is not None]
    first = videos[0]
    label = '\n'.join((first['target'], first['compression'], first['split']))
    return SheetRow(label, by_method, min(lengths, default=1) // 2)


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
    """Read the pictures of one video."""
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
