import av
import numpy as np
import pytest

from mmfake.video import exact_video
from mmfake.video.exact_video import ExactVideo, decord_is_exact
from mmfake.video.frame_reader import VideoError
from tests.video import numbered

FAST = {'preset': 'ultrafast'}


@pytest.fixture
def film(tmp_path):
    return numbered.encode(tmp_path / 'film.mkv', count=20, options=FAST)


def test_frames_in_any_order_and_as_often_as_asked_for(film):
    video = ExactVideo(film)
    assert (len(video), video.get_avg_fps()) == (20, 25)
    wanted = [7, 3, 3, -1, 0]
    seen = video.get_batch(wanted).asnumpy()
    assert [numbered.number_of(picture) for picture in seen] == [7, 3, 3, 19, 0]
    with pytest.raises(IndexError):
        video.get_batch([20])


def test_decodes_no_further_than_the_last_frame_asked_for(film, monkeypatch):
    video, decoded = ExactVideo(film), []

    class Watched(exact_video.FrameReader):
        def __iter__(self):
            for frame in super().__iter__():
                decoded.append(numbered.number_of(frame.picture))
                yield frame

    monkeypatch.setattr(exact_video, 'FrameReader', Watched)
    video.get_batch([5, 2])
    assert decoded == list(range(6))


def test_file_is_counted_once_until_it_changes(film, monkeypatch):
    ExactVideo(film)
    with monkeypatch.context() as context:
        context.setattr(exact_video, 'FrameReader', None)
        assert len(ExactVideo(film)) == 20
    numbered.encode(film, count=9, options=FAST)
    assert len(ExactVideo(film)) == 9


@pytest.mark.parametrize('name', ['film.mkv', 'film.mp4'])
def test_truncated_film_is_refused_by_name(tmp_path, name):
    whole = numbered.encode(tmp_path / f'whole_{name}', options=dict(FAST, movflags='faststart'))
    path = numbered.cut(whole, tmp_path / name, 0.6)
    assert not decord_is_exact(path)
    with pytest.raises(VideoError, match=f'{name}: truncated'):
        ExactVideo(path)


def test_film_that_changes_its_size_is_refused_by_name(tmp_path):
    path = tmp_path / 'film.mpg'
    parts = [tmp_path / 'a.mpg', tmp_path / 'b.mpg']
    for part, size in zip(parts, ((64, 96), (96, 128))):
        numbered.encode(part, count=12, size=size, codec='mpeg2video', options={'b': '4000000'})
    path.write_bytes(b''.join(part.read_bytes() for part in parts))
    video = ExactVideo(path)
    with pytest.raises(VideoError, match='film.mpg: its pictures change their size'):
        video.get_batch(np.arange(len(video)))
    assert len(video.get_batch([0, 3]).asnumpy()) == 2


@pytest.mark.parametrize('content', [b'', b'<html>404 Not Found</html>' * 40])
def test_what_is_no_video_is_none_for_decord(tmp_path, content):
    path = tmp_path / 'page.mp4'
    path.write_bytes(content)
    assert not decord_is_exact(path)
    with pytest.raises(VideoError):
        ExactVideo(path)


def test_two_films_in_one_file_are_none_for_decord(tmp_path):
    """decord takes the best of them, FrameReader the first."""
    path = tmp_path / 'two.mp4'
    with av.open(str(path), 'w') as container:
        streams = [container.add_stream('libx264', rate=25, options=FAST) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 64, 'yuv420p'
        for stream in streams:
            container.mux(stream.encode(av.VideoFrame(64, 64, 'yuv420p')))
            container.mux(stream.encode())
    assert not decord_is_exact(path)
    assert len(ExactVideo(path)) == 1
