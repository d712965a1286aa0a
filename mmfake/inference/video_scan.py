"""Scan of one video: faces are searched and clips cut out, window by window."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Event
from typing import Any, Deque, Dict, Generator, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np
from av.error import FFmpegError

from ..console import Stopwatch
from ..faces.crop import square_boxes
from ..faces.detectors import FaceSettings
from ..faces.face_track import FaceTrack, box_overlap, smooth_track
from ..faces.search import FaceSearch
from ..video.frame_reader import Frame, VideoError
from .ahead import Ahead
from .clip_pipeline import Clip, ClipPipeline, Segment, cut_clips
from .sources import ClipReader, SoundFrames, open_source

MOST_KEPT = 384 * 2**20
"""int: Bytes of decoded frames that are kept while faces are searched: 270 of 720 x 1280 px."""

_BEGUN = 8  # clips of a video begun before its detector is loaded
_MOST_PEOPLE = 8  # of a window: a crowd would take for ever and be too small anyway
_FILLS = 0.9  # of the shorter side of the picture: a crop of a face shows little else
_SAME_FACE = 0.3  # overlap of the last box of a window and the first of the next
# mean grey levels by which codecs move a still picture: from the first frame of a clip (where they
# refine it later), real faces moved by 3.3 and more; from a frame to the next, in the median of a
# clip, those by 0.35 and more
_STILL, _STEADY = 2.0, 0.25
_SLOW = 10.0  # frames per s; films and telephones have 24 and more
_PLAIN = 2.0  # standard deviation of grey levels in a picture; that of real faces was 30 and more


class VideoScan:
    """Find the faces of a video and cut the clips out, frame by frame.

    Faces are tracked window by window (:class:`FaceSearch`), and the clips of a window are cut out
    (:func:`cut_clips`) when it ends, of its decoded frames, which were kept. Of larger pictures
    they would need too much memory (:data:`MOST_KEPT`): such a video is decoded a second time to
    cut. Without a face search the whole video is one window and one segment, exactly as the test
    pipeline sees a file.

    Args:
        source (str | Path | np.ndarray): The video.
        name (str): What to call it.
        pipeline (ClipPipeline, optional): Chooses and shapes the clips; None if it is not known
            yet: see :meth:`begun`.
        faces (FaceSettings, optional): How to find faces; None for a video that is a face crop.
        people (str): ``'largest'``, in each window the most prominent face, or ``'all'``, each
            followed as far as it is seen without a cut: faces are not recognised, and who comes
            back is a new person. Defaults to ``'largest'``.
        most_segments (int, optional): End after so many windows with a face. Defaults to None.

    Attributes:
        facts (dict): Duration (s), frames, fps, width, height and codec, as far as they are known.
            Pictures have no clock: their fps and duration are None.
        segments (list[Segment]): What is cut out.
        skipped (list[dict]): Windows without a usable face: start and end (s), status, reason.
        status (str): ``'scored'``, or why the video is not: ``'no-face'``, ``'face-too-small'``,
            ``'too-short'``, ``'decode-failed'`` or ``'changed'`` between the passes.
        reason (str): More about it, in one line.
        warnings (list[str]): What a reader of the score should know.
        damage (str): What is wrong with the file behind its last good frame; empty if nothing is.
        watch (Stopwatch): Seconds of ``decode``, ``faces`` and ``cut``.
    """

    def __init__(
        self,
        source: Any,
        name: str,
        pipeline: Optional[ClipPipeline],
        faces: Optional[FaceSettings],
        people: str = 'largest',
        most_segments: Optional[int] = None,
    ) -> None:
        self.source, self.name = source, name
        self._faces, self._people = faces, people
        self._most_segments = most_segments
        self._settled: Future = Future()
        self._begun: Optional[Ahead] = None
        if pipeline is not None:
            self.settle(pipeline, faces)
        self.facts: Dict[str, Any] = {}
        self.segments: List[Segment] = []
        self.skipped: List[Dict[str, Any]] = []
        self.status, self.reason = 'scored', ''
        self.warnings: List[str] = []
        self.damage = ''
        self.watch = Stopwatch()
        self._stopped: Optional[Event] = None
        self._later: Dict[int, Segment] = {}  # to be cut when the video is read again
        self._cut_out = self._still = self._plain = self._slow = 0  # clips

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Go through the video in a thread of its own, as far as that goes without a detector.

        That is its first window. Once it is settled :meth:`clips` gives what the thread finds.

        Yields:
            None: The block loads the detector, and takes the clips.
        """
        stopped = Event()
        with Ahead(self._scan(stopped), _BEGUN, stopped) as self._begun:
            try:
                yield
            finally:
                self._settled.cancel()  # or the thread would wait for ever

    def settle(self, pipeline: ClipPipeline, faces: Optional[FaceSettings]) -> None:
        """Say how clips are shaped and faces are cut out; they are searched as was said before."""
        self._settled.set_result((pipeline, faces))

    def clips(self, stopped: Optional[Event] = None) -> Iterator[Clip]:
        """Go through the video; without a clip, :attr:`status` says why, nothing is raised.

        Args:
            stopped (threading.Event, optional): Once it is set, nobody asks for the rest. Defaults
                to None.

        Yields:
            Clip: The clips, window by window.
        """
        yield from self._scan(stopped) if self._begun is None else self._begun

    @property
    def _pipeline(self) -> ClipPipeline:
        """What shapes the clips, as soon as it is known."""
        return self._settled.result()[0]

    def _scan(self, stopped: Optional[Event]) -> Iterator[Clip]:
        self._stopped = stopped
        try:
            yield from self._search()
            if self.status == 'scored':
                frames, damage = (yield from self._read_again()) if self._later else (0, '')
                self._note_pictures()
                if self._cut_out < sum(len(segment.frames) for segment in self.segments):
                    self._note_change(frames, damage)
        except VideoError as error:
            self.status, self.reason = 'decode-failed', error.reason
        except (OSError, FFmpegError) as error:  # one video must not cost the others
            self.status = 'decode-failed'
            self.reason = f'cannot be opened: {error.strerror or error}'

    def _search(self) -> Iterator[Clip]:
        """Decide what to cut out, and cut it out of the frames that are kept."""
        with self.watch.timing('decode'):
            reader = open_source(self.source, self.name)
        with reader:
            self._rate = reader.fps
            self.facts = dict(
                fps=reader.fps if reader.fps_known else None,
                **dict(width=reader.width, height=reader.height, codec=reader.codec),
            )
            self.warnings += reader.remarks
            frames = SoundFrames(reader, self._stopped)
            yield from self._take_all(frames) if self._faces is None else self._take_faces(frames)
        self.damage = frames.damage

    def _take_all(self, frames: SoundFrames) -> Iterator[Clip]:
        """Take the whole video as one segment."""
        kept, times = _KeptFrames(), []
        for frame in self.watch.each('decode', frames):
            times.append((frame.time, frame.end))
            kept.add(frame)
            del frame  # or it would live on while the next one is decoded
        self._know(times, not frames.damage)
        span = self._pipeline.span(self._rate)
        if frames.count < span:
            self.status = 'too-short'
            self.reason = f'{frames.count} frames, a clip has at least {span}'
            return
        chosen = self._pipeline.choose(frames.count, self._rate)
        self.segments = [Segment(0, 0, None, chosen)]
        yield from self._cut(kept, 0, self.segments)

    def _take_faces(self, frames: SoundFrames) -> Iterator[Clip]:
        """Take the faces of each window."""
        settings, times, kept = self._faces, [], _KeptFrames()
        detector, _ = settings.load()
        search = FaceSearch(
            detector,
            self.watch,
            settings.window,
            settings.every,
            lambda: self._pipeline.span(self._rate),
            settings.min_face,
        )

        def pictures() -> Iterator[np.ndarray]:
            for frame in self.watch.each('decode', frames):
                times.append((frame.time, frame.end))
                kept.add(frame)
                yield frame.picture
                del frame  # or it would live on while the next one is decoded

        before: List[Tuple[int, FaceTrack]] = []  # the people of the window before this one
        watched = pictures()
        for window in search.windows(watched):
            if not window.people:
                place = dict(start=times[window.start][0], end=times[-1][1])
                self.skipped.append(dict(place, status=window.status, reason=window.reason))
            known = len(self.segments)
            before = self._name(window.people, before, self._settled.result()[1].load()[1])
            yield from self._cut(kept, window.start, self.segments[known:])
            windows = len({segment.start // settings.window for segment in self.segments})
            if self._most_segments and windows >= self._most_segments:
                break
        count = len(times)
        ended = next(watched, None) is None  # else only the first windows were asked for
        self._know(times[:count], ended and not frames.damage)
        if detector is not None:
            self._note_crop()
        if not self.segments:
            self.status, self.reason = search.complaint()

    def _cut(self, kept: _KeptFrames, first: int, segments: Sequence[Segment]) -> Iterator[Clip]:
        """Cut the latest segments out of the kept frames, or note that they are to be read again.

        No more frames are kept then.
        """
        known = len(self.segments) - len(segments)
        numbered = dict(enumerate(segments, known))
        if kept.is_whole:
            yield from self._clips_of(kept.taken(), first, numbered)
        else:
            self._later.update(numbered)
        kept.clear()

    def _clips_of(
        self, frames: Iterable[Frame], first: int, segments: Dict[int, Segment]
    ) -> Iterator[Clip]:
        _, faces = self._settled.result()
        size = 0 if faces is None else faces.size
        clips = cut_clips(frames, first, segments, self._pipeline, size)
        for clip in self.watch.each('cut', clips):
            self._cut_out += 1
            self._plain += _is_plain(clip.pictures)
            self._still += _is_still(clip.pictures)
            self._slow += _is_slow(clip)
            yield clip

    def _read_again(self) -> Generator[Clip, None, Tuple[int, str]]:
        """Cut out what is left; say how many frames were read for it, and what is wrong with it."""
        with open_source(self.source, self.name) as reader:
            frames = SoundFrames(reader, self._stopped)
            yield from self._clips_of(self.watch.each('decode', frames), 0, self._later)
        return frames.count, frames.damage

    def _name(
        self, people: List[FaceTrack], before: List[Tuple[int, FaceTrack]], margin: float
    ) -> List[Tuple[int, FaceTrack]]:
        """Number the people of a window and make segments of them."""
        if self._people == 'largest':
            named = [(0, track) for track in people[:1]]
        else:
            named, free = [], list(before)
            known = 1 + max((segment.person for segment in self.segments), default=-1)
            if len(people) > _MOST_PEOPLE:
                self.warnings.append(
                    f'{len(people)} faces from frame {people[0].start}; the {_MOST_PEOPLE} most '
                    'prominent are judged'
                )
            for track in people[:_MOST_PEOPLE]:
                same = next((old for old in free if _goes_on(old[1], track)), None)
                if same is None:
                    named.append((known, track))
                    known += 1
                else:
                    free.remove(same)
                    named.append((same[0], track))
        for person, track in named:
            chosen = self._pipeline.choose(len(track), self._rate)
            squares = square_boxes(smooth_track(track), margin)
            self.segments.append(Segment(person, track.start, squares, chosen))
        return named

    def _note_crop(self) -> None:
        """Warn of a video in which a face fills the picture: it may be a crop already."""
        shorter = min(self.facts['width'], self.facts['height'])
        sides = [(squares[:, 2] - squares[:, 0]).mean() for _, _, squares, _ in self.segments]
        if sides and max(sides) >= _FILLS * shorter:
            self.warnings.append(
                'the face fills the picture: if the video is a face crop already, it was cropped '
                'once more; use --no-face (face=False)'
            )

    def _note_pictures(self) -> None:
        """Refuse a video that shows nothing, and warn of clips that do not move."""
        cut, still, plain, slow = self._cut_out, self._still, self._plain, self._slow
        if cut and plain == cut:
            self.status = 'no-face'
            self.reason = 'every picture is of one colour: nothing can be judged'
            return
        if plain:
            self.warnings.append(
                f'{plain} of {cut} clips are pictures of one colour, whose scores mean nothing'
            )
        if still > plain:
            self.warnings.append(
                f'{still - plain} of {cut} clips are one still picture: the detector was trained '
                'on faces that move'
            )
        if slow:
            self.warnings.append(
                f'{slow} of {cut} clips have fewer than {_SLOW:g} frames per s: the detector was '
                'trained on successive frames, and these are far apart'
            )

    def _note_change(self, frames: int, damage: str) -> None:
        """Tell of a file that no longer gives the frames it gave before."""
        self.damage = damage or self.damage
        told = f'{frames} frames when read again, {self.facts["frames"]} before'
        if self._cut_out:
            self.warnings.append(f'{told}; the score is of the first {self._cut_out} clips')
        else:
            self.status, self.reason = 'changed', f'{told}: wait until the file is complete'

    def _know(self, times: List[Tuple[float, float]], whole: bool) -> None:
        """Keep how long the video is, as far as it was read."""
        duration: Optional[float] = times[-1][1] if times else 0.0
        if self.facts['codec'] == ClipReader.codec:
            duration = None
        elif self.facts['fps'] is None and duration:
            self.facts['fps'] = len(times) / duration
        self.facts.update(frames=len(times), duration=duration, read_to_end=whole)


class _KeptFrames:
    """The decoded frames of a window, in so far as memory allows."""

    def __init__(self) -> None:
        self.is_whole = True
        self._frames: Deque[Frame] = deque()
        self._bytes = 0

    def add(self, frame: Frame) -> None:
        """Keep a frame; if that is too much, none any more."""
        self._bytes += frame.picture.nbytes
        if self._bytes > MOST_KEPT:
            self.is_whole = False
        if self.is_whole:
            self._frames.append(frame)
        else:
            self._frames.clear()

    def taken(self) -> Iterator[Frame]:
        """Give the frames away."""
        while self._frames:
            yield self._frames.popleft()

    def clear(self) -> None:
        """Begin a window; nothing is kept of it if one before it was too much."""
        self._frames.clear()
        self._bytes = 0


def _is_plain(pictures: List[np.ndarray]) -> bool:
    """Whether every picture of a clip is of one colour."""
    return all(float(picture.std(axis=(0, 1)).max()) < _PLAIN for picture in pictures)


def _is_still(pictures: List[np.ndarray]) -> bool:
    """Whether the pictures of a clip are one and the same, but for what a codec does to it."""
    clip = [picture.astype(np.int16) for picture in pictures]
    if len(clip) == 1 or max(float(np.abs(one - clip[0]).mean()) for one in clip[1:]) >= _STILL:
        return False
    steps = [float(np.abs(one - before).mean()) for before, one in zip(clip, clip[1:])]
    return float(np.median(steps)) < _STEADY


def _is_slow(clip: Clip) -> bool:
    """Whether the frames of a clip are far apart."""
    steps = clip.end_frame - clip.start_frame
    return steps > 0 and steps + 1 < _SLOW * (clip.end - clip.start)


def _goes_on(old: FaceTrack, new: FaceTrack) -> bool:
    """Whether a track goes on where one of the window before it ended."""
    near = new.start - old.stop <= 5
    return near and float(box_overlap(old.boxes[-1:], new.boxes[:1])[0, 0]) >= _SAME_FACE
