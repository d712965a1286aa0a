"""A track of one video continued in another that is longer."""

from __future__ import annotations

from typing import Iterable

import numpy as np

from .box_overlap import box_overlap
from .face_track import FaceTrack
from .interpolate import interpolate


def continue_track(
    track: FaceTrack, tails: Iterable[FaceTrack], min_iou: float = 0.3, max_gap: int = 15
) -> FaceTrack:
    """Append the track of the same person in the frames that the first video does not have.

    A manipulated video is cut out along the track of its target's original. If it has more frames,
    those are tracked in it::

        tracker = FaceTracker(detector, first_frame=frames_of_original)
        for picture in extra_frames:
            tracker.update(picture)
        track = continue_track(track, tracker.finish())

    Args:
        track (FaceTrack): Track of the original.
        tails (Iterable[FaceTrack]): Tracks of the extra frames. Frames are numbered from the
            beginning of the video in all tracks. A tail may begin before the end of the track; the
            track's own boxes count there.
        min_iou (float): Least overlap (intersection over union) of the end of the track with the
            tail. Defaults to 0.3.
        max_gap (int): Most frames between the track and the tail, which are interpolated.
            Defaults to 15: three detections, every 5 frames.

    Returns:
        FaceTrack: The track and the tail that overlaps best, of equal ones the first to begin. The
        track itself if none overlaps: the clip then ends with the frames both videos have.
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
