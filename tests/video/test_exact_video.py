import av
import numpy as np
import pytest

from mmfake.video import exact_video
from mmfake.video.exact_video import ExactVideo, find_groups, open_video
from mmfake.video.frame_reader import FrameReader, VideoError
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
    assert find_groups(path) is None
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
def test_what_is_no_video_has_no_groups(tmp_path, content):
    path = tmp_path / 'page.mp4'
    path.write_bytes(content)
    assert find_groups(path) is None
    with pytest.raises(VideoError):
        ExactVideo(path)


def test_two_films_in_one_file_are_not_told_apart_by_groups(tmp_path):
    """FrameReader takes the first that claims most frames."""
    path = tmp_path / 'two.mp4'
    with av.open(str(path), 'w') as container:
        streams = [container.add_stream('libx264', rate=25, options=FAST) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 64, 64, 'yuv420p'
        for stream in streams:
            container.mux(stream.encode(av.VideoFrame(64, 64, 'yuv420p')))
            container.mux(stream.encode())
    assert find_groups(path) is None
    assert len(ExactVideo(path)) == 1


# ---- Closed groups --------------------------------------------------------------------------

GROUPS_OF_TEN = dict(FAST, g='10', bf='0', sc_threshold='0')


@pytest.fixture
def clip(tmp_path):
    """40 frames in 4 groups, and the place of each frame's bytes in the file."""
    path = numbered.encode(tmp_path / 'clip.mp4', options=GROUPS_OF_TEN)
    with av.open(str(path)) as container:
        places = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    return path, places


def spoil(path, places, numbers):
    """Fill frames with noise, behind the length of their first unit."""
    content = bytearray(path.read_bytes())
    for place, size in (places[number] for number in numbers):
        noise = np.random.default_rng(place).bytes(size - 8)
        content[place + 8 : place + size] = noise
    path.write_bytes(content)


def test_nothing_but_the_groups_of_the_frames_asked_for_is_decoded(clip):
    path, places = clip
    with FrameReader(path) as reader:
        shown = np.stack([frame.picture for frame in reader])
    spoil(path, places, [*range(1, 10), *range(18, 20), *range(31, 40)])
    wanted = [27, 16, 17, 20, 27, 30]
    assert np.array_equal(open_video(path).get_batch(wanted).asnumpy(), shown[wanted])


def test_frames_on_the_way_are_not_converted(clip, monkeypatch):
    path, _ = clip
    converted = []

    class Watched(exact_video.FrameConverter):
        def __call__(self, frame):
            converted.append(int(frame.pts * frame.time_base * 25))
            return super().__call__(frame)

    monkeypatch.setattr(exact_video, 'FrameConverter', Watched)
    open_video(path).get_batch([28, 14, 15, 28])
    assert converted == [14, 15, 28]


@pytest.mark.parametrize('spoilt', [23, 22, 20])
def test_damage_in_or_before_a_frame_is_told(clip, spoilt):
    """decord gives pixels that were never stored."""
    path, places = clip
    spoil(path, places, [spoilt])
    assert len(open_video(path).get_batch([3, 19]).asnumpy()) == 2
    with pytest.raises(VideoError, match='clip.mp4: damaged'):
        open_video(path).get_batch([23])


def test_groups_are_looked_for_once_until_the_file_changes(clip, monkeypatch):
    path, _ = clip
    assert len(open_video(path)) == 40
    with monkeypatch.context() as context:
        context.setattr(exact_video, '_groups_in', None)
        assert len(open_video(path)) == 40
    numbered.encode(path, count=9, options=GROUPS_OF_TEN)
    assert len(open_video(path)) == 9


@pytest.mark.parametrize('options', [GROUPS_OF_TEN, {'x264-params': 'bframes=2:keyint=10'}])
def test_times_are_kept_as_ranges_where_they_are_regular(tmp_path, options):
    path = numbered.encode(tmp_path / 'a.mp4', options=options)
    groups = find_groups(path)
    assert isinstance(groups.times, range)
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    assert list(groups.times) == [frame.pts for frame in frames]
    assert list(groups.keys) == [i for i, frame in enumerate(frames) if frame.key_frame]
    uneven = numbered.encode(
        tmp_path / 'b.mp4', count=6, times=[0, 40, 90, 95, 200, 210], options=GROUPS_OF_TEN
    )
    assert find_groups(uneven).times[:1] == (0,)
    assert len(find_groups(uneven).times) == 6
