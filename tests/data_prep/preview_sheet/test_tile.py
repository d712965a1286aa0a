from __future__ import annotations

import numpy as np
import pytest

from data_prep.preview_sheet.tiles import make_tile


@pytest.fixture
def tile_of(dataset):
    def make(name='df/000_001', number=4):
        wanted = dataset.row(name)['id']
        table = dataset.table()
        row = next(row for row in table.rows if row.video_id == wanted)
        return make_tile(table, row, number)

    return make


@pytest.mark.parametrize('number', [0, 4, 8])
def test_both_pictures_show_the_same_instant(dataset, tile_of, number):
    tile = tile_of(number=number)
    expected = dataset.brightness(dataset.start + number)
    assert tile.frame.shape == (48, 64, 3)
    assert tile.crop.shape == (24, 24, 3)
    assert tile.frame.mean() == pytest.approx(expected, abs=3)
    assert tile.crop.mean() == pytest.approx(expected + 10, abs=3)
    assert (tile.name, tile.note) == ('000_001', '')


def test_the_boxes(dataset, tile_of):
    tile = tile_of()
    np.testing.assert_allclose(tile.face, dataset.face, atol=1e-4)
    # 1.5 times the longer side of 20 px around the centre (28, 22)
    assert tuple(map(int, tile.square)) == (13, 7, 43, 37)
    dataset.row('df/000_001')['margin'] = ''
    assert tile_of().square is None


def test_a_video_that_is_not_used(dataset, tile_of):
    dataset.row('df/000_001').update(status='no-face', reason='in none of 60 frames')
    tile = tile_of()
    assert tile.note == 'no-face: in none of 60 frames'
    assert tile.crop is None
    assert tile.frame is None


@pytest.mark.parametrize(
    ('column', 'note'),
    [
        ('path', 'clip: no such file'),
        ('track', 'the track cannot be read'),
        ('source_file', 'source file not there'),
    ],
)
def test_a_file_that_is_not_there(dataset, tile_of, column, note):
    row = dataset.row('df/000_001')
    (dataset.root / row[column]).unlink()
    tile = tile_of()
    assert tile.note == note
    assert tile.frame is None
    assert (tile.crop is None) == (column == 'path')


@pytest.mark.parametrize(
    ('column', 'note'),
    [('track', 'the index names no track'), ('source_file', 'source file not there')],
)
def test_a_file_that_the_index_does_not_name(dataset, tile_of, column, note):
    dataset.row('df/000_001')[column] = ''
    assert tile_of().note == note


def test_damaged_files(dataset, tile_of):
    for column in ('source_file', 'path'):
        (dataset.root / dataset.row('df/000_001')[column]).write_bytes(b'no video')
        assert 'not a video' in tile_of().note


def test_a_frame_beyond_the_end(dataset, tile_of):
    assert tile_of(number=9).note == 'the clip has no frame 9'
