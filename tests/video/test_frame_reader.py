"""Frame reader: what is given of whole and of broken files, and how much memory it takes."""

import pickle
import re
import struct
import weakref

import av
import numpy as np
import pytest
from PIL import Image

from mmfake.errors import MMFakeError
from mmfake.video.declared_size import declared_size
from mmfake.video.frame_reader import FrameReader, VideoError
from tests.video import numbered

SQUEEZED = dict(options={'x264-params': 'sar=2/1'})
INTERLACED = dict(options={'flags': '+ildct+ilme', 'x264-params': 'tff=1'})
HDR = dict(options={'x264-params': 'transfer=smpte2084:colorprim=bt2020:colormatrix=bt2020nc'})

B_FRAMES = {'x264-params': 'b-adapt=0:bframes=2:keyint=10:min-keyint=10:scenecut=0'}


def read(path, threads=1):
    """The numbers of the good frames, and what is wrong with the file."""
    numbers = []
    try:
        with FrameReader(path, threads) as reader:
            for frame in reader:
                numbers.append(numbered.number_of(frame.picture))
    except VideoError as error:
        return numbers, error
    return numbers, None


def blank_end(path, share):
    """Overwrite the end with zeros, as a download into a file of the full size does."""
    content = path.read_bytes()
    size = int(len(content) * share)
    path.write_bytes(content[:size] + bytes(len(content) - size))
    return path


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """Whole files, by the name of how they are made."""
    folder = tmp_path_factory.mktemp('whole')
    front = {'options': dict(B_FRAMES), 'container_options': {'movflags': 'faststart'}}
    return {
        'mp4': numbered.encode(folder / 'a.mp4', **front),
        'sound': numbered.encode(folder / 'b.mp4', sound='aac', **front),
        'avi': numbered.encode(folder / 'c.avi', codec='mpeg4', options=dict(bf='2', b='2000000')),
        'webm': numbered.encode(
            folder / 'd.webm', codec='libvpx-vp9', options={'deadline': 'realtime', 'b': '1000000'}
        ),
        'mkv': numbered.encode(folder / 'e.mkv', options=B_FRAMES),
        'late_index': numbered.encode(folder / 'f.mp4', options=B_FRAMES),
        'ts': numbered.encode(folder / 'g.ts', options=B_FRAMES),
    }


@pytest.mark.parametrize('threads', [1, 3])
@pytest.mark.parametrize('share', [0.5, 0.57, 0.64, 0.71, 0.78])
@pytest.mark.parametrize('kind', ['mp4', 'sound', 'avi', 'webm', 'mkv'])
def test_truncated_file_gives_its_good_frames_and_then_raises(
    whole, tmp_path, kind, share, threads
):
    path = numbered.cut(whole[kind], tmp_path / whole[kind].name, share)
    numbers, error = read(path, threads)
    assert 5 < len(numbers) < 40
    assert numbers == list(range(len(numbers))), 'no gap, although B-frames come late'
    if threads > 1:  # it is damaged where one thread finds it
        assert numbers == read(path)[0]
    how_many = 'the first ' if kind in ('webm', 'mkv') else ''
    of_all = '' if how_many else ' of 40'
    assert error.reason == (
        f'truncated: only {how_many}{len(numbers)}{of_all} frames could be decoded; copy it anew'
    )
    assert str(error) == f'{path}: {error.reason}'


@pytest.mark.parametrize('kind', ['mp4', 'mkv'])
def test_zeros_in_place_of_the_end_are_damage(whole, tmp_path, kind):
    path = tmp_path / whole[kind].name
    path.write_bytes(whole[kind].read_bytes())
    numbers, error = read(blank_end(path, 0.6))
    assert 5 < len(numbers) < 40
    assert numbers == list(range(len(numbers)))
    assert error.reason.startswith('damaged: only ')


@pytest.mark.parametrize('threads', [1, 3])
@pytest.mark.parametrize('place', [11, 14, 15, 16])
def test_nothing_is_given_after_a_gap(whole, tmp_path, place, threads):
    path = tmp_path / 'a.mp4'
    content = bytearray(whole['mp4'].read_bytes())
    with av.open(str(whole['mp4'])) as container:
        lost = list(container.demux(video=0))[place]
    content[lost.pos : lost.pos + lost.size] = bytes(lost.size)
    path.write_bytes(content)
    numbers, error = read(path, threads)
    assert numbers == read(path)[0]
    assert 5 < len(numbers) < 20
    assert numbers == list(range(len(numbers)))
    assert error.reason.startswith(f'damaged: only {len(numbers)} of 40 frames')


def test_file_cut_after_its_last_frame_is_whole(whole, tmp_path):
    path = tmp_path / 'a.mp4'
    path.write_bytes(whole['mp4'].read_bytes() + b'\0\0\1\0free' + bytes(9))
    assert read(path) == (list(range(40)), None)


def test_recording_that_starts_in_mid_group_starts_with_the_first_key_frame(whole, tmp_path):
    content = whole['ts'].read_bytes()
    path = tmp_path / 'a.ts'
    path.write_bytes(content[len(content) // 188 // 3 * 188 :])
    numbers, error = read(path)
    assert error is None
    assert numbers[0] in (10, 20)
    assert numbers == list(range(numbers[0], 40))


def test_first_frame_that_is_damaged_is_an_error_on_opening(whole, tmp_path):
    path = tmp_path / 'a.mp4'
    content = bytearray(whole['mp4'].read_bytes())
    start = content.index(b'mdat') + 4
    content[start : start + 2000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(VideoError, match='damaged: no frame could be decoded'):
        FrameReader(path)


@pytest.fixture(scope='module')
def broken(whole, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp('broken')

    def unknown():
        content = bytearray(whole['mp4'].read_bytes())
        start = content.index(b'avc1', content.index(b'stsd'))
        content[start : start + 4] = b'zzzz'
        return bytes(content)

    paths = {name: tmp_path / f'{name}.mp4' for name in ('text', 'empty', 'unknown', 'none')}
    paths['text'].write_text('<html>404 Not Found</html>\n' * 40)
    paths['empty'].write_bytes(b'')
    paths['unknown'].write_bytes(unknown())
    paths['folder'] = tmp_path
    paths['picture'] = tmp_path / 'a.png'
    Image.new('RGB', (32, 32)).save(paths['picture'])
    paths['sound'] = numbered.encode(tmp_path / 'a.mp3', video=False, sound='libmp3lame')
    paths['late_index'] = numbered.cut(whole['late_index'], tmp_path / 'late.mp4', 0.7)
    paths['playlist'] = tmp_path / 'list.m3u8'
    paths['playlist'].write_text('#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n')
    paths['cover'] = with_cover(tmp_path / 'cover.mp3')
    return paths


def with_cover(path):
    """Music with a picture on the sleeve."""
    with av.open(str(path), 'w') as container:
        audio = container.add_stream('libmp3lame', rate=44100)
        cover = container.add_stream('mjpeg', rate=1)
        cover.width = cover.height = 64
        cover.pix_fmt = 'yuvj420p'
        if hasattr(cover, 'disposition'):
            cover.disposition = type(cover.disposition).attached_pic
        picture = np.zeros((64, 64, 3), np.uint8)
        container.mux(cover.encode(av.VideoFrame.from_ndarray(picture, format='rgb24')))
        container.mux(cover.encode())
        for number in range(20):
            frame = av.AudioFrame(format='fltp', layout='stereo', samples=1152)
            frame.rate, frame.pts = 44100, number * 1152
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(audio.encode(frame))
        container.mux(audio.encode())
    with av.open(str(path)) as container:
        assert container.streams.video, 'the picture is there'
    return path


@pytest.mark.parametrize(
    ('kind', 'reason'),
    [
        ('text', 'not a video that FFmpeg can read'),
        ('playlist', 'not a video that FFmpeg can read'),
        ('empty', 'empty file; copy it anew'),
        ('none', 'no such file'),
        ('folder', 'not a file'),
        ('picture', 'a picture, not a video'),
        ('sound', 'no video stream'),
        ('cover', 'no video stream'),
        ('unknown', 'its video codec is unknown; convert it, e.g. to H.264'),
        ('late_index', 'truncated: it breaks off before its list of frames; copy it anew'),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(broken, kind, reason, capfd):
    with pytest.raises(VideoError) as caught:
        FrameReader(broken[kind])
    assert caught.value.reason == reason
    assert str(caught.value) == f'{broken[kind]}: {reason}'
    assert capfd.readouterr() == ('', ''), "FFmpeg's own messages stay out of the way"


def test_truncated_reading_is_silent(whole, tmp_path, capfd):
    path = numbered.cut(whole['mp4'], tmp_path / 'a.mp4', 0.6)
    assert read(path)[1]
    assert capfd.readouterr() == ('', '')


def test_error_survives_the_way_back_from_a_worker():
    error = pickle.loads(pickle.dumps(VideoError('a.mp4', 'no such file')))
    assert isinstance(error, MMFakeError)
    assert (error.path, error.reason, str(error)) == (
        'a.mp4',
        'no such file',
        'a.mp4: no such file',
    )


@pytest.mark.parametrize(
    ('suffix', 'reason'), [('.avi', 'it holds no frame'), ('.mp4', 'no video stream')]
)
def test_header_without_frames(tmp_path, suffix, reason):
    path = tmp_path / f'a{suffix}'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libx264', rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = 'yuv420p'
        container.start_encoding()
    with pytest.raises(VideoError, match=reason):
        FrameReader(path)


def test_closed_reader_gives_nothing_more(whole):
    reader = FrameReader(whole['mp4'])
    frames = iter(reader)
    assert next(frames).time == 0
    reader.close()
    reader.close()
    for late in (frames, reader):
        with pytest.raises(ValueError, match='before the reader is closed'):
            next(iter(late))


@pytest.mark.parametrize('suffix', ['.mp4', '.mov'])
def test_film_behind_a_picture_is_found(whole, tmp_path, suffix):
    """A cover that is an ordinary stream of one frame, as some editors put it first."""
    path = tmp_path / f'a{suffix}'
    with av.open(str(whole['mp4'])) as old, av.open(str(path), 'w') as new:
        cover = new.add_stream('mjpeg', rate=25)
        cover.height, cover.width = 64, 96
        cover.pix_fmt = 'yuvj420p'
        film = numbered.add_copy(new, old.streams.video[0])
        picture = np.full((64, 96, 3), 255, np.uint8)  # number 63
        new.mux(cover.encode(av.VideoFrame.from_ndarray(picture, format='rgb24')))
        new.mux(cover.encode())
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = film
                new.mux(packet)
    assert read(path) == (list(range(40)), None)


def test_what_is_known_on_opening(whole):
    with FrameReader(whole['mp4']) as reader:
        assert (reader.fps, reader.width, reader.height) == (25.0, 96, 64)
        assert (reader.expected_frames, reader.codec) == (40, 'h264')
    with FrameReader(whole['webm']) as reader:
        assert (reader.expected_frames, reader.codec) == (None, 'vp9')


def test_rate_is_the_average_unless_it_cannot_be_one(tmp_path):
    times = [number * number for number in range(40)]  # 39 intervals in 1.521 s
    path = numbered.encode(tmp_path / 'a.mp4', times=times, options=dict(preset='ultrafast'))
    with FrameReader(path) as reader:
        assert reader.fps == pytest.approx(39 / 1.521, rel=0.05)
    # this one claims 1,000 frames per s, as recordings of browsers do
    path = numbered.encode(tmp_path / 'a.mkv', times=times, options=dict(preset='ultrafast'))
    with FrameReader(path) as reader:
        assert reader.fps == 25.0


def test_name_that_looks_like_a_protocol_is_a_file(whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'concat:a.mp4').write_bytes(whole['mp4'].read_bytes())
    assert read('concat:a.mp4') == (list(range(40)), None)


@pytest.fixture(scope='module')
def ten_minutes(tmp_path_factory):
    """One group of 25 frames, 600 times; the header is in front."""
    folder = tmp_path_factory.mktemp('long')
    group = numbered.encode(folder / 'group.mp4', count=25, options=dict(preset='ultrafast'))
    path = folder / 'long.mp4'
    with av.open(str(group)) as old, av.open(
        str(path), 'w', container_options={'movflags': 'faststart'}
    ) as new:
        track = old.streams.video[0]
        copy = numbered.add_copy(new, track)
        packets = [bytes(packet) for packet in old.demux(track) if packet.size]
        for number in range(15000):
            packet = av.Packet(packets[number % 25])
            packet.pts = packet.dts = number * 512
            packet.time_base, packet.stream = track.time_base, copy
            packet.is_keyframe = number % 25 == 0
            new.mux(packet)
    return path


def test_long_video_is_not_read_before_it_is_asked_for(ten_minutes, tmp_path):
    path = tmp_path / 'long.mp4'
    content = ten_minutes.read_bytes()
    half = len(content) // 2
    # whoever decodes the whole file before giving the first frame comes to grief
    path.write_bytes(content[:half] + bytes(len(content) - half))
    with FrameReader(path) as reader:
        assert reader.expected_frames == 15000
        frames = iter(reader)
        assert [numbered.number_of(next(frames).picture) for _ in range(3)] == [0, 1, 2]
    with FrameReader(path) as reader, pytest.raises(VideoError, match='damaged'):
        sum(1 for _ in reader)


def test_pictures_are_not_kept_in_memory(ten_minutes):
    seen = []
    with FrameReader(ten_minutes) as reader:
        for frame, _ in zip(reader, range(200)):
            seen.append(weakref.ref(frame.picture))
            assert sum(picture() is not None for picture in seen) <= 2
    assert len(seen) == 200


def box(name, size, body=b''):
    return struct.pack('>I', size) + name + body


@pytest.mark.parametrize(
    ('content', 'size'),
    [
        (box(b'ftyp', 16, bytes(8)) + box(b'mdat', 500), 516),
        (box(b'ftyp', 16, bytes(8)) + box(b'mdat', 8), 24),
        (box(b'ftyp', 16, bytes(8)) + box(b'mdat', 1, struct.pack('>Q', 5 << 32)), 16 + (5 << 32)),
        (box(b'ftyp', 16, bytes(8)) + box(b'mdat', 0), None),
        (box(b'ftyp', 16, bytes(8)) + bytes(100), None),
        (b'RIFF' + struct.pack('<I', 100) + b'AVI ' + bytes(50), 108),
        (b'RIFF' + struct.pack('<I', 12) + b'AVI ' + bytes(8) + b'RIFF\x64\0\0\0AVIX', 128),
        (b'RIFF' + struct.pack('<I', 100) + b'WAVE', None),
        (b'\x1a\x45\xdf\xa3\x82ab' + b'\x18\x53\x80\x67\x40\x64' + bytes(9), 13 + 100),
        (b'\x1a\x45\xdf\xa3\x82ab' + b'\x18\x53\x80\x67\x01' + b'\xff' * 7, None),
        (b'\x1a\x45\xdf\xa3\x82ab' + b'\x18\x53\x80\x67\xff', None),
        (b'\x1a\x45\xdf\xa3', None),
        (b'FLV\x01\x05' + bytes(20), None),
        (box(b'ftyp', 1, b'\xff' * 8), (1 << 64) - 1),
        (b'\x1a\x45\xdf\xa3\x01\x7f' + bytes(6), None),
        (b'', None),
        (b'\0', None),
    ],
)
def test_size_by_hand(tmp_path, content, size):
    path = tmp_path / 'a'
    path.write_bytes(content)
    assert declared_size(path) == size


@pytest.mark.parametrize('suffix', ['.mp4', '.mov', '.avi', '.mkv'])
def test_whole_file_is_as_long_as_it_says(tmp_path, suffix):
    path = numbered.encode(tmp_path / f'a{suffix}', count=3, codec='mpeg4')
    assert declared_size(path) == path.stat().st_size


@pytest.mark.parametrize(
    ('made', 'told'),
    [
        ({}, []),
        (SQUEEZED, ['its pixels are 2 times as wide as high.*faces are narrower']),
        (dict(options={'x264-params': 'sar=1/2'}), ['its pixels are 0.5 times.*faces are wider']),
        (dict(options={'x264-params': 'sar=100/99'}), []),
        (INTERLACED, ['it is interlaced: each picture holds two moments']),
        (HDR, ['it is an HDR film .PQ.']),
    ],
)
def test_what_a_player_shows_otherwise_is_told(made, told, tmp_path):
    path = numbered.encode(tmp_path / 'a.mp4', count=4, **made)
    with FrameReader(path) as reader:
        assert len(list(reader)) == 4
        remarks = reader.remarks
    assert len(remarks) == len(told)
    assert all(re.match(part, remark) for part, remark in zip(told, remarks))
