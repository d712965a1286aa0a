"""Ten minutes of video take no more memory than ten seconds."""

from __future__ import annotations

import weakref

import av
import pytest

from mmfake.video.frame_reader import FrameReader, VideoError


@pytest.fixture(scope='module')
def ten_minutes(numbered, tmp_path_factory):
    """One group of 25 frames, 600 times; the header is in front."""
    folder = tmp_path_factory.mktemp('long')
    group = numbered.encode(folder / 'group.mp4', count=25, options=dict(preset='ultrafast'))
    path = folder / 'long.mp4'
    with av.open(str(group)) as old, av.open(
        str(path), 'w', container_options={'movflags': 'faststart'}
    ) as new:
        track = old.streams.video[0]
        if hasattr(new, 'add_stream_from_template'):
            copy = new.add_stream_from_template(track)
        else:  # PyAV 12
            copy = new.add_stream(template=track)
        packets = [bytes(packet) for packet in old.demux(track) if packet.size]
        for number in range(15000):
            packet = av.Packet(packets[number % 25])
            packet.pts = packet.dts = number * 512
            packet.time_base, packet.stream = track.time_base, copy
            packet.is_keyframe = number % 25 == 0
            new.mux(packet)
    return path


def test_long_video_is_not_read_before_it_is_asked_for(ten_minutes, numbered, tmp_path):
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
