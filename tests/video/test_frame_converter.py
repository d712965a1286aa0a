import av
import numpy as np
import pytest

from mmfake.video import frame_converter
from mmfake.video.frame_converter import DecodedPicture, FrameConverter, oriented
from tests.video import numbered

RGB = np.array([200, 30, 60])
KR_KB = {1: (0.2126, 0.0722), 2: (0.299, 0.114), 5: (0.299, 0.114)}  # BT.709, untold, BT.601


def yuv(matrix, full, depth):
    """The luma and chroma of RGB by the definition of the standards."""
    (kr, kb), (r, g, b) = KR_KB[matrix], RGB / 255
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    unit = 2 ** (depth - 8)
    if full:
        top = 2**depth - 1
        return np.rint([y * top, u * top + 128 * unit, v * top + 128 * unit])
    return np.rint([(16 + 219 * y) * unit, (128 + 224 * u) * unit, (128 + 224 * v) * unit])


@pytest.mark.parametrize('depth', [8, 10])
@pytest.mark.parametrize('full', [False, True, None])
@pytest.mark.parametrize('matrix', [1, 2, 5])
def test_colours_follow_matrix_and_range_of_the_file(matrix, full, depth):
    frame = av.VideoFrame(32, 16, 'yuv420p' if depth == 8 else 'yuv420p10le')
    for plane, value in zip(frame.planes, yuv(matrix, full, depth)):
        dtype = np.uint8 if depth == 8 else np.dtype('<u2')
        plane.update(np.full(plane.buffer_size // np.dtype(dtype).itemsize, value, dtype).tobytes())
    frame.colorspace = matrix
    frame.color_range = {None: 0, False: 1, True: 2}[full]
    picture = FrameConverter()(frame)
    assert picture.shape == (16, 32, 3)
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - RGB).max() <= 3


@pytest.mark.parametrize(
    ('matrix', 'want'),
    [
        ((1, 0, 0, 1), [[1, 2, 3], [4, 5, 6]]),
        ((0, 1, -1, 0), [[4, 1], [5, 2], [6, 3]]),  # a quarter clockwise
        ((-1, 0, 0, -1), [[6, 5, 4], [3, 2, 1]]),
        ((0, -1, 1, 0), [[3, 6], [2, 5], [1, 4]]),
        ((-1, 0, 0, 1), [[3, 2, 1], [6, 5, 4]]),  # a mirror
        ((1, 0, 0, -1), [[4, 5, 6], [1, 2, 3]]),
        ((0, 1, 1, 0), [[1, 4], [2, 5], [3, 6]]),
    ],
)
def test_orientation_by_hand(matrix, want):
    picture = np.repeat(np.uint8([[1, 2, 3], [4, 5, 6]])[:, :, None], 3, axis=2)
    a, b, c, d = (65536 * value for value in matrix)
    shown = oriented(picture, np.int32([a, b, 0, c, d, 0, 0, 0, 1 << 30]))
    assert shown[:, :, 0].tolist() == want
    assert shown.flags.c_contiguous


def test_resolution_may_change():
    convert = FrameConverter()
    for height, width in ((64, 96), (48, 48), (75, 101)):
        frame = av.VideoFrame.from_ndarray(numbered.picture(37, height, width), format='rgb24')
        picture = convert(frame.reformat(format='yuv420p'))
        assert picture.shape == (height, width, 3)
        assert numbered.number_of(picture) == 37


def noise(width, height, kind='yuv420p', matrix=1, color_range=1):
    frame, dice = av.VideoFrame(width, height, kind), np.random.default_rng(width)
    for plane in frame.planes:
        plane.update(dice.integers(0, 256, plane.buffer_size, dtype=np.uint8).tobytes())
    frame.colorspace, frame.color_range = matrix, color_range
    return frame


@pytest.mark.parametrize('kind', ['yuv420p', 'yuvj420p', 'yuv444p', 'yuv422p', 'nv12', 'gray'])
@pytest.mark.parametrize(('width', 'height'), [(128, 96), (130, 66), (77, 64), (64, 77), (320, 8)])
def test_every_nth_pixel_is_that_of_the_whole_picture(kind, width, height):
    """Also where FFmpeg blends the colours of neighbours, at odd heights."""
    for matrix, color_range in ((1, 1), (5, 2), (2, 0)):
        frame, convert = noise(width, height, kind, matrix, color_range), FrameConverter()
        whole = convert(frame)
        for n in (1, 2, 3, 11):
            np.testing.assert_array_equal(convert.every_nth(frame, n), whole[::n, ::n])


def test_a_decoded_picture_is_converted_where_it_is_looked_at(monkeypatch):
    convert, pixels = FrameConverter(), []

    def count(frame, reformatter):
        pixels.append(frame.width * frame.height)
        return as_rgb(frame, reformatter)

    as_rgb = frame_converter._as_rgb
    frame = noise(640, 360)
    whole = convert(frame)
    picture = DecodedPicture(frame, convert)
    picture[::5, ::5]  # whether FFmpeg gives the same values alone is found out once
    monkeypatch.setattr(frame_converter, '_as_rgb', count)
    assert (picture.shape, picture.dtype, picture.nbytes) == ((360, 640, 3), np.uint8, 345_600)
    np.testing.assert_array_equal(picture[::5, ::5], whole[::5, ::5])
    assert pixels == [4 * 128 * 72]  # each wanted one four times
    for key in (np.s_[3:7, ::2], np.s_[::5, ::3], np.s_[::-5, ::-5], np.s_[4], np.s_[::5, 1:]):
        np.testing.assert_array_equal(picture[key], whole[key])
    np.testing.assert_array_equal(np.asarray(picture), whole)
    assert np.asarray(picture, np.float32).dtype == np.float32


def test_a_decoded_picture_that_is_turned():
    frame, convert = noise(64, 32), FrameConverter()
    convert._matrix = np.int32([0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30])
    picture = DecodedPicture(frame, convert)
    assert picture.shape == np.asarray(picture).shape == (64, 32, 3)
    np.testing.assert_array_equal(picture[::3, ::3], convert(frame)[::3, ::3])
