"""Person search: the face track of an original, and of a fake along that of its original."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import Iterable, Optional

import numpy as np

from mmfake.console import Stopwatch
from mmfake.faces.face_track import FaceTrack, box_overlap, interpolate
from mmfake.faces.search import FaceSearch
from mmfake.faces.tracking import FaceTracker
from mmfake.video.frame_reader import FrameReader

from .settings import Settings
from .video_job import VideoJob


class NotUsable(Exception):
    """A video has no usable clip.

    Args:
        status (str): One of :data:`mmfake.datasets.protocol.STATUSES`.
        reason (str): More about it, in one line.
    """

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(status, reason)
        self.status, self.reason = status, reason


# ---- an original, or a fake by itself


@dataclass(frozen=True)
class Person:
    """The person a video is cropped to.

    Args:
        track (FaceTrack): Where the face is.
        frames_seen (int): Frames of the video that were looked at, from its first.
        at_end (bool): Whether that is all of the video.
        width (int): Width of the video, px.
        height (int): Its height, px.
        fps (float, optional): Its frames per s; None if the file does not say.
        claimed (int, optional): Frames that the file claims to have; None if it does not say.
    """

    track: FaceTrack
    frames_seen: int
    at_end: bool
    width: int
    height: int
    fps: Optional[float]
    claimed: Optional[int]


def find_person(filename: str, settings: Settings, watch: Stopwatch) -> Person:
    """Look for the person to crop: the longest x largest face of the first frames.

    Looked at are as many frames as a clip may have; if nobody is usable in them, the next as many,
    and so on to the end of the video.
    """
    search = FaceSearch(
        settings.load()[0],
        watch,
        window=settings.window,
        every=settings.every,
        min_frames=settings.min_frames,
        min_face=settings.min_face,
    )
    with FrameReader(filename) as reader:
        pictures = watch.each('decode', (frame.picture for frame in reader))
        for window in search.windows(pictures):
            if window.people:
                fps = reader.fps if reader.fps_known else None
                said = reader.width, reader.height, fps, reader.expected_frames
                return Person(window.people[0], window.stop, window.at_end, *said)
    raise NotUsable(*search.complaint())


# ---- a fake along the track of its original


def guided_track(job: VideoJob, watch: Stopwatch) -> Optional[FaceTrack]:
    """Get the boxes of the guide, fitted to the job's own video; None if they cannot be.

    Original and manipulation then differ by the manipulation alone, not by where a detector saw the
    face. They cannot be fitted to another shape or frame rate. Boxes are scaled if the video has
    another resolution. If the original ended before its clip was full and this video goes on, the
    rest is tracked here.
    """
    record = job.guide_record()
    if record is None:
        return None
    track = FaceTrack.load(job.layout.track(job.guide))
    seen = record['seen']
    with FrameReader(job.video.filename) as reader:
        scale = reader.height / seen['height']
        if abs(reader.width / seen['width'] - scale) > 0.01 * scale or not _in_step(reader, record):
            return None
        if scale != 1:
            points = None if track.points is None else track.points * scale
            track = replace(track, boxes=track.boxes * scale, points=points)
        room = job.settings.window - len(track.boxes)
        original_ended = seen['at_end'] and track.stop == seen['frames']
        goes_on = reader.expected_frames is None or reader.expected_frames > track.stop
        if room > 0 and original_ended and goes_on:
            track = _track_the_rest(job, reader, track, room, watch)
    return track


def _in_step(reader: FrameReader, record: dict) -> bool:
    """Whether a frame shows the moment that the frame of that number shows in the original.

    Not at another rate, unless there are exactly as many frames: such a fake was made frame by
    frame, and stored at a rate of its own. A fake at the same rate may be shorter or longer.
    """
    seen = record['seen']
    fps = seen.get('fps', float(record['facts']['fps']))  # earlier versions did not note it
    if not fps or not reader.fps_known or same_rate(fps, reader.fps):
        return True
    return reader.expected_frames is not None and reader.expected_frames == seen.get('claimed')


def same_rate(one: float, other: float) -> bool:
    """Tell whether frames per s differ by no more than rounding, as 29.97 and 30 do."""
    return abs(one - other) <= 0.01 * max(one, other)


def _track_the_rest(
    job: VideoJob, reader: FrameReader, track: FaceTrack, room: int, watch: Stopwatch
) -> FaceTrack:
    """Go on where the original ended."""
    pictures = watch.each('decode', (frame.picture for frame in reader))
    detector, _ = job.settings.load()
    tracker = FaceTracker(detector, job.settings.every, first_frame=track.stop)
    for picture in islice(pictures, track.stop, track.stop + room):
        with watch.timing('faces'):
            tracker.update(picture)
    return continue_track(track, tracker.finish())


def continue_track(
    track: FaceTrack, tails: Iterable[FaceTrack], min_iou: float = 0.3, max_gap: int = 15
) -> FaceTrack:
    """Append the track of the same person in the frames that the original does not have.

    Of the tails, the one is taken that overlaps the end of the track best (of equal ones the first
    to begin), at most ``max_gap`` frames later; those between are interpolated. Where both have a
    box the track's own counts. Without such a tail the track stays as it is.
    """
    best, best_overlap = None, 0.0
    for tail in sorted(tails, key=lambda tail: (tail.start, *tail.boxes[0].tolist())):
        if tail.start > track.stop + max_gap or tail.stop <= track.stop:
            continue
        meeting = max(track.stop - 1, tail.start)  # the frame in which the two are compared
        box = tail.boxes[meeting - tail.start]
        overlap = box_overlap(track.boxes[-1:], box[None])[0, 0]
        if overlap >= min_iou and overlap > best_overlap:
            best, best_overlap = tail, overlap
    return track if best is None else _join(track, best)


def _join(track: FaceTrack, tail: FaceTrack) -> FaceTrack:
    """Join two tracks of one person, with boxes in between."""
    new = max(track.stop - tail.start, 0)  # frames of the tail that the track has too
    first = tail.start + new
    frames = [*range(track.start, track.stop), *range(first, tail.stop)]

    def filled(name: str) -> np.ndarray:
        known = np.concatenate([getattr(track, name), getattr(tail, name)[new:]])
        return interpolate(frames, known)

    gap = np.zeros(first - track.stop, bool)
    points = None if track.points is None or tail.points is None else filled('points')
    return FaceTrack(
        start=track.start,
        boxes=filled('boxes'),
        scores=filled('scores'),
        detected=np.concatenate([track.detected, gap, tail.detected[new:]]),
        points=points,
    )
