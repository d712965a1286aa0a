"""The copy with boxes and scores."""

from copy import copy as copy_of

import av
import numpy as np
import pytest

from mmfake.faces.detectors import FaceSettings
from mmfake.video.frame_reader import FrameReader


@pytest.fixture(scope='module')
def copy(inferencer, write_film, face_film, tmp_path_factory):
    """Original and copy, of odd sides."""
    folder = tmp_path_factory.mktemp('copy')
    pictures = face_film(12)[:, :-1, :-1]
    write_film(folder / 'ä b.mkv', pictures, pix_fmt='yuv444p')
    results = inferencer(str(folder / 'ä b.mkv'), out_dir=str(folder), save_video=True)
    (video,) = results['predictions']
    return pictures, folder / video['annotated'], video


def test_browsers_play_it(copy):
    _, path, _ = copy
    content = path.read_bytes()
    assert content.index(b'moov') < content.index(b'mdat')  # it starts before it is all there
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ('h264', 'yuv420p')
        assert (context.width % 2, context.height % 2) == (0, 0)
        assert float(container.streams.video[0].average_rate) == 25


def test_every_frame_has_box_and_timeline(copy):
    pictures, path, _ = copy
    with av.open(str(path)) as container:
        shown = np.stack([frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)])
    assert len(shown) == len(pictures)
    for frame in shown:  # in the colour of the nearest clip
        painted = [
            (np.abs(frame[:150].astype(int) - color).max(axis=2) < 60).sum()
            for color in ((213, 94, 0), (0, 114, 178))
        ]
        assert max(painted) > 100
    # nothing but the box, the label and the band at the bottom is painted
    untouched = np.abs(shown[:, 100:150, 250:300].astype(int) - 127).max()
    assert untouched < 12
    cursors = [np.argmin(frame[-10:].mean(axis=(0, 2))[5:-5]) for frame in shown]
    assert cursors[0] < cursors[5] < cursors[-1]


def test_the_copy_ends_where_reading_ended(inferencer, write_film, face_film, tmp_path):
    film = write_film(tmp_path / 'film.mp4', face_film(40))
    detect = copy_of(inferencer)
    detect.faces = FaceSettings(window=15)
    results = detect(str(film), segments=1, out_dir=str(tmp_path), save_video=True)
    (video,) = results['predictions']
    with av.open(str(tmp_path / video['annotated'])) as container:
        shown = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    assert len(shown) == video['metadata']['frames'] == 15
    # the cursor, the darkest column of the band, is at the right end in the last frame
    assert np.argmin(shown[-1][-10:].mean(axis=(0, 2))) == pytest.approx(320 * 14.5 / 15, abs=2)


def test_large_pictures_are_reduced(inferencer, write_film, noise_film, tmp_path):
    film = write_film(tmp_path / 'wide.mp4', noise_film(0, 9, 300, 2600), preset='ultrafast')
    results = inferencer(str(film), face=False, out_dir=str(tmp_path), save_video=True)
    with av.open(str(tmp_path / results['predictions'][0]['annotated'])) as container:
        context = container.streams.video[0].codec_context
        assert (context.width, context.height) == (1280, 148)


@pytest.mark.parametrize('kind', ['turned', 'grey', 'odd'])
def test_the_copy_shows_what_the_film_shows(inferencer, write_film, tmp_path, kind):
    pictures = np.full((9, 96, 160, 3), 60, np.uint8)
    pictures[:, :48, :80] = 200  # one bright corner
    pix_fmt = dict(turned='yuv420p', grey='gray', odd='yuv420p')[kind]
    codec, suffix = ('libx264', 'mp4') if kind != 'odd' else ('ffv1', 'mkv')
    if kind == 'odd':
        pictures = pictures[:, :-1, :-1]
    film = write_film(tmp_path / f'film.{suffix}', pictures, codec, pix_fmt)
    if kind == 'turned':
        content = film.read_bytes()
        plain = np.array([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], '>i4').tobytes()
        turn = np.array([0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30], '>i4').tobytes()
        track = content.index(b'tkhd')
        film.write_bytes(content[:track] + content[track:].replace(plain, turn))
        pictures = np.rot90(pictures, -1, axes=(1, 2))  # clockwise
    results = inferencer(str(film), face=False, out_dir=str(tmp_path), save_video=True)
    (video,) = results['predictions']
    (told,) = video['warnings']
    assert 'one still picture' in told
    with av.open(str(tmp_path / video['annotated'])) as container:
        shown = np.stack([frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)])
    height, width = pictures.shape[1:3]
    assert shown.shape[0] == 9
    assert all(side % 2 == 0 for side in shown.shape[1:3])
    assert np.abs(np.subtract(shown.shape[1:3], (height, width))).max() <= 1
    if kind == 'grey':  # stored in full range or not: what a reader makes of it
        with FrameReader(film) as reader:
            pictures = np.stack([frame.picture for frame in reader])
    # above the timeline and below the label
    rows, columns = slice(24, height - 24), slice(8, width - 8)
    off = np.abs(pictures[4, rows, columns].astype(int) - shown[4, rows, columns])
    assert np.median(off) < 6
    assert np.percentile(off, 90) < 20  # but at the edge of the corner
