"""Annotated copy of a video: boxes, scores and a timeline burnt in."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import cv2
import numpy as np

from ..files import atomic_file, remove_leftovers
from ..video.mp4_file import frame_rate, write_mp4
from .sources import SoundFrames, copy_name, open_source
from .video_scan import VideoScan

_LONGEST_SIDE = 1280  # px of the copy: it is for looking at
_X264 = dict(crf='21', preset='veryfast')
# Okabe and Ito's, RGB, as in the figures; grey for what nobody judged
_COLORS = dict(manipulated=(213, 94, 0), original=(0, 114, 178))
_GREY, _WHITE, _BLACK = (150, 150, 150), (255, 255, 255), (0, 0, 0)


def annotate_video(
    scan: VideoScan, prediction: Dict[str, Any], threshold: float, folder: str, number: int
) -> str:
    """Write the copy: H.264, yuv420p, its index at the front, so that browsers play it.

    It has the frames that were read to judge, all of the original unless fewer were asked for, at a
    constant rate, at most 1280 px wide and high, and no sound.

    Args:
        scan (VideoScan): The video, scored.
        prediction (dict): Its prediction.
        threshold (float): From which probability on a clip is painted as manipulated.
        folder (str): Folder of the run.
        number (int): Number of the video in the run, which keeps names apart.

    Returns:
        str: The file, relative to the folder.

    Raises:
        MMFakeError: If it cannot be written.
    """
    name = copy_name(number, scan.name)
    remove_leftovers(Path(folder, name))
    painter = _Painter(scan, prediction, threshold)
    with open_source(scan.source, scan.name) as reader:
        rate = frame_rate(reader.fps)
        with atomic_file(Path(folder, name), 'the annotated video') as temporary:
            size = _even_size(reader.width, reader.height)
            pictures = painter.pictures(SoundFrames(reader), *size)
            # its index at the front, so that it plays before it is all there
            write_mp4(temporary, pictures, rate, _X264, dict(movflags='+faststart'))
    return name


def _even_size(width: int, height: int) -> Tuple[int, int]:
    """Width and height of the copy."""
    scale = min(1.0, _LONGEST_SIDE / max(width, height))
    wide, high = (max(2, 2 * round(side * scale / 2)) for side in (width, height))
    return wide, high


class _Painter:
    """Paints frames one after the other."""

    def __init__(self, scan: VideoScan, prediction: Dict[str, Any], threshold: float) -> None:
        self._segments, self._threshold = scan.segments, threshold
        self._people: List[Dict[str, Any]] = prediction['people']
        self._frames = max(1, prediction['metadata'].get('frames', 1))

    def pictures(self, frames: SoundFrames, width: int, height: int) -> Iterator[np.ndarray]:
        """Give the painted frames, (height, width, 3) uint8 RGB."""
        for number, frame in enumerate(islice(frames, self._frames)):
            picture = np.asarray(frame.picture)
            scale = np.array([width / picture.shape[1], height / picture.shape[0]])
            if picture.shape[:2] != (height, width):
                picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            picture = np.ascontiguousarray(picture)
            if not picture.flags.writeable:
                picture = picture.copy()
            self._paint_boxes(picture, number, scale)
            self._paint_timeline(picture, number)
            yield picture

    def _paint_boxes(self, picture: np.ndarray, number: int, scale: np.ndarray) -> None:
        thick = max(1, min(picture.shape[:2]) // 180)
        for person in self._people:
            score = self._score_at(person, number)
            label = f'{score:.2f} {self._verdict(score)}'
            if len(self._people) > 1:
                label = f'face {person["person"]}: {label}'
            for segment in self._segments:
                if segment.person != person['person'] or segment.squares is None:
                    continue
                if 0 <= number - segment.start < len(segment.squares):
                    square = segment.squares[number - segment.start].reshape(2, 2) * scale
                    (left, top), (right, bottom) = square.round().astype(int).tolist()
                    color = _COLORS[self._verdict(score)]
                    cv2.rectangle(picture, (left, top), (right, bottom), _WHITE, thick + 2)
                    cv2.rectangle(picture, (left, top), (right, bottom), color, thick)
                    _write(picture, label, max(left, 0), max(top, 0), color)
            if all(segment.squares is None for segment in self._segments):
                _write(picture, label, 0, 0, _COLORS[self._verdict(score)])

    def _paint_timeline(self, picture: np.ndarray, number: int) -> None:
        height, width = picture.shape[:2]
        high = max(8, height // 12)
        band = picture[height - high :]
        band[:] = band // 4 + 180  # pale, so that the bars stand out
        for clip in (clip for person in self._people for clip in person['clips']):
            left = int(clip['start_frame'] / self._frames * width)
            right = max(left + 1, int((clip['end_frame'] + 1) / self._frames * width) - 1)
            top = height - max(1, round(clip['score'] * high))
            color = _COLORS[self._verdict(clip['score'])]
            cv2.rectangle(picture, (left, top), (right, height), color, -1)
        level = height - round(self._threshold * high)
        cv2.line(picture, (0, level), (width, level), _BLACK, 1)
        here = int((number + 0.5) / self._frames * width)
        cv2.line(picture, (here, height - high), (here, height), _WHITE, 5)
        cv2.line(picture, (here, height - high), (here, height), _BLACK, 2)

    def _score_at(self, person: Dict[str, Any], number: int) -> float:
        """Score of the clip nearest in time."""

        def away(clip: Dict[str, Any]) -> int:
            return max(clip['start_frame'] - number, number - clip['end_frame'], 0)

        return min(person['clips'], key=away)['score']

    def _verdict(self, score: float) -> str:
        return 'manipulated' if score >= self._threshold else 'original'


def _write(
    picture: np.ndarray, text: str, left: int, top: int, color: Optional[Tuple[int, ...]] = _GREY
) -> None:
    """Write on a patch of colour, inside the picture."""
    scale = max(0.35, min(picture.shape[:2]) / 720)
    font, thick = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(1.5 * scale))
    (wide, high), base = cv2.getTextSize(text, font, scale, thick)
    left = max(0, min(left, picture.shape[1] - wide - 4))
    bottom = top + high + base + 2
    cv2.rectangle(picture, (left, top), (left + wide + 4, bottom + 2), color, -1)
    cv2.putText(picture, text, (left + 2, bottom - base), font, scale, _WHITE, thick, cv2.LINE_AA)
