"""Cropping a manipulated video where the face of its target original is."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Optional

from mmfake.faces import FaceTrack, FaceTracker, continue_track
from mmfake.stopwatch import Stopwatch
from mmfake.video import FrameReader

from .video_job import VideoJob


def guided_track(job: VideoJob, watch: Stopwatch) -> Optional[FaceTrack]:
    """Get the boxes of the guide, fitted to the job's own video.

    Original and manipulation then differ by the manipulation alone, not by where a detector saw
    the face. Boxes are scaled if the video has another resolution. If the original ended before
    its clip was full and this video goes on, the rest is tracked here.

    Args:
        job (VideoJob): The job.
        watch (Stopwatch): Adds up ``decode`` and ``faces``.

    Returns:
        FaceTrack | None: None without a usable guide, or if the pictures have another shape.

    Raises:
        VideoError: If the video cannot be decoded.
        MMFakeError: If the boxes of the guide cannot be read.
    """
    record = job.guide_record()
    if record is None:
        return None
    track = FaceTrack.load(job.layout.track(job.guide))
    seen = record['seen']
    with FrameReader(job.video.filename) as reader:
        scale = reader.height / seen['height']
        if abs(reader.width / seen['width'] - scale) > 0.01 * scale:
            return None
        if scale != 1:
            points = None if track.points is None else track.points * scale
            track = replace(track, boxes=track.boxes * scale, points=points)
        room = job.settings.frames - len(track.boxes)
        original_ended = seen['at_end'] and track.stop == seen['frames']
        goes_on = reader.expected_frames is None or reader.expected_frames > track.stop
        if room > 0 and original_ended and goes_on:
            track = _track_the_rest(job, reader, track, room, watch)
    return track


def _track_the_rest(
    job: VideoJob, reader: FrameReader, track: FaceTrack, room: int, watch: Stopwatch
) -> FaceTrack:
    """Go on where the original ended."""
    pictures = watch.each('decode', (frame.picture for frame in reader))
    tracker = FaceTracker(job.settings.build_detector(), job.settings.every, first_frame=track.stop)
    for picture in islice(pictures, track.stop, track.stop + room):
        with watch.timing('faces'):
            tracker.update(picture)
    return continue_track(track, tracker.finish())
