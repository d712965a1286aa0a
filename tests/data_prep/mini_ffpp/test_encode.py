from __future__ import annotations

import av
import numpy as np
import pytest
import torch  # noqa: F401 (decord asks to be imported after torch)
from decord import VideoReader, cpu

from data_prep.mini_ffpp.motion import FPS
from data_prep.mini_ffpp.tree import write_video


@pytest.fixture(scope='module')
def video():
    y, x = np.mgrid[:48, :64]
    frames = [np.stack([x * 3 + 2 * t, y * 4, 5 * t + 0 * x], -1) for t in range(40)]
    return np.stack(frames).astype(np.uint8)


@pytest.fixture(scope='module')
def file(video, tmp_path_factory):
    path = tmp_path_factory.mktemp('encode') / '000.mp4'
    write_video(path, video)
    return path


def test_the_video_is_what_the_layout_promises(file, video):
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ('h264', 'yuv420p')
        assert stream.average_rate == FPS
        assert not stream.codec_context.has_b_frames
        frames = list(container.decode(stream))
    assert [k for k, frame in enumerate(frames) if frame.key_frame] == [0, 25]
    assert {int(frame.pict_type) for frame in frames} == {1, 2}, 'I and P'
    seen = np.stack([frame.to_ndarray(format='rgb24') for frame in frames])
    assert np.abs(seen.astype(int) - video).mean() < 6


def test_decord_reads_every_frame_exactly_in_any_order(file):
    with av.open(str(file)) as container:
        wanted = [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]
    reader = VideoReader(str(file), ctx=cpu(0), num_threads=1)
    assert len(reader) == len(wanted) == 40
    for k in np.random.default_rng(0).permutation(40):
        # two colour conversions may round differently, a neighbouring frame is much further away
        assert np.abs(reader[int(k)].asnumpy().astype(int) - wanted[k]).mean() < 1.0


class _Interrupted:
    """A video whose rendering stops half way."""

    shape = (40, 48, 64, 3)

    def __iter__(self):
        yield np.zeros((48, 64, 3), np.uint8)
        raise KeyboardInterrupt


def test_a_half_written_file_does_not_have_the_name_of_a_whole_one(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / '000.mp4', _Interrupted())
    assert not list(tmp_path.glob('*.mp4'))
