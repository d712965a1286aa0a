"""Making the clip of one video."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Dict, Iterable, Iterator, Optional, Tuple

import cv2
import numpy as np

from mmfake.console import Stopwatch
from mmfake.faces.crop import crop_square, square_boxes
from mmfake.faces.face_track import FaceTrack, smooth_track
from mmfake.files import remove_leftovers
from mmfake.video.frame_reader import Frame, FrameReader, VideoError

from ..clip_writer import write_clip
from .person_search import NotUsable, find_person, guided_track
from .settings import CLIP_FORMATS, Layout
from .video_job import VideoJob, clip_bytes


def prepare_video(job: VideoJob) -> Tuple[dict, Dict[str, float]]:
    """Do a job: find the face, write clip and boxes, and last of all the record."""
    cv2.setNumThreads(1)  # the processes are the parallelism
    watch = Stopwatch()
    inputs = job.inputs(job.read_record())
    for kind in (job.layout.clip, job.layout.track, job.layout.record):
        remove_leftovers(kind(job.video))
    # from here on the clip is another one, so what was known of the old one no longer holds
    _remove(job.layout.record(job.video))
    for other in CLIP_FORMATS:
        if other != job.settings.format:
            _remove(Layout(job.layout.root, other).clip(job.video))
    seen: Optional[dict] = None
    try:
        facts, seen = _make_clip(job, watch)
    except NotUsable as fault:
        facts = dict(status=fault.status, reason=fault.reason)
    except VideoError as error:
        facts = dict(status='decode-failed', reason=error.reason)
    if seen is None:
        _remove(job.layout.clip(job.video))
        _remove(job.layout.track(job.video))
    size = clip_bytes(job.layout.clip(job.video))
    record = dict(facts=facts, seen=seen, inputs=inputs, clip_bytes=size)
    job.write_record(record)
    return record, watch.seconds


def _make_clip(job: VideoJob, watch: Stopwatch) -> Tuple[dict, dict]:
    """Write clip and boxes."""
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
        )
    with FrameReader(job.video.filename) as reader, watch.timing('write'):
        fps = reader.fps
        pictures = _crops(watch.each('decode', reader), track, job)
        frames = write_clip(layout.clip(job.video), pictures, fps, job.settings.format)
        track.head(frames).save(layout.track(job.video))
    facts = dict(
        status='used',
        reason='',
        frames=str(frames),
        fps=f'{fps:.6g}',
        path=layout.relative(layout.clip(job.video)),
        track=layout.relative(layout.track(job.video)),
        track_of=tracked.video_id,
    )
    return facts, seen


def _crops(frames: Iterable[Frame], track: FaceTrack, job: VideoJob) -> Iterator[np.ndarray]:
    """Crop the frames in which the face is tracked."""
    settings = job.settings
    squares = square_boxes(smooth_track(track), settings.crop_margin)
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
