"""From the names of videos to their predictions."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from av.error import FFmpegError

from ...errors import MMFakeError
from .annotated_video import annotate_video
from .collect_inputs import Source
from .decision import Decision
from .evidence import make_strips
from .run_journal import JudgedVideo, RunJournal, stamp_of
from .run_listener import RunListener
from .saliency import Saliency
from .score_videos import score_videos
from .trained_model import TrainedModel
from .video_scan import VideoScan
from .video_tally import VideoTally


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
