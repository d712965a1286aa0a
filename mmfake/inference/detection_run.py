"""From the names of videos to their predictions."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import torch
from av.error import FFmpegError

from ..console import ProgressBar
from ..errors import MMFakeError
from .annotated_video import annotate_video
from .clip_pipeline import Clip
from .evidence import Saliency, make_strips
from .results import JudgedVideo, RunJournal, stamp_of
from .sources import Source
from .trained_model import Decision, TrainedModel
from .video_scan import VideoScan, VideoTally

_LOGGER = logging.getLogger(__name__)


class RunListener:
    """Hears what a run has to say; this one hands predictions on and logs notes.

    Args:
        finished (Callable): Called with each prediction. Defaults to nothing.
    """

    def __init__(
        self, finished: Callable[[Dict[str, Any]], None] = lambda prediction: None
    ) -> None:
        self._finished = finished

    def __call__(self, prediction: Dict[str, Any]) -> None:
        """Hear of a video that is finished, now or in the run that this one goes on with."""
        self._finished(prediction)

    def begin(self, total: int, before: int) -> None:
        """Hear how much there is to do, before the first video.

        Args:
            total (int): Number of videos.
            before (int): How many of them an interrupted run has judged.
        """

    def note(self, text: str) -> None:
        """Hear what a user should know.

        Args:
            text (str): One line.
        """
        _LOGGER.warning(text)


_LINES = 10  # of a run without a terminal


class TerminalProgress(RunListener):
    """A bar on stderr; where that is no terminal, a line after each tenth of the videos.

    Args:
        finished (Callable): Called with each prediction.
        note (Callable): Called with each note.
        clock (Callable): Tells the time, s. Defaults to ``time.monotonic``.
    """

    def __init__(
        self,
        finished: Callable[[Dict[str, Any]], None],
        note: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(finished)
        self._note, self._clock, self._begun = note, clock, clock()
        self._total = self._before = self._done = 0
        self._bar = ProgressBar()
        self._task = self._bar.add_task('', total=None, visible=False)

    def __enter__(self) -> TerminalProgress:
        self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        self._bar.stop()

    def __call__(self, prediction: Dict[str, Any]) -> None:
        """Note that a video is finished."""
        super().__call__(prediction)
        self._done += 1
        self._show()
        tenth = self._done * _LINES // self._total
        if self._done <= self._before or tenth == (self._done - 1) * _LINES // self._total:
            return
        if self._bar.disable and self._total > 1:
            self._bar.console.print(
                f'{self._done} of {self._total} videos, {self.time_left()} left'
            )

    def begin(self, total: int, before: int) -> None:
        """Note how much there is to do."""
        self._total, self._before, self._begun = total, before, self._clock()
        self._show()

    def note(self, text: str) -> None:
        """Print a note."""
        self._note(text)

    def time_left(self) -> str:
        """Estimate the time left from the videos that this run has judged.

        Returns:
            str: Such as ``'0:01:20'``, ``'?'`` before the first.
        """
        judged = self._done - self._before
        if judged < 1:
            return '?'
        left = (self._clock() - self._begun) / judged * (self._total - self._done)
        return str(timedelta(seconds=round(left)))

    def _show(self) -> None:
        text = f'videos, {self.time_left()} left'
        self._bar.update(
            self._task, total=self._total, completed=self._done, description=text, visible=True
        )


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


class DetectionRun:
    """Judge videos one after the other, and keep each as soon as it is finished.

    Args:
        model (TrainedModel): The detector.
        decision (Decision): The threshold.
        saliency (Saliency, optional): What pictures the extreme clips; None for no pictures.
        copies (str): Folder for copies with boxes; empty for none. Defaults to ''.
    """

    def __init__(
        self,
        model: TrainedModel,
        decision: Decision,
        saliency: Optional[Saliency],
        copies: str = '',
    ) -> None:
        self._model, self._decision = model, decision
        self._saliency, self._copies = saliency, copies

    def judge(
        self,
        videos: Sequence[Tuple[str, Source]],
        scan: Callable[[str, Source], VideoScan],
        batch_size: int,
        journal: Optional[RunJournal],
        listener: RunListener,
    ) -> List[JudgedVideo]:
        """Judge the videos that the journal does not keep already.

        Args:
            videos (Sequence[tuple[str, Source]]): Name and source of each.
            scan (Callable): Makes of both what reads the video.
            batch_size (int): Clips judged at once.
            journal (RunJournal, optional): What keeps the finished ones.
            listener (RunListener): Hears how far the run is.

        Returns:
            list[JudgedVideo]: One for each video, in their order.

        Raises:
            MMFakeError: If the journal cannot be written.
        """
        stamps = [stamp_of(source) for _, source in videos]
        done: Dict[int, JudgedVideo] = {}
        for number, (name, _) in enumerate(videos):
            kept = None if journal is None else journal.take(name, number, stamps[number])
            if kept is not None:
                done[number] = kept
        if done:
            listener.note(f'{len(done)} of {len(videos)} videos were judged before')
        listener.begin(len(videos), len(done))
        for number in done:
            listener(done[number].prediction)
        left = [number for number in range(len(videos)) if number not in done]
        scans = (scan(*videos[number]) for number in left)
        for number, tally in zip(left, score_videos(scans, self._model, batch_size)):
            done[number] = self._finish(number, tally)
            if journal is not None:
                journal.keep(number, stamps[number], done[number])
            listener(done[number].prediction)
        return [done[number] for number in range(len(videos))]

    def _finish(self, number: int, tally: VideoTally) -> JudgedVideo:
        """Make prediction, pictures and copy of a video."""
        prediction: Dict[str, Any] = tally.result(self._model, self._decision)
        if not prediction['people']:
            return JudgedVideo(prediction, [])
        strips = []
        if self._saliency is not None:
            strips = make_strips(tally, self._saliency, self._decision)
        if self._copies:
            try:
                prediction['annotated'] = annotate_video(
                    tally.scan, prediction, self._decision.threshold, self._copies, number
                )
            except (MMFakeError, FFmpegError, OSError) as error:  # it must not cost the results
                prediction['warnings'].append(f'no copy with boxes: {error}')
        return JudgedVideo(prediction, strips)
