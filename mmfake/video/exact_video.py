"""Exact random access to the frames of any video, with the interface of ``decord.VideoReader``."""

from __future__ import annotations

import os
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Tuple, Union

import av
import numpy as np
from av.error import FFmpegError

from .frame_reader import FrameReader, VideoError
from .stored_clip import StoredClip


class ExactVideo(StoredClip):
    """A video whose frames have the numbers in which :class:`FrameReader` shows them.

    It decodes from the first frame on, up to the last one asked for: slow, but no container and no
    codec can make it miss. The frames are counted, once for a file, by decoding all of it.

    Args:
        path (str | Path): A file in any format that FFmpeg knows.

    Raises:
        VideoError: If it cannot be decoded to its end.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self._count, fps = _count_frames(*_version_of(path))
        super().__init__(path, fps)

    def __len__(self) -> int:
        return self._count

    def _read(self, indices: np.ndarray) -> np.ndarray:
        wanted = set(indices.tolist())
        with FrameReader(self.path) as reader:
            shown = enumerate(islice(reader, max(wanted) + 1))
            pictures = {number: frame.picture for number, frame in shown if number in wanted}
        if len({picture.shape for picture in pictures.values()}) > 1:
            raise VideoError(self.path, 'its pictures change their size; convert it to one size')
        return np.stack([pictures[number] for number in indices.tolist()])


Version = Tuple[str, int, int]


def _version_of(path: Union[str, Path]) -> Version:
    """Tell a file from what may later have its name: path, time of change, bytes."""
    state = os.stat(path)
    return str(path), state.st_mtime_ns, state.st_size


@lru_cache(maxsize=100_000)
def _count_frames(path: str, *_: int) -> Tuple[int, float]:
    """Count the frames of a file; also gives its frames per s."""
    with FrameReader(path) as reader:
        return sum(1 for _ in reader), reader.fps


def decord_is_exact(path: Union[str, Path]) -> bool:
    """Whether decord gives the very frames of a file that :class:`FrameReader` shows.

    Looked at is the list of packets, without decoding, once for a file: see
    :func:`has_closed_groups`.
    """
    return _decord_is_exact(*_version_of(path))


@lru_cache(maxsize=100_000)
def _decord_is_exact(path: str, *_: int) -> bool:
    return has_closed_groups(f'file:{path}')


def has_closed_groups(file: Union[str, BinaryIO]) -> bool:
    """Whether a file is H.264 of 8 bits in mp4 or mov, whole, in closed groups of pictures.

    decord finds a frame by counting from the key frame before it. It counts wrongly where the
    first frames of a group are shown before its key frame (open groups), where decoding cannot
    start at a key frame (intra refresh), where an edit list cuts frames away, and in containers
    without an exact index (ts, mpg, avi); its FFmpeg is too old for AV1, and rounds more than 8
    bits differently.
    """
    try:
        with av.open(file) as container:
            streams = container.streams.video
            if len(streams) != 1 or 'mp4' not in container.format.name.split(','):
                return False
            context = streams[0].codec_context
            if context is None or context.name != 'h264' or context.pix_fmt.endswith('le'):
                return False
            return _groups_are_closed(container, streams[0])
    except (FFmpegError, OSError):
        return False


def _groups_are_closed(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> bool:
    """Follow the packets in the order of decoding."""
    count, start, latest = 0, None, None  # shown times: of the last key frame, of the latest frame
    for packet in container.demux(stream):
        if not packet.size:  # the end
            continue
        if packet.pts is None or packet.is_discard or packet.is_corrupt:
            return False
        if packet.is_keyframe:
            if latest is not None and packet.pts <= latest or not _is_idr(packet):
                return False
            start = packet.pts
        if start is None or packet.pts < start:
            return False
        count, latest = count + 1, packet.pts if latest is None else max(latest, packet.pts)
    return count > 0 and count == stream.frames


def _is_idr(packet: av.Packet) -> bool:
    """Whether an H.264 picture of an mp4 resets the decoder; a key frame need not."""
    header, content = packet.stream.codec_context.extradata, bytes(packet)
    if not header or header[0] != 1:  # no avcC box
        return False
    n_length, place = (header[4] & 3) + 1, 0  # each unit comes after its length
    while place + n_length < len(content):
        kind = content[place + n_length] & 31
        if 1 <= kind <= 5:  # a slice; 5: of an IDR picture
            return kind == 5
        place += n_length + int.from_bytes(content[place : place + n_length], 'big')
    return False
