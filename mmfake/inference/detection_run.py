"""Scoring of several videos: clips judged in batches across them, and a progress bar."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from typing import Any, Callable, Dict, Generator, Iterable, Iterator, List, Optional, Tuple

import torch
from av.error import FFmpegError

from ..console import ProgressBar
from ..errors import MMFakeError
from .ahead import Ahead
from .annotated_video import annotate_video
from .clip_pipeline import Clip
from .decision import Decision
from .detector import Detector
from .evidence import Saliency, make_strips
from .results import JudgedVideo
from .video_scan import VideoScan
from .video_tally import VideoTally

_AHEAD = 8  # clips that wait for the model, of at most 3 MB each at full size


def score_videos(
    scans: Iterable[VideoScan], model: Detector, batch_size: int
) -> Generator[VideoTally, None, None]:
    """Score videos, one decoded after the other, clips judged in batches across them.

    The videos are decoded, searched and cut in a thread of its own while the model judges.

    Yields:
        VideoTally: Each video once it is complete, in the order of the videos.
    """
    unfinished: List[VideoTally] = []
    queue: List[Tuple[VideoTally, Clip]] = []
    stopped = Event()
    with Ahead(_scanned(scans, stopped), _AHEAD, stopped) as ahead:
        for scan, clip in ahead:
            if not unfinished or unfinished[-1].scan is not scan:
                unfinished.append(VideoTally(scan))
            tally = unfinished[-1]
            if clip is None:
                tally.cut = True
                yield from _complete(unfinished)
                continue
            tally.waiting += 1
            queue.append((tally, clip))
            if len(queue) == batch_size:
                _judge(queue, model)
                queue = []
                # now, not after a long video, in which they could be lost
                yield from _complete(unfinished)
    if queue:
        _judge(queue, model)
    yield from unfinished


def _scanned(
    scans: Iterable[VideoScan], stopped: Event
) -> Iterator[Tuple[VideoScan, Optional[Clip]]]:
    """The clips of each video, and None at its end."""
    for scan in scans:
        for clip in scan.clips(stopped):
            yield scan, clip
            del clip  # or it would live on while the next one is cut
        yield scan, None


def _complete(unfinished: List[VideoTally]) -> Iterator[VideoTally]:
    """Take out those that are complete, in the order of the videos."""
    while unfinished and unfinished[0].complete:
        yield unfinished.pop(0)


def _judge(queue: List[Tuple[VideoTally, Clip]], model: Detector) -> None:
    start = time.perf_counter()
    scores = model.score(torch.stack([clip.inputs for _, clip in queue]))
    share = (time.perf_counter() - start) / len(queue)
    for place, (tally, clip) in enumerate(queue):
        tally.add(clip, *(None if part is None else part[place] for part in scores))
        tally.model_seconds += share


def finish_video(
    tally: VideoTally,
    model: Detector,
    decision: Decision,
    saliency: Optional[Saliency],
    number: int,
    copies: str,
) -> JudgedVideo:
    """Decide, picture the extreme clips, and write the copy with boxes of a scored video.

    Args:
        tally (VideoTally): The video, complete.
        model (Detector): The detector.
        decision (Decision): The threshold.
        saliency (Saliency, optional): What pictures the clips; None for no pictures.
        number (int): Number of the video in the run.
        copies (str): Folder of the run for the copy; empty for none.

    Returns:
        JudgedVideo: Prediction and pictures.
    """
    prediction: Dict[str, Any] = tally.result(model, decision)
    if not prediction['people']:
        return JudgedVideo(prediction, [])
    strips = [] if saliency is None else make_strips(tally, saliency, decision)
    if copies:
        try:
            prediction['annotated'] = annotate_video(
                tally.scan, prediction, decision.threshold, copies, number
            )
        except (MMFakeError, FFmpegError, OSError) as error:  # it must not cost the results
            prediction['warnings'].append(f'no copy with boxes: {error}')
    return JudgedVideo(prediction, strips)


_LINES = 10  # of a run without a terminal


@contextmanager
def video_progress(
    total: int, before: int, shown: bool, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr; where that is no terminal, a line after each tenth of the videos.

    Args:
        total (int): Number of videos.
        before (int): How many of them an interrupted run has judged.
        shown (bool): Whether to show anything.
        clock (Callable): Tells the time, s. Defaults to ``time.monotonic``.

    Yields:
        Callable: To be called after each further video with how many there were.
    """
    if not shown:
        yield lambda further: None
        return
    begun, done = clock(), before

    def time_left() -> str:
        if done == before:
            return '?'
        left = (clock() - begun) / (done - before) * (total - done)
        return str(timedelta(seconds=round(left)))

    def advance(further: int) -> None:
        nonlocal done
        last, done = done, before + further
        bar.update(task, completed=done, description=f'videos, {time_left()} left')
        is_tenth = done * _LINES // total > last * _LINES // total
        if bar.disable and total > 1 and is_tenth:
            bar.console.print(f'{done} of {total} videos, {time_left()} left')

    bar = ProgressBar()
    task = bar.add_task('videos, ? left', total=total, completed=before)
    with bar:
        yield advance
