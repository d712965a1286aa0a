"""The first pass over a video: whose face, and where in each frame."""

from __future__ import annotations

from dataclasses import dataclass

from mmfake.faces import FaceSearch, FaceTrack
from mmfake.stopwatch import Stopwatch
from mmfake.video import FrameReader

from .not_usable import NotUsable
from .settings import Settings


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


def find_person(filename: str, settings: Settings, watch: Stopwatch) -> Person:
    """Look for the person to crop: the longest x largest face of the first frames.

    Looked at are as many frames as a clip may have; if nobody is usable in them, the next as many,
    and so on to the end of the video.

    Args:
        filename (str): The video.
        settings (Settings): What is asked for.
        watch (Stopwatch): Adds up ``decode`` and ``faces``.

    Returns:
        Person: The person.

    Raises:
        NotUsable: If there is none.
        VideoError: If the video cannot be decoded so far.
    """
    search = FaceSearch(
        settings.build_detector(),
        watch,
        window=settings.frames,
        every=settings.every,
        min_frames=settings.min_frames,
        min_face=settings.min_face,
    )
    with FrameReader(filename) as reader:
        pictures = watch.each('decode', (frame.picture for frame in reader))
        for window in search.windows(pictures):
            if window.people:
                size = reader.width, reader.height
                return Person(window.people[0], window.stop, window.at_end, *size)
    raise NotUsable(*search.complaint())
