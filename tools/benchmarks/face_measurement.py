"""What all detectors find in one video, frame by frame, and how long they take."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Dict, List, Optional, Sequence, Tuple

import av
import numpy as np

from mmfake.errors import MMFakeError
from mmfake.faces.detectors import FaceDetector, Faces
from mmfake.faces.face_track import FaceTrack, choose_person, smooth_track
from mmfake.faces.tracking import CutFinder, FaceTracker


@dataclass
class VideoMeasurement:
    """One video.

    Attributes:
        frames (int): How many were decoded.
        decode (list[float]): Seconds for each frame, to RGB.
        cuts (list[float]): Seconds to look for a cut before each frame.
        seconds (dict[str, list[float]]): Seconds to detect, by detector.
        faces (dict[str, list[Faces]]): What was found, by detector.
        tracks (dict[tuple[str, int], FaceTrack | None]): The smoothed track of the most prominent
            person, by detector and frames between detections.
    """

    frames: int = 0
    decode: List[float] = field(default_factory=list)
    cuts: List[float] = field(default_factory=list)
    seconds: Dict[str, List[float]] = field(default_factory=dict)
    faces: Dict[str, List[Faces]] = field(default_factory=dict)
    tracks: Dict[Tuple[str, int], Optional[FaceTrack]] = field(default_factory=dict)


class _Recorded(FaceDetector):
    """Gives a tracker what the detector found in the last two pictures, without doing it again."""

    name, version = 'recorded', ''

    def __init__(self):
        self.latest: List[Tuple[np.ndarray, Faces]] = []

    def record(self, picture: np.ndarray, faces: Faces) -> None:
        self.latest = [*self.latest[-1:], (picture, faces)]

    def detect(self, picture: np.ndarray) -> Faces:  # of _find the picture may be a copy
        return next(faces for seen, faces in self.latest if seen is picture)

    _find = detect


def measure_video(
    path: Path, detectors: Dict[str, FaceDetector], every: Sequence[int]
) -> VideoMeasurement:
    """Run all detectors over all frames of a video.

    Args:
        path (Path): The video.
        detectors (dict[str, FaceDetector]): By the name they get in the report.
        every (Sequence[int]): Frames between detections, of the tracks.

    Returns:
        VideoMeasurement: Holds no pictures.

    Raises:
        MMFakeError: If it cannot be decoded.
    """
    video, names, finder = VideoMeasurement(), list(detectors), CutFinder()
    video.seconds, video.faces = {name: [] for name in names}, {name: [] for name in names}
    recorded = {name: _Recorded() for name in names}
    trackers = {(name, k): FaceTracker(recorded[name], every=k) for name in names for k in every}
    try:
        with av.open(str(path)) as container:
            begun = perf_counter()
            for frame in container.decode(video=0):
                picture = frame.to_ndarray(format='rgb24')
                video.decode.append(perf_counter() - begun)
                begun = perf_counter()
                finder.update(picture)
                video.cuts.append(perf_counter() - begun)
                turn = video.frames % len(names)
                for name in names[turn:] + names[:turn]:
                    begun = perf_counter()
                    faces = detectors[name].detect(picture)
                    video.seconds[name].append(perf_counter() - begun)
                    video.faces[name].append(faces)
                    recorded[name].record(picture, faces)
                for tracker in trackers.values():
                    tracker.update(picture)
                video.frames += 1
                begun = perf_counter()
    except av.error.FFmpegError as error:
        raise MMFakeError(f'{path}: cannot be decoded ({error}); remove or replace it') from None
    for key, tracker in trackers.items():
        person = choose_person(tracker.finish())
        video.tracks[key] = person if person is None else smooth_track(person)
    return video
