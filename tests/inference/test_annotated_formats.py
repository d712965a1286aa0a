"""Copies of films that are stored in odd ways."""

import av
import numpy as np
import pytest

from mmfake.video.frame_reader import FrameReader


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
    assert video['warnings'] == []
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
