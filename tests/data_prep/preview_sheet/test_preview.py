"""The preview of a prepared dataset: its contact sheet and histograms."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.colors import to_hex

from data_prep import preview as cli
from data_prep.preview_sheet.histograms import draw_histograms, measure
from data_prep.preview_sheet.sheet_figure import draw_sheet
from data_prep.preview_sheet.tiles import SheetRow, Tile, choose_rows, make_tile, methods_of
from mmfake.errors import MMFakeError
from mmfake.visualization.style import BLUE, VERMILLION

# ---- sheet row


def test_a_row_has_the_original_and_its_fakes(dataset):
    rows, total = choose_rows(dataset.table(), 8, seed=0)
    assert total == 3
    assert [row.label for row in rows] == [
        '000\nc23\ntrain',
        '001\nc23\ntrain',
        '002\nc23\ntest',
    ]
    stems = [[video.video_id.split('/')[-1] for video in row.videos.values()] for row in rows]
    assert stems[2] == ['002_003', '002_003', '002']
    assert methods_of(rows) == ['original', 'df', 'nt']


def test_the_seed_decides_who_is_drawn(dataset):
    table = dataset.table()
    draws = [tuple(row.label for row in choose_rows(table, 1, seed)[0]) for seed in range(20)]
    assert len(set(draws)) == 3
    assert draws == [
        tuple(row.label for row in choose_rows(table, 1, seed)[0]) for seed in range(20)
    ]


def test_the_frame_is_in_all_clips(dataset):
    dataset.row('df/000_001')['frames'] = '4'
    dataset.row('nt/001_000').update(frames='2', status='no-face')
    dataset.row('nt/002_003')['frames'] = ''
    rows, _ = choose_rows(dataset.table(), 3, seed=0)
    assert [row.frame for row in rows] == [2, 4, 4]


def test_compressions_are_rows_of_their_own(dataset):
    copies = [
        dict(row, id=row['id'].replace('c23', 'c40'), compression='c40') for row in dataset.rows
    ]
    dataset.rows += copies
    rows, total = choose_rows(dataset.table(), 8, seed=0)
    assert total == 6
    assert [row.label.split('\n')[1] for row in rows] == ['c23', 'c40'] * 3


# ---- tile


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


# ---- sheet figure


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


# ---- histograms


def _titles(figure):
    return [ax.get_title(loc='left') for ax in figure.axes]


def test_a_track_is_counted_once(dataset):
    """Fakes are cropped with the track of their original, unless they were tracked themselves."""
    assert len(measure(dataset.table()).sides) == 3
    dataset.row('df/000_001')['track_of'] = 'ffpp/df/c23/000_001'
    measures = measure(dataset.table())
    assert measures.sides == [pytest.approx(20)] * 4
    assert measures.tracks == [9] * 4
    assert measures.clips == {'original': [9] * 3, 'df': [9] * 3, 'nt': [9] * 3}


def test_panels(dataset):
    dataset.row('nt/000_001').update(status='no-face', reason='-')
    dataset.row('nt/002_003')['frames'] = '5'
    table = dataset.table()
    figure = draw_histograms(table, measure(table))
    assert _titles(figure) == [
        '(a) Face sizes, n = 3\nmedian 20 px, dashed',
        '(b) Track lengths, n = 3\nmedian 9 frames, dashed',
        '(c) Clip lengths, n = 8\nrange, quartiles, median',
    ]
    assert [ax.get_xlabel() for ax in figure.axes] == [
        'Median side of the face box (px)',
        'Length of the track (frames)',
        'Length of the clip (frames)',
    ]
    assert [ax.get_ylabel() for ax in figure.axes[:2]] == ['Tracks', 'Tracks']
    for ax in figure.axes[:2]:
        assert sum(patch.get_height() for patch in ax.patches) == 3
    title = 'set: 8 of 9 videos used (no-face 1)'
    assert title in [text.get_text() for text in figure.texts]


def test_clip_lengths_by_method(dataset):
    for frames, name in zip((2, 4, 9), ('nt/000_001', 'nt/001_000', 'nt/002_003')):
        dataset.row(name)['frames'] = str(frames)
    table = dataset.table()
    ax = draw_histograms(table, measure(table)).axes[2]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ['Original\nn = 3', 'Deepfakes\nn = 3', 'NeuralTextures\nn = 3']
    drawn = [line.get_xdata() for line in ax.lines if line.get_ydata()[0] == 2]
    span, quartiles, median = (list(np.atleast_1d(values)) for values in drawn)
    assert (span, quartiles, median) == ([2, 9], [3, 6.5], [4])
    low, high = ax.get_ylim()
    assert low > high, 'the original is on top'


def test_tracks_that_cannot_be_read_are_counted(dataset):
    for name in ('original/000', 'original/001', 'original/002'):
        (dataset.root / dataset.row(name)['track']).write_bytes(b'no track')
    table = dataset.table()
    titles = _titles(draw_histograms(table, measure(table)))
    assert titles[0] == '(a) Face sizes, n = 0, 3 not read\nnone'


# ---- cli


def test_two_pictures(dataset, tmp_path, capsys):
    out = tmp_path / 'new' / 'sheet.png'
    cli.main([str(dataset.table().path), '--out', str(out), '--rows', '2', '--seed', '4'])
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [f'contact sheet: {out}', f'histograms: {out.parent}/sheet_histograms.png']
    rows = 2
    sheet, page = (cv2.imread(str(path)) for path in sorted(out.parent.iterdir()))
    # 200 dots per inch
    assert sheet.shape[0] == pytest.approx(200 * (0.68 + rows * 1.06), abs=2)
    assert page.shape[1] == pytest.approx(1420, abs=2)


def test_sources_that_are_not_there_and_bad_rows_are_said(dataset, tmp_path, capsys):
    (dataset.root / dataset.row('nt/002_003')['source_file']).unlink()
    dataset.rows[0]['split'] = 'nowhere'
    cli.main([str(dataset.table().path), '--out', str(tmp_path / 'sheet.png')])
    said = capsys.readouterr().out
    assert 'source files not there: 1; of these videos only the crop is shown' in said
    assert 'bad rows not shown: run data_prep/check_index.py' in said


@pytest.mark.parametrize(
    ('words', 'match'),
    [(['--rows', '0'], '--rows 0'), (['--out', 'sheet.gif'], 'no such format of a figure')],
)
def test_wrong_values(dataset, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MMFakeError, match=match):
        cli.main([str(dataset.table().path), '--out', 'sheet.png', *words])
    assert not list(tmp_path.glob('sheet*'))


def test_an_index_without_a_sound_row(dataset, tmp_path):
    for row in dataset.rows:
        row['split'] = 'nowhere'
    with pytest.raises(MMFakeError, match='has no sound row'):
        cli.main([str(dataset.table().path), '--out', str(tmp_path / 'sheet.png')])


def test_the_script(dataset, tmp_path, command):
    script = Path(cli.__file__).parents[1] / 'preview.py'
    words = ['--out', tmp_path / 'sheet.pdf', '--rows', '1']
    done = command('python', '-W', 'ignore', script, dataset.table().path, *words)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'sheet.pdf').read_bytes().startswith(b'%PDF')
    assert (tmp_path / 'sheet_histograms.pdf').exists()
