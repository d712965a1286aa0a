"""Videos whose frames carry their own number."""

from __future__ import annotations

import struct
from fractions import Fraction

import av
import numpy as np

COUNT = 40  # frames of most videos
TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}  # clockwise


def picture(number, height=64, width=96):
    """Two rows of three big blocks: the bits of the number, which survive any codec."""
    bits = np.array([[number >> bit & 1 for bit in row] for row in ((0, 1, 2), (3, 4, 5))])
    rows, columns = np.arange(height) * 2 // height, np.arange(width) * 3 // width
    return np.repeat(np.uint8(60 + 140 * bits)[rows][:, columns, None], 3, axis=2)


def number_of(shown):
    height, width = shown.shape[:2]
    y = (np.array([0.5, 1.5]) * height / 2).astype(int)
    x = (np.array([0.5, 1.5, 2.5]) * width / 3).astype(int)
    bits = [shown[j - 4 : j + 4, i - 4 : i + 4].mean() > 130 for j in y for i in x]
    return sum(1 << index for index, bit in enumerate(bits) if bit)


def encode(
    path,
    count=COUNT,
    size=(64, 96),
    codec='libx264',
    pix_fmt='yuv420p',
    options=None,
    times=None,
    sound=False,
    video=True,
    **kwargs,
):
    """Write numbered frames; ``times`` are in ms."""
    with av.open(str(path), 'w', **kwargs) as container:
        if video:
            rate = 25 if times is None else 1000
            stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
            stream.height, stream.width = size
            stream.pix_fmt = pix_fmt
        if sound:
            audio = container.add_stream(sound, rate=44100)
        for number in range(count):
            if video:
                # noise makes the frames outweigh the headers
                noise = np.random.default_rng(number).integers(0, 40, (*size, 3), dtype=np.uint8)
                noisy = picture(number, *size) + noise
                frame = av.VideoFrame.from_ndarray(noisy, format='rgb24')
                if times is not None:
                    frame.pts, frame.time_base = times[number], Fraction(1, 1000)
                container.mux(stream.encode(frame))
            if sound:
                container.mux(audio.encode(_noise(number)))
        for track in container.streams:
            container.mux(track.encode())
    return path


def _noise(number):
    frame = av.AudioFrame(format='fltp', layout='stereo', samples=1764)
    frame.rate, frame.pts = 44100, number * 1764
    noise = np.random.default_rng(number)
    for plane in frame.planes:
        plane.update(noise.normal(0, 0.1, plane.buffer_size // 4).astype(np.float32).tobytes())
    return frame


def add_copy(container, track):
    """Add a stream for the packets of another."""
    if hasattr(container, 'add_stream_from_template'):
        return container.add_stream_from_template(track)
    return container.add_stream(template=track)  # PyAV 12


def copy_packets(source, target, shift=0, keep=lambda number: True):
    """Copy without decoding; frame ``shift`` gets the time 0."""
    with av.open(str(source)) as old, av.open(str(target), 'w') as new:
        track = old.streams.video[0]
        copy = add_copy(new, track)
        ticks = int(1 / (25 * track.time_base))
        for packet in old.demux(track):
            if packet.dts is not None and keep(packet.pts // ticks):
                packet.pts -= shift * ticks
                packet.dts -= shift * ticks
                packet.stream = copy
                new.mux(packet)
    return target


def turn(path, matrix):
    """Write a display matrix (a, b, c, d) into the header of an mp4."""
    content = bytearray(path.read_bytes())
    start = content.index(b'tkhd') + 44
    a, b, c, d = (65536 * value for value in matrix)
    content[start : start + 36] = struct.pack('>9i', a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def cut(source, target, share):
    """Keep the first bytes of a file, as a broken download does."""
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target
