"""Many videos through one model, clips of all of them in common batches."""

from __future__ import annotations

import time
from typing import Callable, Iterable, Iterator, List, Tuple

import torch

from .clip import Clip
from .trained_model import TrainedModel
from .video_scan import VideoScan
from .video_tally import VideoTally


def score_videos(
    scans: Iterable[VideoScan],
    model: TrainedModel,
    batch_size: int,
    started: Callable[[VideoScan], None] = lambda scan: None,
) -> Iterator[VideoTally]:
    """Score videos, one decoded after the other, clips judged in batches across them.

    Args:
        scans (Iterable[VideoScan]): The videos.
        model (TrainedModel): The detector.
        batch_size (int): Clips judged at once.
        started (Callable): Called with each video before it is read. Defaults to nothing.

    Yields:
        VideoTally: Each video once it is complete, in the order of the videos.
    """
    unfinished: List[VideoTally] = []
    queue: List[Tuple[VideoTally, Clip]] = []
    for scan in scans:
        started(scan)
        tally = VideoTally(scan)
        unfinished.append(tally)
        for clip in scan.clips():
            tally.waiting += 1
            queue.append((tally, clip))
            if len(queue) == batch_size:
                _judge(queue, model)
                queue = []
                # now, not after a long video, in which they could be lost
                yield from _complete(unfinished)
        tally.cut = True
        yield from _complete(unfinished)
    if queue:
        _judge(queue, model)
    yield from unfinished


def _complete(unfinished: List[VideoTally]) -> Iterator[VideoTally]:
    """Take out those that are complete, in the order of the videos."""
    while unfinished and unfinished[0].complete:
        yield unfinished.pop(0)


def _judge(queue: List[Tuple[VideoTally, Clip]], model: TrainedModel) -> None:
    start = time.perf_counter()
    scores = model.score(torch.stack([clip.inputs for _, clip in queue]))
    share = (time.perf_counter() - start) / len(queue)
    for place, (tally, clip) in enumerate(queue):
        family = None if scores.family is None else scores.family[place]
        tally.add(clip, scores.logits[place], family)
        tally.model_seconds += share
