"""Frame reader: every frame of a video once, in order, up to the first damage."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Generator, Iterator, List, NamedTuple, Optional, Union

import av
import numpy as np
from av.error import FFmpegError

from ..errors import MMFakeError
from .declared_size import declared_size
from .frame_converter import DecodedPicture, FrameConverter

VIDEO_SUFFIXES = tuple(
    f'.{name}'
    for name in (
        *('mp4', 'm4v', 'mov', 'avi', 'mkv', 'webm', 'mpg', 'mpeg', 'ts', 'mts', 'm2ts', 'wmv'),
        *('flv', '3gp', 'ogv', 'gif', 'npy', 'vob', 'asf', 'm2v', 'mxf', 'f4v', 'mjpeg', 'mjpg'),
    )
)
"""tuple[str]: What counts as a video in a folder; a file named by itself may end as it likes."""


class VideoError(MMFakeError):
    """A video that cannot be read, or not to its end, or not be written.

    Args:
        path (str | Path): The file or folder.
        reason (str): What is wrong, short, the same words for every file with that fault.

    Attributes:
        path (str): The file or folder.
        reason (str): What is wrong.
        strerror (str): The same, under the name that OSError gives it, so that whoever reports
            reasons without paths (:class:`mmfake.datasets.GuardedPipeline`) finds it.
    """

    def __init__(self, path: Union[str, Path], reason: str) -> None:
        # both go to the base class: unpickling, e.g. in a pool of workers, calls this with args
        super().__init__(str(path), reason)
        self.path = str(path)
        self.reason = self.strerror = reason

    def __str__(self) -> str:
        return f'{self.path}: {self.reason}'


class Frame(NamedTuple):
    """A frame as it is shown.

    Attributes:
        picture (np.ndarray | DecodedPicture): (H, W, 3) uint8 RGB.
        time (float): When it is shown, s from the first shown frame.
        end (float): When the next one is; for the last one what the file says of its duration, or
            the mean of all.
    """

    picture: Union[np.ndarray, DecodedPicture]
    time: float
    end: float


# What FFmpeg has to say about a damaged file, this reader says in one line. PyAV 12.0 passes the
# chatter on to Python, newer releases drop it.
logging.getLogger('libav').setLevel(logging.CRITICAL + 1)

_SQUARE = 0.03  # how much wider or narrower than high a pixel may be without a word
_HDR = {16: 'PQ', 18: 'HLG'}  # transfer functions, by their numbers in ITU-T H.273
_INTERLACED = (
    'it is interlaced: each picture holds two moments, and its combed edges may pass for traces of '
    'a manipulation; deinterlace it first'
)
_FALLBACK_FPS = 25.0
_MAX_FPS = 999.0  # recordings of browsers give the resolution of their clock instead, 1000 per s


class FrameReader:
    """Give every frame of a video once, in the order in which it is shown.

    What is shown is what a player shows, whatever the file is like: frames of varying duration
    stay single frames, frames that an edit list cuts away are left out, pictures come turned as the
    file asks and in full-range RGB by the file's own colour matrix. Pixels are those stored: no
    deinterlacing and no correction of pixels that are not square. A stream that changes its
    resolution gives pictures that change their shape.

    Frames are decoded while they are asked for, so memory does not grow with the video::

        with FrameReader('a.mp4') as reader:
            for picture, time, end in reader:
                ...

    A file that breaks off gives the frames before the damage and then raises, so the caller
    chooses whether to keep them. Damage is whatever FFmpeg cannot read or decode, and a file
    shorter than its own headers say; a transport stream says nothing, so that one cut off between
    two frames passes for whole.

    The reader can be iterated over once.

    Args:
        path (str | Path): A file in any format that FFmpeg knows; never a URL.
        threads (int): Threads that decode, which changes no frame. Defaults to 1.
        lazy (bool): Whether to give pictures as :class:`DecodedPicture`, to be converted to RGB by
            whoever looks at them. Defaults to False.

    Attributes:
        fps (float): Average frames per s; 25.0 if the file does not say.
        fps_known (bool): Whether it says.
        width (int): Width of the first frame as shown, px.
        height (int): Its height, px.
        expected_frames (int, optional): Frames the file claims to have; more than are shown if it
            has an edit list.
        codec (str): Name of the decoder, e.g. ``'h264'``.
        remarks (list[str]): In which way the pictures are not what a player shows: pixels that are
            not square, interlaced pictures, HDR.

    Raises:
        VideoError: On opening, if the file is missing, empty, no video, or its codec is unknown or
            not even its first frame can be decoded. On iteration, after the last good frame, if it
            is damaged or truncated.
    """

    def __init__(self, path: Union[str, Path], threads: int = 1, lazy: bool = False) -> None:
        self.path = str(path)
        self._container = self._open()
        self._closed = False
        self._frames: Generator[Frame, None, None] = (frame for frame in ())
        try:
            self._stream = self._find_stream(threads)
            self.codec: str = self._stream.codec_context.name
            rate = float(self._stream.average_rate or 0)
            self.fps_known = 0 < rate <= _MAX_FPS
            self.fps = rate if self.fps_known else _FALLBACK_FPS
            self.expected_frames: Optional[int] = self._stream.frames or None
            self._convert, self._lazy = FrameConverter(), lazy
            self.remarks = _remarks_on(self._stream)
            self._damaged = False
            self._frames = self._read()
            # the first frame is decoded now: whether pictures are turned is written on them
            self._first: Optional[Frame] = next(self._frames)
        except BaseException:
            self.close()
            raise
        self.height, self.width = self._first.picture.shape[:2]

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        """Iterate over the frames.

        Yields:
            Frame: Picture and times.

        Raises:
            VideoError: After the last good frame, if the file is damaged or truncated.
            ValueError: If the reader is closed.
        """
        if self._first is not None:
            first, self._first = self._first, None
            yield first
            del first  # or it would live as long as the loop
        yield from self._frames
        if self._closed:
            raise ValueError(f'{self.path}: frames are read before the reader is closed')

    def close(self) -> None:
        """Close the file."""
        self._closed, self._first = True, None
        self._frames.close()  # before its file: PyAV crashes if it reads on
        self._container.close()

    def _open(self) -> av.container.InputContainer:
        """Open the file."""
        path = Path(self.path)
        try:  # all of it: looking at a file may fail, e.g. if its name is too long
            if not path.exists():
                raise VideoError(path, 'no such file')
            if not path.is_file():
                raise VideoError(path, 'not a file')
            if not path.stat().st_size:
                raise VideoError(path, 'empty file; copy it anew')
            # A playlist could send FFmpeg anywhere; "file:" also takes names like "a:b" literally.
            # Not "options", which make PyAV 12 crash where streams turn up late, as in flv.
            options = dict(protocol_whitelist='file')
            return av.open(f'file:{path}', container_options=options, metadata_errors='replace')
        except FFmpegError:
            if self._is_truncated():
                raise VideoError(
                    path, 'truncated: it breaks off before its list of frames; copy it anew'
                ) from None
            raise VideoError(path, 'not a video that FFmpeg can read') from None
        except OSError as error:
            raise VideoError(path, f'cannot be opened ({error.strerror})') from None

    def _find_stream(self, threads: int) -> av.video.stream.VideoStream:
        """Find the film: of several streams the one that claims most frames, or the first."""
        kind = self._container.format.name
        if kind == 'image2' or kind.endswith('_pipe'):
            raise VideoError(self.path, 'a picture, not a video')
        streams = [stream for stream in self._container.streams.video if not _is_cover(stream)]
        film = max(streams, key=lambda stream: stream.frames, default=None)
        if (film is None or film.codec_context is None) and self._is_truncated():
            raise VideoError(
                self.path, 'truncated: it breaks off in its list of frames; copy it anew'
            )
        if film is None:
            raise VideoError(self.path, 'no video stream')
        if film.codec_context is None:
            raise VideoError(self.path, 'its video codec is unknown; convert it, e.g. to H.264')
        film.codec_context.thread_count = threads
        if threads > 1:
            film.codec_context.thread_type = 'AUTO'
        return film

    def _read(self) -> Generator[Frame, None, None]:
        """Give the good frames, then tell of the damage."""
        shown, start, clock = 0, None, self._stream.time_base
        waiting: Optional[av.VideoFrame] = None  # until it is known when the next one is shown
        time = lasts = 0.0
        for frame in self._decode_exactly():
            if not shown and getattr(frame, 'interlaced_frame', False):
                self.remarks.append(_INTERLACED)
            ticks = frame.dts if frame.pts is None else frame.pts
            start = ticks if start is None else start
            # a bare stream of pictures has no clock
            end = shown / self.fps if ticks is None else float((ticks - start) * clock)
            if waiting is not None:
                yield self._shown(waiting, time, end)
            # PyAV 12 does not know how long a frame lasts
            lasts = float((getattr(frame, 'duration', None) or 0) * clock) or 1 / self.fps
            if shown and not self.fps_known:
                lasts = end / shown
            waiting, time, shown = frame, end, shown + 1
            del frame  # or it would live on while the next but one is decoded
        if waiting is not None:
            yield self._shown(waiting, time, time + lasts)
        if self._damaged or not shown:
            raise VideoError(self.path, self._complaint(shown))

    def _shown(self, frame: av.VideoFrame, time: float, end: float) -> Frame:
        """Give a frame, converted or to be converted."""
        picture = DecodedPicture(frame, self._convert) if self._lazy else self._convert(frame)
        return Frame(picture, time, end)

    def _decode_exactly(self) -> Iterator[av.VideoFrame]:
        """Decode up to the end or to the first damage, which one thread finds to the frame."""
        given = 0
        for frame in self._decode():
            given += 1
            yield frame
            del frame
        if not self._damaged or self._stream.codec_context.thread_count == 1:
            return
        self._container.close()
        self._container, self._damaged = self._open(), False
        self._stream = self._find_stream(threads=1)
        for number, frame in enumerate(self._decode()):
            if number >= given:
                yield frame
            del frame

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Decode up to the end or to the first damage that is noticed."""
        for frame in self._decode_packets():
            if frame.is_corrupt:
                self._damaged = True
                return
            yield frame
            del frame  # or it would live on while the next one is decoded

    def _decode_packets(self) -> Iterator[av.VideoFrame]:
        """Decode up to the end or to the first packet that cannot be read or decoded."""
        context = self._stream.codec_context
        decoded_up_to = None
        for packet in self._packets():
            try:
                frames = packet.decode()
            except FFmpegError:
                self._damaged = True
                if context.thread_count > 1:  # it is one of the last packets, but which?
                    return
                break
            decoded_up_to = packet.dts
            yield from frames
        if self._damaged and decoded_up_to is not None:
            yield from self._held_back(decoded_up_to)

    def _packets(self) -> Iterator[av.Packet]:
        """Read packets up to the end or to the first damage."""
        taken = 0
        try:
            for packet in self._container.demux(self._stream):
                if packet.is_corrupt:
                    self._damaged = True
                    return
                if packet.size:
                    taken += 1
                    yield packet
                elif packet.dts is None:  # the end; otherwise an avi that repeats a picture
                    # what is cut off may be nothing that matters, if not a frame is missing
                    self._damaged = self._is_truncated() and taken != self.expected_frames
                    if not self._damaged:
                        yield packet
        except FFmpegError:
            self._damaged = True

    def _held_back(self, decoded_up_to: int) -> List[av.VideoFrame]:
        """Get the good frames that wait in the decoder for their turn to be shown.

        What is lost would have been decoded, and so shown, later than the last good packet was
        decoded: only frames before that time are sure to follow each other without a gap.
        """
        try:
            frames = self._stream.codec_context.decode(None)
        except FFmpegError:
            return []
        return [frame for frame in frames if frame.pts is None or frame.pts <= decoded_up_to]

    def _is_truncated(self) -> bool:
        """Whether the file is shorter than it says."""
        declared = declared_size(self.path)
        return declared is not None and declared > Path(self.path).stat().st_size

    def _complaint(self, shown: int) -> str:
        """Say what is wrong in one line."""
        if not self._damaged:
            return 'it holds no frame'
        claimed = self.expected_frames or 0
        how_many = f'{shown} of {claimed}' if claimed > shown else f'the first {shown}'
        how_many = f'only {how_many} frames' if shown else 'no frame'
        kind = 'truncated' if self._is_truncated() else 'damaged'
        return f'{kind}: {how_many} could be decoded; copy it anew'


def _remarks_on(stream: av.video.stream.VideoStream) -> List[str]:
    """Say what of a film is shown otherwise by a player."""
    remarks, context = [], stream.codec_context
    wide = float(stream.sample_aspect_ratio or context.sample_aspect_ratio or 0) or 1.0
    if abs(wide - 1) > _SQUARE:
        remarks.append(
            f'its pixels are {wide:.3g} times as wide as high, and it is judged as it is stored: '
            f'faces are {"narrower" if wide > 1 else "wider"} than a player shows them; convert it '
            'to square pixels first'
        )
    kind = _HDR.get(getattr(context, 'color_trc', None))
    if kind:
        remarks.append(
            f'it is an HDR film ({kind}), and its colours are judged as they are stored, paler '
            'than a player shows them; convert it to SDR first'
        )
    return remarks


def _is_cover(stream: av.video.stream.VideoStream) -> bool:
    """Whether a stream is the picture on the sleeve of a piece of music."""
    if hasattr(stream, 'disposition'):
        return bool(stream.disposition & type(stream.disposition).attached_pic)
    return stream.codec_context is not None and not stream.average_rate  # PyAV 12
