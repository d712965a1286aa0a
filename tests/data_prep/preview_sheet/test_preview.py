"""The preview of a prepared dataset: its contact sheet and histograms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from data_prep import preview
from data_prep.preview_sheet.contact_sheet import (
    SheetRow,
    Tile,
    choose_rows,
    draw_sheet,
    make_tile,
    methods_of,
)
from data_prep.preview_sheet.histograms import draw_histograms, measure
from data_prep.preview_sheet.synthetic_sheet import draw_forgeries, make_forgeries
from mmfake.datasets.manipulations import synthetic_keys
from mmfake.errors import MMFakeError
from mmfake.visualization.style import BLUE, VERMILLION

# ---- which videos


def test_a_row_has_the_original_and_its_fakes(dataset):
    dataset.row('df/000_001')['frames'] = '4'
    dataset.row('nt/001_000').update(frames='2', status='no-face')
    dataset.row('nt/002_003')['frames'] = ''
    rows, total = choose_rows(dataset.table(), 8, seed=0)
    assert total == 3
    labels = [row.label.split('\n') for row in rows]
    assert labels == [['000', 'c23', 'train'], ['001', 'c23', 'train'], ['002', 'c23', 'test']]
    stems = [[video.video_id.split('/')[-1] for video in row.videos.values()] for row in rows]
    assert stems[2] == ['002_003', '002_003', '002']
    assert methods_of(rows) == ['original', 'df', 'nt']
    assert [row.frame for row in rows] == [2, 4, 4], 'a frame that all clips have'


def test_the_seed_decides_who_is_drawn_and_compressions_are_rows_of_their_own(dataset):
    table = dataset.table()
    draws = [[row.label for row in choose_rows(table, 1, seed)[0]] for seed in range(20)]
    assert len({label for (label,) in draws}) == 3
    assert draws == [[row.label for row in choose_rows(table, 1, s)[0]] for s in range(20)]
    dataset.rows += [
        dict(row, id=row['id'].replace('c23', 'c40'), compression='c40') for row in dataset.rows
    ]
    rows, total = choose_rows(dataset.table(), 8, seed=0)
    assert total == 6
    assert [row.label.split('\n')[1] for row in rows] == ['c23', 'c40'] * 3


# ---- their pictures


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


@pytest.mark.parametrize(
    ('column', 'gone', 'damaged', 'unnamed'),
    [
        ('path', 'clip: no such file', 'clip: not a video', None),
        ('track', 'the track cannot be read', 'the track cannot', 'the index names no track'),
        ('source_file', 'source file not there', 'source file: not a vid', 'source file not there'),
    ],
)
def test_a_file_that_is_gone_or_damaged_or_not_named(
    dataset, tile_of, column, gone, damaged, unnamed
):
    row = dataset.row('df/000_001')
    (dataset.root / row[column]).write_bytes(b'no video')
    assert tile_of().note.startswith(damaged)
    (dataset.root / row[column]).unlink()
    tile = tile_of()
    assert (tile.note, tile.frame) == (gone, None)
    assert (tile.crop is None) == (column == 'path')
    if unnamed:
        row[column] = ''
        assert tile_of().note == unnamed


def test_a_video_that_is_not_used_and_a_frame_beyond_the_end(dataset, tile_of):
    assert tile_of(number=9).note == 'the clip has no frame 9'
    dataset.row('df/000_001').update(status='no-face', reason='in none of 60 frames')
    tile = tile_of()
    assert (tile.note, tile.crop, tile.frame) == ('no-face: in none of 60 frames', None, None)


# ---- the sheet


LONG = 'too-short: the face is seen in 12 successive frames, a clip has at least 32 of them'


@pytest.fixture(scope='module')
def figure():
    wide, square = np.zeros((36, 64, 3), np.uint8), np.full((32, 32, 3), 200, np.uint8)
    rows = [SheetRow('000\nc23\ntrain', {}, 7), SheetRow('001\nc23\ntest', {}, 3)]
    tiles = [
        dict(
            original=Tile('000', square, wide, (10, 5, 30, 25), (5, 0, 35, 30)),
            df=Tile('000_001', square, note='source file not there'),
        ),
        dict(original=Tile('001', note=LONG)),
    ]
    return draw_sheet(rows, tiles, ['original', 'df'], 'ffpp: 2 of 9 identities, seed 4')


def test_titles_labels_and_a_frame_with_its_boxes_beside_its_crop(figure):
    words = [text.get_text() for text in figure.texts]
    assert words[0] == 'ffpp: 2 of 9 identities, seed 4'
    labels = ('000\nc23\ntrain\nframe 7', '001\nc23\ntest\nframe 3')
    assert {'Original', 'Deepfakes', 'face box', 'what is cut out', *labels} <= set(words)
    frame, crop = figure.axes[:2]
    assert frame.images[0].get_array().shape == (36, 64, 3)
    assert crop.images[0].get_array().shape == (32, 32, 3)
    boxes = {
        to_hex(patch.get_edgecolor()).upper(): tuple(patch.get_bbox().extents)
        for patch in frame.patches
    }
    assert boxes == {VERMILLION: (10, 5, 30, 25), BLUE: (5, 0, 35, 30)}
    assert frame.get_title(loc='left') == '000, face 20 px'
    assert frame.get_position().x1 < crop.get_position().x0


def test_what_is_not_there_is_grey_and_says_why_and_nothing_overlaps(figure):
    # four videos, of each the frame and the crop
    says = [' '.join(t.get_text() for t in ax.texts).replace('\n', ' ') for ax in figure.axes]
    assert says[2::2] == [*('source file not there', LONG, 'not in the index')]
    assert [bool(ax.images) for ax in figure.axes] == [True, True, False, True] + 4 * [False]
    assert {to_hex(ax.get_facecolor()) for ax in figure.axes if not ax.images} == {'#e6e6e6'}
    renderer = FigureCanvasAgg(figure).get_renderer()
    for ax in figure.axes:
        tile = ax.get_window_extent()
        for text in ax.texts:
            words = text.get_window_extent(renderer)
            assert tile.x0 <= words.x0 <= words.x1 <= tile.x1, 'not cut at the edge of its tile'
            assert tile.y0 <= words.y0 <= words.y1 <= tile.y1
    places = [ax.get_position() for ax in figure.axes]
    for number, one in enumerate(places):
        assert 0 <= one.x0 < one.x1 <= 1
        assert 0 <= one.y0 < one.y1 <= 1
        assert not any(one.overlaps(other) for other in places[number + 1 :])


# ---- the histograms


def test_a_track_is_counted_once_and_those_that_cannot_be_read_are_told(dataset):
    """Fakes are cropped with the track of their original, unless they were tracked themselves."""
    dataset.row('df/000_001')['track_of'] = 'ffpp/df/c23/000_001'
    measures = measure(dataset.table())
    assert measures.sides == [pytest.approx(20)] * 4
    assert measures.tracks == [9] * 4
    assert measures.clips == {'original': [9] * 3, 'df': [9] * 3, 'nt': [9] * 3}
    for name in ('original/000', 'original/001', 'original/002', 'df/000_001'):
        (dataset.root / dataset.row(name)['track']).write_bytes(b'no track')
    table = dataset.table()
    title = draw_histograms(table, measure(table)).axes[0].get_title(loc='left')
    assert title == '(a) Face sizes, n = 0, 4 not read\nnone'


def test_panels(dataset):
    dataset.row('df/000_001').update(status='no-face', reason='-')
    for frames, name in zip((2, 4, 9), ('nt/000_001', 'nt/001_000', 'nt/002_003')):
        dataset.row(name)['frames'] = str(frames)
    table = dataset.table()
    figure = draw_histograms(table, measure(table))
    assert [ax.get_title(loc='left') for ax in figure.axes] == [
        '(a) Face sizes, n = 3\nmedian 20 px, dashed',
        '(b) Track lengths, n = 3\nmedian 9 frames, dashed',
        '(c) Clip lengths, n = 8\nrange, quartiles, median',
    ]
    for ax in figure.axes[:2]:
        assert sum(patch.get_height() for patch in ax.patches) == 3
        assert min(patch.get_width() for patch in ax.patches) > ax.get_xlim()[1] / 31, 'to be seen'
    assert 'set: 8 of 9 videos used (no-face 1)' in [text.get_text() for text in figure.texts]
    ax = figure.axes[2]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ['Original\nn = 3', 'Deepfakes\nn = 2', 'NeuralTextures\nn = 3']
    drawn = [line.get_xdata() for line in ax.lines if line.get_ydata()[0] == 2]
    span, quartiles, median = (list(np.atleast_1d(values)) for values in drawn)
    assert (span, quartiles, median) == ([2, 9], [3, 6.5], [4])
    low, high = ax.get_ylim()
    assert low > high, 'the original is on top'


# ---- the command


def test_two_pictures_and_what_is_said_of_what_lacks(dataset, tmp_path, capsys):
    (dataset.root / dataset.row('nt/002_003')['source_file']).unlink()
    dataset.rows[0]['split'] = 'nowhere'
    out = tmp_path / 'new' / 'sheet.png'
    preview.main([str(dataset.table().path), '--out', str(out), '--rows', '3', '--seed', '4'])
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f'contact sheet: {out}',
        f'histograms: {out.parent}/sheet_histograms.png',
        'source files not there: 1; of these videos only the crop is shown',
        f'bad rows not shown: run data_prep/check_index.py {dataset.root}/index.csv',
    ]
    sheet, page = (cv2.imread(str(path)) for path in sorted(out.parent.iterdir()))
    # 200 dots per inch
    assert sheet.shape[0] == pytest.approx(200 * (0.68 + 3 * 1.06), abs=2)
    assert page.shape[1] == pytest.approx(1420, abs=2)


@pytest.mark.parametrize(
    ('words', 'match'),
    [
        (['--rows', '0'], '--rows 0'),
        (['--out', 'sheet.gif'], 'no such format of a figure'),
        ([], 'has no sound row'),
    ],
)
def test_wrong_values(dataset, tmp_path, monkeypatch, words, match):
    monkeypatch.chdir(tmp_path)
    for row in dataset.rows:
        row['split'] = 'nowhere'
    with pytest.raises(MMFakeError, match=match):
        preview.main([str(dataset.table().path), '--out', 'sheet.png', *words])
    assert not list(tmp_path.glob('sheet*'))


# ---- forgeries


@pytest.fixture
def forgeable(dataset):
    """Clips of stripes, which a forgery alters, with points; edit ``rows``, take ``table()``."""
    face = 24 * np.float32([(0.37, 0.41), (0.63, 0.41), (0.5, 0.56), (0.4, 0.72), (0.6, 0.72)])
    for row in dataset.rows:
        row['split'] = 'train'
        clip = np.zeros((9, 24, 24, 3), np.uint8)
        clip[:] = 60 + 10 * np.arange(9)[:, None, None, None]
        clip[:, :: 2 + int(row['target'])] += 60
        row['path'] = row['path'].replace('.mp4', '.npy')
        (dataset.root / row['path']).parent.mkdir(parents=True, exist_ok=True)
        np.save(dataset.root / row['path'], clip)
        if row['method'] == 'original':
            row['points'] = row['path'].replace('.npy', '_points.npy')
            np.save(dataset.root / row['points'], np.tile(face, (9, 1, 1)))
    return dataset


def test_forgeries_are_shown_beside_their_originals(forgeable, tmp_path, capsys):
    made, total = make_forgeries(forgeable.table(), 2, seed=0)
    assert (len(made), total) == (2, 3)
    for stem, pictures in made:
        assert stem in ('000', '001', '002')
        assert list(pictures) == ['original', *synthetic_keys()]
        for key in ('physeye', 'physmouth', 'physillum'):
            differs = (pictures[key] != pictures['original']).any(axis=-1)
            assert differs.any()
            assert not differs[[0, -1]].any(), 'what is around the face stays'
    figure = draw_forgeries(made, 'title')
    shown = [text.get_text() for text in figure.texts]
    assert {'title', 'Original', 'Self-blended', *(stem for stem, _ in made)} <= set(shown)
    pictures = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert any((picture == made[0][1]['physmouth']).all() for picture in pictures)
    out = tmp_path / 'sheet.png'
    preview.main([str(forgeable.table().path), '--out', str(out), '--synthetic', '--rows', '3'])
    assert out.is_file()
    assert f'forgeries: {out}' in capsys.readouterr().out


def test_a_forgery_that_could_not_be_made_is_said(forgeable):
    """The eyes of another instant, where all instants look alike."""
    for row in forgeable.rows:
        path = forgeable.root / row['path']
        np.save(path, np.repeat(np.load(path)[:1], 9, axis=0))
    made, _ = make_forgeries(forgeable.table(), 3, seed=0)
    assert all(pictures['eyeexpr'] is None for _, pictures in made)
    figure = draw_forgeries(made, 'title')
    notes = [text.get_text() for ax in figure.axes for text in ax.texts]
    assert notes == ['not made'] * 3


def test_without_an_original_of_training_there_is_nothing_to_forge(dataset):
    for row in dataset.rows:
        row['split'] = 'test'
    with pytest.raises(MMFakeError, match='has no used original of training to forge'):
        make_forgeries(dataset.table(), 3, seed=0)
