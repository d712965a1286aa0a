"""Contact sheet of a prepared dataset: which videos, their pictures, and the drawing."""

from __future__ import annotations

import random
import textwrap
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import Dict, Iterator, List, Optional, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mmfake.datasets.manipulations import in_order, method_name
from mmfake.errors import MMFakeError
from mmfake.faces.crop import square_boxes
from mmfake.faces.face_track import FaceTrack, smooth_track
from mmfake.video.frame_reader import FrameReader, VideoError
from mmfake.visualization.style import BLUE, GREY, VERMILLION, figure_style

from ..audit.index_table import IndexRow, IndexTable
from ..audit.inspection import clip_pictures

# inches
HEIGHT = CROP_WIDTH = 0.9
LEFT, HEAD, FOOT, GAP, CAPTION = 0.6, 0.62, 0.06, 0.12, 0.16
PALE = '#e6e6e6'
_NOTE = 6  # points; letters are 0.6 as wide, and lines 1.2 as high


# ---- which videos


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
    return in_order(method for row in rows for method in row.videos)


def _sheet_row(videos: List[IndexRow]) -> SheetRow:
    by_method: Dict[str, IndexRow] = {}
    for row in sorted(videos, key=lambda row: row.video_id):
        by_method.setdefault(row['method'], row)
    lengths = [row.frames for row in by_method.values() if row.used and row.frames is not None]
    first = videos[0]
    label = '\n'.join((first['target'], first['compression'], first['split']))
    return SheetRow(label, by_method, min(lengths, default=1) // 2)


# ---- their pictures

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


# ---- the drawing


def draw_sheet(
    rows: List[SheetRow], tiles: List[Dict[str, Tile]], methods: List[str], title: str
) -> Figure:
    """Draw a row per identity; of each video the raw frame with the boxes, and the clip's frame."""
    frame_width = HEIGHT * _aspect(tiles)
    column = frame_width + CROP_WIDTH + GAP
    width = LEFT + column * len(methods)
    height = HEAD + (HEIGHT + CAPTION) * len(rows) + FOOT
    with figure_style():
        figure = Figure(figsize=(width, height))
        figure.text(0.08 / width, 1 - 0.08 / height, title, va='top', fontweight='bold')
        _draw_key(figure, width, height)
        for m, method in enumerate(methods):
            x = (LEFT + m * column + (column - GAP) / 2) / width
            name = method_name(method)
            figure.text(
                x, 1 - (HEAD - 0.05) / height, name, ha='center', va='bottom', fontweight='bold'
            )
        for r, row in enumerate(rows):
            bottom = height - HEAD - (r + 1) * (HEIGHT + CAPTION)
            label = f'{row.label}\nframe {row.frame}'
            figure.text(0.08 / width, (bottom + HEIGHT) / height, label, va='top', fontsize=7)
            for m, method in enumerate(methods):
                left = LEFT + m * column
                places = (
                    (left, frame_width),
                    (left + frame_width + 0.02, CROP_WIDTH),
                )
                frame, crop = (
                    figure.add_axes((x / width, bottom / height, w / width, HEIGHT / height))
                    for x, w in places
                )
                _draw_tile(frame, crop, tiles[r].get(method) or Tile('', note='not in the index'))
    return figure


def _aspect(tiles: List[Dict[str, Tile]]) -> float:
    """Width over height of the widest raw frame, from 1 to 16:9."""
    shapes = [tile.frame.shape for row in tiles for tile in row.values() if tile.frame is not None]
    return min(max((shape[1] / shape[0] for shape in shapes), default=1), 16 / 9)


def _draw_tile(left: Axes, right: Axes, tile: Tile) -> None:
    """Draw the raw frame on the left and the crop on the right."""
    for ax in (left, right):
        ax.set_xticks([])
        ax.set_yticks([])
        ax.spines[:].set_visible(False)
    size = f', face {_side(tile.face):.0f} px' if tile.face else ''
    left.set_title(f'{tile.name}{size}', fontsize=6, pad=2, color=GREY)
    if tile.frame is None:
        left.set_facecolor(PALE)
        area = left.get_window_extent()
        points = 72 / left.figure.dpi
        note = textwrap.fill(
            tile.note,
            int(area.width * points / (0.6 * _NOTE)),
            max_lines=int(area.height * points / (1.2 * _NOTE)),
            placeholder=' ...',
        )
        left.text(
            0.5, 0.5, note, transform=left.transAxes, ha='center', va='center', fontsize=_NOTE
        )
    else:
        left.imshow(tile.frame)
        left.set_anchor('E')  # beside its crop, also when it is a portrait
        for box, colour in ((tile.square, BLUE), (tile.face, VERMILLION)):
            if box is not None:
                left.add_patch(_outline(box, colour))
        # a crop that leaves the picture is drawn as far as the picture goes
        height, width = tile.frame.shape[:2]
        left.set_xlim(-0.5, width - 0.5)
        left.set_ylim(height - 0.5, -0.5)
    if tile.crop is None:
        right.set_facecolor(PALE)
    else:
        right.imshow(tile.crop)
        right.set_anchor('W')


def _draw_key(figure: Figure, width: float, height: float) -> None:
    """Say what the colours mean."""
    y = 1 - 0.26 / height
    for x, text, colour in ((0.08, 'face box', VERMILLION), (0.62, 'what is cut out', BLUE)):
        figure.text(x / width, y, text, va='top', color=colour, fontsize=7)


def _outline(box: Box, colour: str) -> Rectangle:
    left, top, right, bottom = box
    return Rectangle((left, top), right - left, bottom - top, fill=False, ec=colour, lw=1)


def _side(box: Box) -> float:
    left, top, right, bottom = np.asarray(box, float)
    return max(right - left, bottom - top)
