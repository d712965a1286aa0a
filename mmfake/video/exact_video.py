"""Exact random access to the frames of any video, with the interface of ``decord.VideoReader``."""

from __future__ import annotations

import os
from bisect import bisect_right
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

import av
import numpy as np
from av.error import FFmpegError

from .frame_converter import FrameConverter
from .frame_reader import FrameReader, VideoError
from .stored_clip import StoredClip

Version = Tuple[str, int, int]


def _version_of(path: Union[str, Path]) -> Version:
    """Tell a file from what may later have its name: path, time of change, bytes."""
    state = os.stat(path)
    return str(path), state.st_mtime_ns, state.st_size


# ---- Any file, from its first frame on ----------------------------------------------------------


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


@lru_cache(maxsize=100_000)
def _count_frames(path: str, *_: int) -> Tuple[int, float]:
    """Count the frames of a file; also gives its frames per s."""
    with FrameReader(path) as reader:
        return sum(1 for _ in reader), reader.fps


# ---- Closed groups of pictures, from the key frame before ---------------------------------------


class Groups(NamedTuple):
    """Closed groups of pictures, in the ticks of their file; ranges where these are regular.

    Attributes:
        times (Sequence[int]): When each frame is shown, ascending.
        keys (Sequence[int]): Numbers of the frames that groups begin with, ascending from 0.
        starts (Sequence[int]): When the first frame of each group is decoded.
        fps (float): Frames per s.
    """

    times: Sequence[int]
    keys: Sequence[int]
    starts: Sequence[int]
    fps: float


class GroupedVideo(StoredClip):
    """A video in closed groups of pictures, decoded from the key frame before those asked for.

    Its frames have the numbers in which :class:`FrameReader` shows them, and the same pixels. The
    frames on the way to those asked for are not converted to RGB.

    Args:
        path (str | Path): The file, for messages.
        source (str | BinaryIO): What FFmpeg opens.
        container (av.container.InputContainer): The same, opened, for the first reading.
        groups (Groups): What :func:`find_groups` finds in it.
        threads (int): Threads that decode. Defaults to 1.
    """

    def __init__(
        self,
        path: Union[str, Path],
        source: Union[str, BinaryIO],
        container: Optional[av.container.InputContainer],
        groups: Groups,
        threads: int = 1,
    ) -> None:
        super().__init__(path, groups.fps)
        self._source, self._container = source, container
        self._groups, self._threads = groups, threads

    def __len__(self) -> int:
        return len(self._groups.times)

    def _read(self, indices: np.ndarray) -> np.ndarray:
        container, self._container = self._container, None
        try:
            with container or _open(self._source) as opened:
                pictures = dict(self._decode(opened, sorted(set(indices.tolist()))))
        except FFmpegError as error:
            raise VideoError(self.path, f'damaged: {error.strerror}; copy it anew') from None
        return np.stack([pictures[number] for number in indices.tolist()])

    def _decode(
        self, container: av.container.InputContainer, numbers: Sequence[int]
    ) -> Iterator[Tuple[int, np.ndarray]]:
        """Give frames, whose numbers ascend, with these."""
        times, keys, starts, _ = self._groups
        stream = container.streams.video[0]
        stream.codec_context.thread_count = self._threads
        convert, frames, latest = FrameConverter(), iter(()), None
        for number in numbers:
            # 1. to the key frame before it, unless the decoder is past that, or about to reach it
            group = bisect_right(keys, number) - 1
            if latest is None or keys[group] > latest + 1:
                container.seek(starts[group], stream=stream)
                frames = container.decode(stream)
            # 2. on to the frame itself, by frames that those after them are made from
            for frame in frames:
                if frame.is_corrupt or frame.pts >= times[number]:
                    break
            else:
                raise VideoError(self.path, f'damaged: no frame {number}; copy it anew')
            if frame.is_corrupt or frame.pts != times[number]:
                raise VideoError(self.path, f'damaged: no frame {number}; copy it anew')
            latest = number
            yield number, convert(frame)


_groups: Dict[Version, Optional[Groups]] = {}  # of the files opened so far


def open_video(path: Union[str, Path], threads: int = 1) -> StoredClip:
    """Open a video whose frames have the numbers in which :class:`FrameReader` shows them.

    Args:
        path (str | Path): A file in any format that FFmpeg knows.
        threads (int): Threads that decode a file in closed groups. Defaults to 1.

    Raises:
        VideoError: If it cannot be decoded.
    """
    version, source, container = _version_of(path), f'file:{path}', None
    if version not in _groups:
        container, _groups[version] = _look_into(source)
    groups = _groups[version]
    if groups is None:
        return ExactVideo(path)
    return GroupedVideo(path, source, container, groups, threads)


def open_grouped(
    path: Union[str, Path], source: BinaryIO, threads: int = 1
) -> Optional[GroupedVideo]:
    """Open the content of a file if it is in closed groups; else None."""
    container, groups = _look_into(source)
    return None if groups is None else GroupedVideo(path, source, container, groups, threads)


def find_groups(path: Union[str, Path]) -> Optional[Groups]:
    """Find the closed groups of a file that is H.264 of 8 bits in mp4 or mov, and whole; else None.

    Looked at is the list of packets, without decoding. A frame cannot be found by its time where
    the first frames of a group are shown before its key frame (open groups), where decoding cannot
    start at a key frame (intra refresh), where an edit list cuts frames away, and in containers
    without an exact index (ts, mpg, avi).
    """
    return _look_into(f'file:{path}')[1]


def _look_into(
    source: Union[str, BinaryIO],
) -> Tuple[Optional[av.container.InputContainer], Optional[Groups]]:
    """Open a file and find its groups; None for both if it has none."""
    try:
        container = _open(source)
    except (FFmpegError, OSError):
        return None, None
    try:
        groups = _groups_in(container)
    except (FFmpegError, OSError):
        groups = None
    if groups is None:
        container.close()
        return None, None
    return container, groups


def _open(source: Union[str, BinaryIO]) -> av.container.InputContainer:
    if not isinstance(source, str):
        source.seek(0)
    return av.open(source)


def _groups_in(container: av.container.InputContainer) -> Optional[Groups]:
    """Follow the packets in the order of decoding."""
    streams = container.streams.video
    if len(streams) != 1 or 'mp4' not in container.format.name.split(','):
        return None
    stream = streams[0]
    context = stream.codec_context
    if context is None or context.name != 'h264' or context.pix_fmt.endswith('le'):
        return None
    times: List[int] = []
    keys: List[int] = []
    starts: List[int] = []
    latest = None  # time of the frame that is shown latest so far
    for packet in container.demux(stream):
        if not packet.size:  # the end
            continue
        time = packet.pts
        if time is None or packet.is_discard or packet.is_corrupt:
            return None
        if packet.is_keyframe:
            if latest is not None and time <= latest or not _is_idr(packet):
                return None
            keys.append(len(times))
            starts.append(packet.dts)
            first = time
        if not keys or time < first:
            return None
        times.append(time)
        latest = time if latest is None or time > latest else latest
    if not times or len(times) != stream.frames:
        return None
    rate = float(stream.average_rate or 25)
    return Groups(_compact(sorted(times)), _compact(keys), _compact(starts), rate)


def _compact(numbers: List[int]) -> Sequence[int]:
    """Give numbers at equal distances as a range, others as a tuple."""
    if len(numbers) > 1 and numbers[1] > numbers[0]:
        regular = range(numbers[0], numbers[-1] + 1, numbers[1] - numbers[0])
        if len(regular) == len(numbers) and all(a == b for a, b in zip(regular, numbers)):
            return regular
    return tuple(numbers)


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
