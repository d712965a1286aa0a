"""Clip of one video: find the face, cut it out, write clip, track and record."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Dict, Iterable, Iterator, Optional, Tuple

import cv2
import numpy as np

from mmfake.console import Stopwatch
from mmfake.datasets.manipulations import ORIGINAL
from mmfake.faces.clip_points import points_in_clip, write_points
from mmfake.faces.crop import crop_square, square_boxes
from mmfake.faces.face_track import FaceTrack, smooth_track
from mmfake.files import remove_leftovers
from mmfake.video.frame_reader import Frame, FrameReader, VideoError

from ..clip_writer import write_clip
from .person_search import NotUsable, find_person, guided_track
from .settings import CLIP_FORMATS, Layout
from .video_job import VideoJob, clip_bytes, file_hash


def prepare_video(job: VideoJob) -> Tuple[dict, Dict[str, float]]:
    """Do a job; gives the record, and the seconds spent on ``decode``, ``faces`` and ``write``.

    Raises:
        FileNotFoundError: If the raw file is not there, or goes away meanwhile.
        MMFakeError: If something cannot be written.
    """
    cv2.setNumThreads(1)  # the processes are the parallelism
    watch = Stopwatch()
    inputs = job.inputs(job.read_record())
    # Clear the way: leftovers of killed processes, then what is known of an older clip, which is
    # another one from here on, and clips of other formats.
    for kind in (job.layout.clip, job.layout.track, job.layout.points, job.layout.record):
        remove_leftovers(kind(job.video))
    _remove(job.layout.record(job.video))
    for other in CLIP_FORMATS:
        if other != job.settings.format:
            _remove(Layout(job.layout.root, other).clip(job.video))
    # Make the clip, or learn why there is none.
    seen: Optional[dict] = None
    try:
        facts, seen = _make_clip(job, watch)
    except NotUsable as fault:
        facts = dict(status=fault.status, reason=fault.reason)
    except VideoError as error:
        if not Path(job.video.filename).is_file():  # no fault of the video: it may come back
            raise FileNotFoundError(error.reason) from None
        facts = dict(status='decode-failed', reason=error.reason)
    # Write the record last: with it the video is finished.
    if seen is None:
        _remove(job.layout.clip(job.video))
        _remove(job.layout.track(job.video))
        _remove(job.layout.points(job.video))
    size = clip_bytes(job.layout.clip(job.video))
    record = dict(facts=facts, seen=seen, inputs=inputs, clip_bytes=size)
    job.write_record(record)
    return record, watch.seconds


def _make_clip(job: VideoJob, watch: Stopwatch) -> Tuple[dict, dict]:
    """Write clip and boxes; gives a part of the index row, and what the fakes need to know."""
    layout, seen = job.layout, {}
    track, tracked = guided_track(job, watch), job.guide
    if track is None:
        person, tracked = find_person(job.video.filename, job.settings, watch), job.video
        track = person.track
        seen = dict(
            frames=person.frames_seen,
            at_end=person.at_end,
            width=person.width,
            height=person.height,
            fps=person.fps,
            claimed=person.claimed,
        )
    with FrameReader(job.video.filename) as reader, watch.timing('write'):
        fps = reader.fps
        pictures = _crops(watch.each('decode', _frames(reader)), track, job)
        settings = job.settings
        place = layout.clip(job.video)
        frames = write_clip(place, pictures, fps, settings.format, settings.encoder)
        track = track.head(frames)
        track.save(layout.track(job.video))
    facts = dict(
        status='used',
        reason='',
        frames=str(frames),
        fps=f'{fps:.6g}',
        path=layout.relative(layout.clip(job.video)),
        track=layout.relative(layout.track(job.video)),
        track_of=tracked.video_id,
        clip_hash=file_hash(layout.clip(job.video)),
    )
    # forgeries are made of originals alone
    if job.video.method == ORIGINAL and track.points is not None:
        place = layout.points(job.video)
        write_points(place, points_in_clip(track, job.settings.load()[1], job.settings.size))
        facts['points'] = layout.relative(place)
    return facts, seen


def _frames(reader: FrameReader) -> Iterator[Frame]:
    """Read frames; a fault of the disk is one of the raw file, not of the clip being written."""
    try:
        yield from reader
    except OSError as error:
        raise VideoError(reader.path, f'cannot be read ({error.strerror or error})') from None


def _crops(frames: Iterable[Frame], track: FaceTrack, job: VideoJob) -> Iterator[np.ndarray]:
    """Crop the frames in which the face is tracked; NotUsable in the end if they are too few."""
    settings = job.settings
    squares = square_boxes(smooth_track(track), settings.load()[1])
    made = 0
    for number, frame in enumerate(frames):
        if number >= track.start:
            yield crop_square(frame.picture, squares[made], settings.size)
            made += 1
            if made == len(squares):
                return
    if made < settings.min_frames:
        raise NotUsable(
            'too-short',
            f'{made} frames lie within the face track of {len(squares)}, '
            f'a clip has at least {settings.min_frames}',
        )


def _remove(place: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if place.is_dir():
        shutil.rmtree(place)
    elif place.exists():
        place.unlink()
