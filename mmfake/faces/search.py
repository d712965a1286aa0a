"""Face search: who can be used in each window of a video, and why nobody can."""

from __future__ import annotations

from itertools import islice
from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from ..console import Stopwatch
from .detectors import FaceDetector
from .face_track import FaceTrack, rank_people
from .tracking import FaceTracker


class FaceWindow(NamedTuple):
    """Some consecutive frames and who is in them.

    Attributes:
        start (int): Number of the first frame.
        stop (int): Number of the frame after the last.
        at_end (bool): Whether the video is known to end with it; of a full window it is not.
        people (list[FaceTrack]): Who can be used, the most prominent first.
        status (str): ``'used'``, or in one word why nobody can be: ``'no-face'``, ``'too-short'``
            or ``'face-too-small'``.
        reason (str): More about it, in one line.
    """

    start: int
    stop: int
    at_end: bool
    people: List[FaceTrack]
    status: str
    reason: str


class FaceSearch:
    """Search a video for faces, in windows as long as a clip of data preparation may be.

    Each window is tracked by itself, so that the first in which somebody is usable gives exactly
    the face that data preparation would cut out, and memory does not grow with the video.

    Args:
        detector (FaceDetector, optional): What finds the faces; None for the centre square.
        watch (Stopwatch): Adds up ``faces``.
        window (int): Frames of a window. Defaults to 270.
        every (int): A face is looked for in every so many frames. Defaults to 5.
        min_frames (int | Callable): Fewest frames in which a face has to be seen, or what tells it
            when a window has been tracked. Defaults to 32.
        min_face (int): Smallest median side of a face box, px. Defaults to 32.
    """

    def __init__(
        self,
        detector: Optional[FaceDetector],
        watch: Stopwatch,
        window: int = 270,
        every: int = 5,
        min_frames: Union[int, Callable[[], int]] = 32,
        min_face: int = 32,
    ) -> None:
        self.detector, self.watch = detector, watch
        self.window, self.every = window, every
        self._min_frames, self.min_face = min_frames, min_face
        self.seen = 0
        self._everybody: List[Tuple[int, float]] = []  # frames and side of each track

    @property
    def min_frames(self) -> int:
        """Fewest frames in which a face has to be seen."""
        return self._min_frames() if callable(self._min_frames) else self._min_frames

    def windows(self, pictures: Iterable[np.ndarray]) -> Iterator[FaceWindow]:
        """Go through all frames of a video, (H, W, 3) uint8 RGB, window by window."""
        pictures, at_end = iter(pictures), False
        while not at_end:
            start = self.seen
            tracks = self._track(islice(pictures, self.window))
            at_end = self.seen < start + self.window
            if self.seen == start:  # the window before was full, and the last
                return
            people = rank_people(track for track in tracks if self._is_usable(track))
            found = [(len(track), track.side) for track in tracks]
            self._everybody += found
            fault = ('used', '') if people else self._complain(found, self.seen - start)
            yield FaceWindow(start, self.seen, at_end, people, *fault)

    def complaint(self) -> Tuple[str, str]:
        """Say in status and reason what kept everybody, in all frames so far, from being used."""
        return self._complain(self._everybody, self.seen)

    def _track(self, pictures: Iterable[np.ndarray]) -> List[FaceTrack]:
        tracker = FaceTracker(self.detector, self.every, first_frame=self.seen)
        for picture in pictures:
            self.seen += 1
            with self.watch.timing('faces'):
                tracker.update(picture)
        with self.watch.timing('faces'):
            return tracker.finish()

    def _is_usable(self, track: FaceTrack) -> bool:
        return len(track) >= self.min_frames and track.side >= self.min_face

    def _complain(self, found: List[Tuple[int, float]], frames: int) -> Tuple[str, str]:
        """Status and reason, given frames and side of each track."""
        if frames < self.min_frames:
            return 'too-short', f'{frames} frames, a clip has at least {self.min_frames}'
        if not found:
            name = 'nobody' if self.detector is None else self.detector.name
            return 'no-face', f'{name} found no face in {frames} frames'
        sides = [side for length, side in found if length >= self.min_frames]
        if not sides:
            longest = max(length for length, _ in found)
            return (
                'too-short',
                f'no face is seen for longer than {longest} frames, a clip has at least '
                f'{self.min_frames}',
            )
        return (
            'face-too-small',
            f'the largest face is {max(sides):.0f} px, at least {self.min_face}',
        )
