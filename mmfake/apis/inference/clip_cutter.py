"""The second pass over a video: cutting the clips out."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Sequence

import numpy as np

from ...faces import crop_square
from ...video import Frame
from .clip import Clip, Segment
from .clip_pipeline import ClipPipeline


def cut_clips(
    frames: Iterable[Frame],
    segments: Sequence[Segment],
    pipeline: ClipPipeline,
    size: int,
    fps: float,
) -> Iterator[Clip]:
    """Cut clips out of a video while its frames pass by.

    Only frames shrunk to the size of the clips are kept, and those of a segment only until its
    last clip is made.

    Args:
        frames (Iterable[Frame]): All frames of the video.
        segments (Sequence[Segment]): What to cut out; they may overlap in time.
        pipeline (ClipPipeline): Shapes the frames.
        size (int): Side of a face crop before it is shaped, px.
        fps (float): Frames per s, for the end of the last frame.

    Yields:
        Clip: The clips of each segment together, segments by the end of their last clip.
    """
    waiting = [_Cutting(number, segment) for number, segment in enumerate(segments)]
    for number, frame in enumerate(frames):
        for cutting in waiting:
            cutting.take(number, frame, pipeline, size)
        done = [cutting for cutting in waiting if cutting.last <= number]
        waiting = [cutting for cutting in waiting if cutting.last > number]
        for cutting in done:
            yield from cutting.clips(pipeline, fps)
        if not waiting:
            return


class _Cutting:
    """A segment whose clips are being made."""

    def __init__(self, number: int, segment: Segment) -> None:
        self.number, self.segment = number, segment
        self.needed = set((segment.frames + segment.start).ravel().tolist())
        self.last = max(self.needed)
        self._pictures: Dict[int, np.ndarray] = {}
        self._times: Dict[int, float] = {}

    def take(self, number: int, frame: Frame, pipeline: ClipPipeline, size: int) -> None:
        """Keep a frame of the video if a clip needs it."""
        if number not in self.needed:
            return
        picture, squares = frame.picture, self.segment.squares
        if squares is not None:
            picture = crop_square(picture, squares[number - self.segment.start], size)
        self._pictures[number] = pipeline.shrink(picture)
        self._times[number] = frame.time

    def clips(self, pipeline: ClipPipeline, fps: float) -> Iterator[Clip]:
        """Make the clips."""
        numbers: np.ndarray = self.segment.frames + self.segment.start  # (clips, clip_len)
        pictures: List[np.ndarray] = [self._pictures[number] for number in numbers.ravel().tolist()]
        inputs = pipeline.pack(pictures, len(numbers))
        for clip, tensor in zip(numbers, inputs):
            first, last = int(clip[0]), int(clip[-1])
            start, end = self._times[first], self._times[last] + 1 / fps
            yield Clip(self.segment.person, self.number, first, last, start, end, tensor.clone())
