"""Contact sheet of a prepared dataset, drawn from its tiles."""

from __future__ import annotations

import textwrap
from typing import Dict, List

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mmfake.datasets.protocol import get_manipulation
from mmfake.visualization.style import BLUE, GREY, VERMILLION, figure_style

from .tiles import Box, SheetRow, Tile

# inches
HEIGHT = CROP_WIDTH = 0.9
LEFT, HEAD, FOOT, GAP, CAPTION = 0.6, 0.62, 0.06, 0.12, 0.16
PALE = '#e6e6e6'


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
            name = get_manipulation(method).name
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
        note = textwrap.fill(tile.note, 28, max_lines=5, placeholder=' ...')
        left.text(0.5, 0.5, note, transform=left.transAxes, ha='center', va='center', fontsize=6)
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
