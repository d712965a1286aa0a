"""The first pass over a video: whose face, and where in each frame."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Iterable, List

import numpy as np

from mmfake.faces import FaceTrack, FaceTracker, choose_person
from mmfake.video import FrameReader

from .not_usable import NotUsable
from .settings import Settings
from .stopwatch import Stopwatch


@dataclass(frozen=True)
class Person:
    """The person a video is cropped to.

    Args:
        track (FaceTrack): Where the face is.
        frames_seen (int): Frames of the video that were looked at, from its first.
        at_end (bool): Whether that is all of the video.
        width (int): Width of the video, px.
        height (int): Its height, px.
    """

    track: FaceTrack
    frames_seen: int
    at_end: bool
    width: int
    height: int


def find_tracks(
    pictures: Iterable[np.ndarray], first: int, settings: Settings, watch: Stopwatch
) -> List[FaceTrack]:
    """Track the faces in some frames.

    Args:
        pictures (Iterable[np.ndarray]): (H, W, 3) uint8 RGB.
        first (int): Number of the first of them in the video.
        settings (Settings): With which detector, and how often.
        watch (Stopwatch): Adds up ``detect``.

    Returns:
        list[FaceTrack]: With frame numbers of the video.
    """
    tracker = FaceTracker(settings.build_detector(), settings.every, first_frame=first)
    for picture in pictures:
        with watch.timing('detect'):
            tracker.update(picture)
    with watch.timing('detect'):
        return tracker.finish()


def find_person(filename: str, settings: Settings, watch: Stopwatch) -> Person:
    """Look for the person to crop: the longest x largest face of the first frames.

    Looked at are as many frames as a clip may have; if nobody is usable in them, the next as many,
    and so on to the end of the video.

    Args:
        filename (str): The video.
        settings (Settings): What is asked for.
        watch (Stopwatch): Adds up ``decode`` and ``detect``.

    Returns:
        Person: The person.

    Raises:
        NotUsable: If there is none.
        VideoError: If the video cannot be decoded so far.
    """
    everybody: List[FaceTrack] = []
    with FrameReader(filename) as reader:
        pictures = watch.each('decode', (frame.picture for frame in reader))
        seen = 0
        while True:
            counted = _Counted(islice(pictures, settings.frames))
            tracks = find_tracks(counted, seen, settings, watch)
            seen += counted.count
            at_end = counted.count < settings.frames
            everybody += tracks
            person = choose_person([track for track in tracks if _is_usable(track, settings)])
            if person is not None:
                return Person(person, seen, at_end, reader.width, reader.height)
            if at_end:
                raise _complaint(everybody, seen, settings)


class _Counted:
    """An iterable that knows how many it gave."""

    def __init__(self, items: Iterable[np.ndarray]) -> None:
        self.items, self.count = items, 0

    def __iter__(self):
        for item in self.items:
            self.count += 1
            yield item


def _is_usable(track: FaceTrack, settings: Settings) -> bool:
    return len(track.boxes) >= settings.min_frames and track.side >= settings.min_face


def _complaint(tracks: List[FaceTrack], seen: int, settings: Settings) -> NotUsable:
    """Say what kept the best of nobody from being used."""
    if seen < settings.min_frames:
        return NotUsable(
            'too-short', f'the video has {seen} frames, a clip at least {settings.min_frames}'
        )
    if not tracks:
        return NotUsable('no-face', f'{settings.detector} found no face in {seen} frames')
    long_ones = [track for track in tracks if len(track.boxes) >= settings.min_frames]
    if not long_ones:
        longest = max(len(track.boxes) for track in tracks)
        return NotUsable(
            'too-short',
            f'no face is seen for longer than {longest} frames, a clip has at least '
            f'{settings.min_frames}',
        )
    largest = max(track.side for track in long_ones)
    return NotUsable(
        'face-too-small', f'the largest face is {largest:.0f} px, at least {settings.min_face}'
    )
