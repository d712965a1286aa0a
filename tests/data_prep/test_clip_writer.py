import weakref
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from data_prep.clip_writer import atomic_folder, clip_suffix, codec_settings, write_clip
from mmfake.errors import MMFakeError
from mmfake.video.frame_reader import VideoError
from mmfake.video.mp4_file import frame_rate
from tests.video import numbered

FORMATS = ['mp4', 'jpg', 'npy']


@pytest.fixture
def pictures():
    return [numbered.picture(number, 48, 48) for number in range(20)]


def place(folder, format):
    return folder / f'clip{clip_suffix(format)}'


def content(path):
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return [(file.name, file.read_bytes()) for file in files]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_mp4_is_what_decord_reads_exactly(pictures, tmp_path):
    assert write_clip(tmp_path / 'a.mp4', pictures, 25) == 20
    with av.open(str(tmp_path / 'a.mp4')) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ('h264', 'yuv420p')
        assert (stream.average_rate, stream.frames) == (25, 20)
        assert not stream.codec_context.has_b_frames
        frames = list(container.decode(stream))
    assert [i for i, frame in enumerate(frames) if frame.key_frame] == [0, 16]
    assert {int(frame.pict_type) for frame in frames} == {1, 2}, 'I and P'
    assert np.diff([frame.pts for frame in frames]).tolist() == [frames[1].pts] * 19


def test_jpg_is_a_folder_of_numbered_files(pictures, tmp_path):
    assert write_clip(tmp_path / 'a', pictures, 25, 'jpg') == 20
    assert names(tmp_path / 'a') == [f'{i:06d}.jpg' for i in range(20)]
    with Image.open(tmp_path / 'a' / '000013.jpg') as image:
        assert np.abs(np.asarray(image).astype(int) - pictures[13]).mean() < 3


def test_npy_is_lossless(pictures, tmp_path):
    assert write_clip(tmp_path / 'a.npy', pictures, 25, 'npy') == 20
    assert np.array_equal(np.load(tmp_path / 'a.npy', allow_pickle=False), pictures)


@pytest.mark.parametrize('format', FORMATS)
def test_same_pictures_give_the_same_bytes_also_over_an_older_clip(pictures, tmp_path, format):
    path, other = (place(tmp_path / name, format) for name in ('new', 'old'))
    write_clip(path, pictures[:3], 29.97, format)
    write_clip(other, pictures, 29.97, format)
    write_clip(other, pictures[:3], 29.97, format)
    assert content(path) == content(other)
    assert names(tmp_path / 'old') == [other.name]


@pytest.mark.parametrize('format', FORMATS)
def test_pictures_are_written_while_they_come(tmp_path, format):
    seen = []

    def stream():
        for number in range(100):
            picture = np.full((32, 32, 3), number, np.uint8)
            seen.append(weakref.ref(picture))
            assert sum(ref() is not None for ref in seen) <= 3
            yield picture

    assert write_clip(place(tmp_path, format), stream(), 25, format) == 100


@pytest.mark.parametrize('error', [FileNotFoundError(2, 'gone', 'raw.mp4'), KeyboardInterrupt()])
@pytest.mark.parametrize('after', [0, 5])
@pytest.mark.parametrize('format', FORMATS)
def test_what_ends_the_pictures_leaves_what_was_there(pictures, tmp_path, format, after, error):
    """An error of reading them is not told as one of writing the clip."""

    def interrupted():
        yield from pictures[:after]
        raise error

    path = place(tmp_path, format)
    with pytest.raises(type(error)):
        write_clip(path, interrupted(), 25, format)
    assert not list(tmp_path.iterdir())
    write_clip(path, pictures, 25, format)
    before = content(path)
    with pytest.raises(type(error)):
        write_clip(path, interrupted(), 25, format)
    assert content(path) == before
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize('format', FORMATS)
def test_no_frame_is_no_clip(tmp_path, format):
    with pytest.raises(VideoError, match='not written: there is no frame'):
        write_clip(place(tmp_path, format), iter([]), 25, format)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ('shape', 'dtype', 'message'),
    [
        ((48, 48, 3), np.float32, r'frame 2 is \(48, 48, 3\) float32, not \(H, W, 3\) uint8'),
        ((48, 48), np.uint8, r'frame 2 is \(48, 48\) uint8, not'),
        ((48, 48, 4), np.uint8, r'frame 2 is \(48, 48, 4\) uint8, not'),
        ((50, 48, 3), np.uint8, r'frame 2 is \(50, 48, 3\), the ones before it are \(48, 48, 3\)'),
    ],
)
@pytest.mark.parametrize('format', FORMATS)
def test_picture_that_does_not_fit_is_refused(pictures, tmp_path, format, shape, dtype, message):
    frames = [*pictures[:2], np.zeros(shape, dtype)]
    with pytest.raises(VideoError, match=message):
        write_clip(place(tmp_path, format), frames, 25, format)
    assert not list(tmp_path.iterdir())


def test_odd_sides_are_refused_for_h264_only(tmp_path):
    frames = np.zeros((2, 48, 47, 3), np.uint8)
    with pytest.raises(VideoError, match='H.264 needs even sides, not 47 x 48 px'):
        write_clip(tmp_path / 'a.mp4', frames, 25)
    assert write_clip(tmp_path / 'a.npy', frames, 25, 'npy') == 2
    assert write_clip(tmp_path / 'a', frames, 25, 'jpg') == 2


@pytest.mark.parametrize(
    ('fps', 'want'),
    [
        (25, Fraction(25)),
        (29.97, Fraction(2997, 100)),
        (30000 / 1001, Fraction(30000, 1001)),
        (1 / 3, Fraction(1, 3)),
    ],
)
def test_rate_is_the_nearest_fraction(fps, want):
    assert frame_rate(fps) == want


@pytest.mark.parametrize('fps', [0, -25, float('nan'), float('inf'), 1e-9])
def test_what_is_no_rate_is_refused(pictures, tmp_path, fps):
    with pytest.raises(MMFakeError, match='is no rate: give a number above 0'):
        write_clip(tmp_path / 'a.mp4', pictures, fps)


def test_settings_reach_the_encoder_and_the_index(pictures, tmp_path):
    settings = {'crf': '40', 'g': '5', 'bf': '0', 'flags': '+cgop', 'sc_threshold': '0'}
    write_clip(tmp_path / 'a.mp4', pictures, 25, settings=settings)
    with av.open(str(tmp_path / 'a.mp4')) as container:
        keys = [i for i, frame in enumerate(container.decode(video=0)) if frame.key_frame]
    assert keys == [0, 5, 10, 15]
    assert b'crf=40.0' in (tmp_path / 'a.mp4').read_bytes(), 'x264 notes it'
    assert codec_settings('mp4', settings) == 'h264 crf40 g5 bf0 yuv420p'
    settings['preset'] = 'fast'
    assert codec_settings('mp4', settings) == 'h264 fast crf40 g5 bf0 yuv420p'


def test_what_the_index_says():
    assert [codec_settings(format) for format in FORMATS] == [
        'h264 veryfast crf12 g16 bf0 fastdecode yuv420p',
        'jpg q95',
        'npy uint8',
    ]
    assert [clip_suffix(format) for format in FORMATS] == ['.mp4', '', '.npy']


def test_bad_arguments_are_refused(pictures, tmp_path):
    for call in (
        lambda: write_clip(tmp_path / 'a', pictures, 25, 'gif'),
        lambda: clip_suffix('gif'),
        lambda: codec_settings('gif'),
    ):
        with pytest.raises(MMFakeError, match="unknown clip format 'gif': choose mp4, jpg, npy"):
            call()
    with pytest.raises(MMFakeError, match="leave them out for format 'npy'"):
        write_clip(tmp_path / 'a.npy', pictures, 25, 'npy', dict(crf='1'))
    with pytest.raises(VideoError, match='cannot be encoded .* check the settings'):
        write_clip(tmp_path / 'a.mp4', pictures, 25, settings=dict(crf='good'))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('format', FORMATS)
def test_place_that_cannot_be_written_to(pictures, tmp_path, format):
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(MMFakeError, match='the clip cannot be written .* choose another place'):
        write_clip(place(tmp_path / 'file', format), pictures, 25, format)


def write(path, name):
    with atomic_folder(path, 'the test') as folder:
        (folder / name).write_text(name)


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / 'a' / 'b'
    write(path, 'one')
    write(path, 'two')
    with pytest.raises(MMFakeError, match='b: the test cannot be written'):
        write(path, 'no/such/folder')
    assert (names(path), names(path.parent)) == (['two'], ['b'])


def test_a_file_in_the_place_of_a_folder_is_kept_and_named(tmp_path):
    (tmp_path / 'a').write_text('a file')
    with pytest.raises(MMFakeError, match='a: the test cannot be written .* choose another place'):
        write(tmp_path / 'a', 'one')
    assert names(tmp_path) == ['a']
    assert (tmp_path / 'a').read_text() == 'a file'


def test_debris_of_a_killed_process_is_not_taken_along(tmp_path):
    with atomic_folder(tmp_path / 'a', 'the test') as folder:
        debris = tmp_path / folder.name
    debris.mkdir()
    (debris / 'debris').write_text('x')
    write(tmp_path / 'a', 'one')
    assert names(tmp_path / 'a') == ['one']
