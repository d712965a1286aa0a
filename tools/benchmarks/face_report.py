"""Tables of what the face detectors did."""

from __future__ import annotations

import io
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np
from face_measurement import VideoMeasurement
from rich import box
from rich.console import Console
from rich.table import Table

from mmfake.faces.detectors import FaceDetector, Faces
from mmfake.faces.face_track import box_overlap

_AGREED = 0.4  # intersection over union; dlib's boxes are shorter than those of the others
_REPLICATES = 2000
_REFERENCE = 'centerface 320'


def write_report(
    videos: List[VideoMeasurement], detectors: Dict[str, FaceDetector], every: int, seed: int
) -> str:
    """Lay out all measurements.

    Args:
        videos (list[VideoMeasurement]): One for each video.
        detectors (dict[str, FaceDetector]): By the names used in them.
        every (int): Frames between the detections of the tracks in the first table.
        seed (int): Seed of the bootstrap.

    Returns:
        str: Markdown, aligned.
    """
    agreed = [[_agreed(video, frame) for frame in range(video.frames)] for video in videos]
    known = sum(truth is not None for video in agreed for truth in video)
    frames = sum(video.frames for video in videos)

    def cell(values: Callable[[VideoMeasurement], float], form: str) -> str:
        return _interval([values(video) for video in videos], form, seed)

    first = _table('detector', 'found', 'recall', 'jitter raw', f'every {every}', 'ms', 'x')
    for name in detectors:
        recalls = [_recall(video.faces[name], truth) for video, truth in zip(videos, agreed)]
        first.add_row(
            name,
            cell(lambda v, n=name: np.mean([len(f.boxes) > 0 for f in v.faces[n]]), '.3f'),
            _interval(recalls, '.3f', seed),
            cell(lambda v, n=name: _jitter(_raw(v, n)), '.2f'),
            cell(lambda v, n=name: _jitter(_tracked(v, n, every)), '.3f'),
            f'{1000 * np.median(np.concatenate([video.seconds[name] for video in videos])):.1f}',
            cell(lambda v, n=name: _ratio(v, n), '.2f'),
        )
    second = _table('track of centerface 320', 'jitter', 'away, median', 'away, 95 %')
    for k in sorted({k for _, k in videos[0].tracks}):
        second.add_row(
            f'every {k}',
            cell(lambda v, k=k: _jitter(_tracked(v, _REFERENCE, k)), '.3f'),
            cell(lambda v, k=k: _away(v, k, 50), '.2f'),
            cell(lambda v, k=k: _away(v, k, 95), '.2f'),
        )
    decode, cuts = (
        1000 * np.median(np.concatenate([getattr(video, part) for video in videos]))
        for part in ('decode', 'cuts')
    )
    return '\n\n'.join(
        [
            f'n = {len(videos)} videos, {frames} frames, {known} with an agreed face; 95 % '
            f'intervals, seed {seed}; OpenCV {cv2.__version__}, {cv2.getNumThreads()} threads\n'
            + '\n'.join(f'- {name}: {detector.version}' for name, detector in detectors.items()),
            _text(first),
            _text(second),
            f'per frame: decode {decode:.2f} ms, look for a cut {cuts:.2f} ms',
        ]
    )


def _agreed(video: VideoMeasurement, frame: int) -> Optional[np.ndarray]:
    """The largest face that two kinds of detector see, (4,); the sizes of one are one kind."""
    best, largest = None, 0.0
    kinds = [name for name in video.faces if name == _REFERENCE or 'centerface' not in name]
    for name in kinds:
        others = [video.faces[other][frame].boxes for other in kinds if other != name]
        for found in video.faces[name][frame].boxes:
            side = float((found[2:] - found[:2]).max())
            if side > largest and any(_hits(boxes, found) for boxes in others):
                best, largest = found, side
    return best


def _hits(boxes: np.ndarray, wanted: np.ndarray) -> bool:
    return bool((box_overlap(boxes, wanted[None]) >= _AGREED).any())


def _recall(faces: Sequence[Faces], agreed: Sequence[Optional[np.ndarray]]) -> float:
    pairs = [(found.boxes, truth) for found, truth in zip(faces, agreed) if truth is not None]
    return float(np.mean([_hits(*pair) for pair in pairs])) if pairs else np.nan


def _raw(video: VideoMeasurement, name: str) -> np.ndarray:
    """The largest box of each frame, (T, 4); NaN where there is none."""
    boxes = np.full((video.frames, 4), np.nan)
    for frame, found in enumerate(video.faces[name]):
        if len(found.boxes):
            boxes[frame] = max(found.boxes, key=lambda box: (box[2:] - box[:2]).max())
    return boxes


def _tracked(video: VideoMeasurement, name: str, every: int) -> np.ndarray:
    boxes, track = np.full((video.frames, 4), np.nan), video.tracks[name, every]
    if track is not None:
        boxes[track.start : track.stop] = track.boxes
    return boxes


def _centre_and_side(boxes: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    return (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(axis=1)


def _jitter(boxes: np.ndarray) -> float:
    """Mean second difference of the centre, % of the side: steady motion is none."""
    centre, side = _centre_and_side(boxes)
    jerks = np.linalg.norm(np.diff(centre, n=2, axis=0), axis=1) / side[1:-1]
    return 100 * float(np.mean(jerks[np.isfinite(jerks)])) if np.isfinite(jerks).any() else np.nan


def _away(video: VideoMeasurement, every: int, percentile: float) -> float:
    centre, side = _centre_and_side(_raw(video, _REFERENCE))
    tracked, _ = _centre_and_side(_tracked(video, _REFERENCE, every))
    away = np.linalg.norm(tracked - centre, axis=1) / side
    away = away[np.isfinite(away)]
    return 100 * float(np.percentile(away, percentile)) if len(away) else np.nan


def _ratio(video: VideoMeasurement, name: str) -> float:
    return float(np.median(np.divide(video.seconds[name], video.seconds[_REFERENCE])))


def _interval(values: Sequence[float], form: str, seed: int) -> str:
    """Mean over the videos with its percentile bootstrap interval."""
    known = np.array([value for value in values if np.isfinite(value)])
    if not len(known):
        return '-'
    draws = np.random.default_rng(seed).integers(len(known), size=(_REPLICATES, len(known)))
    low, high = np.quantile(known[draws].mean(axis=1), [0.025, 0.975])
    return f'{known.mean():{form}} [{low:{form}}, {high:{form}}]'


def _table(first: str, *others: str) -> Table:
    table = Table(box=box.MARKDOWN)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify='right')
    return table


def _text(table: Table) -> str:
    console = Console(
        file=io.StringIO(), width=500, color_system=None, markup=False, emoji=False, highlight=False
    )
    console.print(table)
    lines = [line.rstrip() for line in console.file.getvalue().splitlines()]
    return '\n'.join(line for line in lines if line)
