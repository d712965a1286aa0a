from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from data_prep.preview_sheet.sheet_figure import draw_sheet
from data_prep.preview_sheet.tiles import SheetRow, Tile
from mmfake.visualization.style import BLUE, VERMILLION

METHODS = ['original', 'df']


@pytest.fixture
def figure():
    wide, square = np.zeros((36, 64, 3), np.uint8), np.full((32, 32, 3), 200, np.uint8)
    rows = [SheetRow('000\nc23\ntrain', {}, 7), SheetRow('001\nc23\ntest', {}, 3)]
    tiles = [
        dict(
            original=Tile('000', square, wide, (10, 5, 30, 25), (5, 0, 35, 30)),
            df=Tile('000_001', square, note='source file not there'),
        ),
        dict(original=Tile('001', note='no-face: in none of 60 frames')),
    ]
    return draw_sheet(rows, tiles, METHODS, 'ffpp: 2 of 9 identities, seed 4')


def _texts(ax):
    return ' '.join(text.get_text() for text in ax.texts).replace('\n', ' ')


def test_titles_and_labels(figure):
    words = [text.get_text() for text in figure.texts]
    assert words[0] == 'ffpp: 2 of 9 identities, seed 4'
    for word in ('Original', 'Deepfakes', 'face box', 'what is cut out'):
        assert word in words
    assert '000\nc23\ntrain\nframe 7' in words
    assert '001\nc23\ntest\nframe 3' in words


def test_a_frame_with_its_boxes_beside_its_crop(figure):
    frame, crop = figure.axes[:2]
    assert frame.images[0].get_array().shape == (36, 64, 3)
    assert crop.images[0].get_array().shape == (32, 32, 3)
    boxes = {
        to_hex(patch.get_edgecolor()).upper(): patch.get_bbox().extents for patch in frame.patches
    }
    assert {colour: tuple(box) for colour, box in boxes.items()} == {
        VERMILLION: (10, 5, 30, 25),
        BLUE: (5, 0, 35, 30),
    }
    assert frame.get_title(loc='left') == '000, face 20 px'
    assert frame.get_xlim() == (-0.5, 63.5)
    assert frame.get_position().x1 < crop.get_position().x0


def test_what_is_not_there_is_grey_and_says_why(figure):
    # four videos, of each the frame and the crop
    assert len(figure.axes) == 8
    no_source, crop = figure.axes[2:4]
    assert _texts(no_source) == 'source file not there'
    assert crop.images
    unused, nothing = figure.axes[4:6]
    assert _texts(unused) == 'no-face: in none of 60 frames'
    assert not unused.images + nothing.images
    assert len({to_hex(ax.get_facecolor()) for ax in (unused, nothing, no_source)}) == 1
    assert to_hex(unused.get_facecolor()) != '#ffffff'
    assert _texts(figure.axes[6]) == 'not in the index'


def test_nothing_overlaps_and_all_is_inside(figure):
    places = [ax.get_position() for ax in figure.axes]
    for number, one in enumerate(places):
        assert 0 <= one.x0 < one.x1 <= 1
        assert 0 <= one.y0 < one.y1 <= 1
        assert not any(one.overlaps(other) for other in places[number + 1 :])
