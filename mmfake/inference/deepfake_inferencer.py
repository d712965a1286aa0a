"""Deepfake detection on anybody's videos: :class:`DeepfakeInferencer`."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import webbrowser
from collections import deque
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import wraps
from numbers import Integral
from pathlib import Path
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Sequence, Set, Union

from mmengine.config import Config

from ..datasets.manipulations import method_name
from ..datasets.protocol import RENDERED
from ..engine.config import load_config
from ..engine.hooks.checkpoint_facts import told_of_crops
from ..errors import MMFakeError
from ..faces.detectors import FaceSettings
from .decision import choose_threshold, least_confidence
from .detection_run import finish_video, score_videos, video_progress
from .detector import Detector, unit_of
from .evidence import Saliency
from .exported_model import ExportedModel, is_exported
from .journal import Journal, folder_lock
from .report import write_report
from .results import SCHEMA_VERSION, JudgedVideo, write_json, write_results
from .share import Share
from .sources import PAGE, Source, collect_inputs, earlier_copies, remove_copies
from .trained_model import TrainedModel
from .video_scan import VideoScan

_LOGGER = logging.getLogger(__name__)

PEOPLE = ('largest', 'all')
"""tuple[str]: Who in a video is judged."""

_EQUAL = 1e-6  # scores that differ by less are one, but for rounding


class _Turn:
    """A lock of an object that can be copied and pickled: each copy has its own."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def __reduce__(self) -> tuple:
        return _Turn, ()


def _in_turn(method: Callable) -> Callable:
    """Let threads that call a method of one object wait for each other."""

    @wraps(method)
    def wait(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self._turn.lock:
            return method(self, *args, **kwargs)

    return wait


class DeepfakeInferencer:
    """Judge videos with a trained detector, in the manner of mmaction2's inferencers.

    The faces are found and cut out as data preparation does it and judged as the test does it: of
    each 270 frames the most prominent face, four clips of 32 frames spread evenly. A video that
    cannot be judged ends as ``'abstain'`` with its reason, never as an exception, and so does an
    entry that names no video, unless there is no other. Memory does not
    grow with the length of a video. Threads may share one; it serves them one after the other.

    Args:
        config (str | Config): Config it was trained with.
        checkpoint (str): Checkpoint file; nothing in it is run. Or the ``.onnx`` that
            ``tools/export_onnx.py`` has made of it, see :class:`ExportedModel`.
        device (str, optional): Where the model runs. Defaults to None: a GPU if there is one; an
            ``.onnx`` is for the CPU.
        scale (str, optional): Config merged over it, as in training. Defaults to None.
        faces (FaceSettings, optional): How faces are found and cut out; margin and size that are
            not set are those of the clips of the training. Defaults to None, the settings of data
            preparation.
        precision (str): What the encoder computes in: ``'fp32'``; ``'bf16'`` or ``'fp16'``, faster
            where the machine has instructions for it, with scores that differ a little; or
            ``'auto'``, the fastest of them here whose scores differ by less than 0.01 from those in
            ``'fp32'`` on a few pictures. Defaults to 'fp32', so that scores are the same whatever
            the machine.

    Raises:
        MMFakeError: If config, checkpoint or device will not do.

    Examples:
        >>> detect = DeepfakeInferencer('configs/mtl/bin_ce_holdout_df.py', 'best.pth')
        >>> detect('video.mp4', out_dir='report')['predictions'][0]['verdict']
        'original'
    """

    def __init__(
        self,
        config: Union[str, Config],
        checkpoint: str,
        device: Optional[str] = None,
        scale: Optional[str] = None,
        faces: Optional[FaceSettings] = None,
        precision: str = 'fp32',
    ) -> None:
        if not isinstance(config, Config):
            config = load_config(str(config), scale)
        elif scale is not None:
            raise MMFakeError(f'scale {scale!r}: merge it into the Config yourself, or give a path')
        if str(device).split(':')[0] == 'meta':
            raise MMFakeError("device 'meta' computes nothing; choose cpu or cuda")
        if not isinstance(faces, (FaceSettings, type(None))):
            raise MMFakeError(
                f'faces={faces!r} is no FaceSettings: give mmfake.faces.detectors.FaceSettings(...)'
            )
        self.model: Detector
        if is_exported(checkpoint):
            if precision != 'fp32':
                raise MMFakeError(
                    f'precision {precision!r}: {checkpoint} computes in fp32; drop it'
                )
            self.model = ExportedModel(config, str(checkpoint), device)
        else:
            self.model = TrainedModel(config, str(checkpoint), device, precision)
        self.faces = (faces or FaceSettings()).like(self.model.crops)
        self._config_digest = _digest(config)
        self._turn = _Turn()

    @_in_turn
    def __call__(
        self,
        inputs: Union[Source, Sequence[Source]],
        batch_size: int = 8,
        threshold: Union[None, str, float] = None,
        person: str = 'largest',
        face: bool = True,
        segments: Optional[int] = None,
        show: bool = False,
        out_dir: str = '',
        save_video: bool = False,
        print_result: bool = False,
        pred_out_file: str = '',
        progress: Callable[[Dict[str, Any]], None] = lambda prediction: None,
        note: Callable[[str], None] = _LOGGER.warning,
        show_progress: bool = False,
        abstain_below: Union[None, str, float] = None,
        begun: Optional[VideoScan] = None,
    ) -> Dict[str, Any]:
        """Judge videos.

        With ``out_dir`` each finished video is kept at once in ``out_dir/results.jsonl``. If the
        run is interrupted, the same call takes them from there; the file is removed when the
        results are written.

        Of several processes (:func:`mmengine.dist.init_dist` with gloo), all of which make the same
        call, each judges its share of the videos. The first one writes what one process would, and
        returns it.

        Args:
            inputs (str | Path | np.ndarray | Sequence): A video, a folder, a list in a ``.txt``
                file, an array (T, H, W, 3) uint8 RGB, or several of them.
            batch_size (int): Clips judged at once, of whatever video. Defaults to 8.
            threshold (float | str, optional): From which score on a video is called manipulated;
                ``'val'`` for the one chosen on validation. Defaults to None: that one,
                or 0.5 if the checkpoint has none.
            person (str): ``'largest'``, in each 270 frames the most prominent face, whose clips are
                averaged; or ``'all'``, each by itself, as far as it is seen without a cut (a person
                who comes back counts anew), where the video has the score of the most suspicious
                one: with a threshold chosen for one face, the more faces, the more false alarms.
                Defaults to 'largest'.
            face (bool): Whether to search for faces; without, whole frames are judged, and clips as
                data preparation writes them get the scores of ``tools/test.py``. Defaults to True.
            segments (int, optional): Judge only the first so many pieces of 270 frames with a
                face; 1 is the part that data preparation keeps. Defaults to None, the whole video.
            show (bool): Whether to open the report in a browser. Defaults to False.
            out_dir (str): Where ``results.json``, ``results.csv`` and ``report.html`` go. Defaults
                to '', no files.
            save_video (bool): Whether to write copies with boxes and scores to ``out_dir/videos``.
                Defaults to False.
            print_result (bool): Whether to print the results. Defaults to False.
            pred_out_file (str): A file for the results as JSON. Defaults to '', none.
            progress (Callable): Called with each prediction when it is made. Defaults to nothing.
            note (Callable): Called with each line on what is passed over or taken from an
                interrupted run. Defaults to the logger.
            show_progress (bool): Whether to show a bar on stderr. Defaults to False.
            abstain_below (float | str, optional): Calibrated probability that a verdict must have,
                else it is ``'abstain'``; or ``'90%'``, as much as 90 % of the validation videos
                had. Defaults to None, any.
            begun (VideoScan, optional): The scan of one of the videos that was begun before the
                detector was loaded, see :func:`~.head_start.head_start`. Defaults to None.

        Returns:
            dict: As :data:`mmfake.inference.results.RESULTS_SCHEMA` says; ``predictions`` has one
            dict per video. An empty dict in all but the first of several processes.

        Raises:
            MMFakeError: If an argument will not do or a file cannot be written.
        """
        # what would fail after the first video is told before it
        if person not in PEOPLE:
            raise MMFakeError(f'person {person!r} is unknown; choose {" or ".join(PEOPLE)}')
        _check_numbers(batch_size=batch_size, segments=1 if segments is None else segments)
        _check_switches(
            face=face,
            show=show,
            save_video=save_video,
            print_result=print_result,
            show_progress=show_progress,
        )
        if (show or save_video) and not out_dir:
            raise MMFakeError('show and save_video need a folder: give out_dir')
        calibration = self.model.calibration
        decision = choose_threshold(threshold, self.model.val_threshold)
        least = least_confidence(abstain_below, calibration, decision)
        decision = decision._replace(calibration=calibration, least=least)
        faces = self.faces if face else None
        crops: List[str] = []
        if faces is not None:
            _, margin = faces.load()
            told = told_of_crops(self.model.crops, [(faces.detector, margin, faces.size)])
            crops = [told] if told else []

        # collect the videos, and what an interrupted run has finished of them
        share = Share()
        if share.rank:
            note = _LOGGER.debug  # the first process has said it
        videos = share.first(lambda: collect_inputs(inputs, note))
        settings = dict(person=person, face=face, segments=segments, batch_size=batch_size)
        if faces is not None:
            settings.update(faces=asdict(faces))
        run = dict(
            schema_version=SCHEMA_VERSION,
            model=self.model.facts,
            threshold=decision.threshold,
            threshold_source=decision.source,
            abstain_below=decision.least,
            settings=settings,
        )
        judged_by = dict(run, config_sha256=self._config_digest, save_video=save_video)
        done: Dict[int, JudgedVideo] = {}
        stale: Set[str] = set()
        with ExitStack() as opened:

            def begin() -> List[int]:
                if out_dir:
                    opened.enter_context(folder_lock(out_dir))
                    stale.update(earlier_copies(out_dir))
                    found = Journal(out_dir, judged_by, videos)
                    done.update(found.done)
                    if found.others:
                        note(
                            f'{found.others} videos that an interrupted run with other options or '
                            'of other videos has finished do not count for this one; until it ends '
                            'the command of that run still goes on from them'
                        )
                return sorted(done)

            known = share.first(begin)
            journal = Journal(out_dir, judged_by, videos, share.rank) if out_dir else None
            if known:
                note(f'{len(known)} of {len(videos)} videos were judged before')
            for number in sorted(done):
                progress(done[number].prediction)

            # scan and score the others, decide on each as soon as it is complete
            left = [number for number in range(len(videos)) if number not in known]
            scanned: Deque[int] = deque()
            ahead = {} if begun is None else {begun.name: begun}

            def scans() -> Iterator[VideoScan]:
                for number in share.take(left):
                    scanned.append(number)
                    name, source = videos[number]
                    scan = ahead.pop(name, None)
                    if scan is None:
                        scan = VideoScan(source, name, self.model.pipeline, faces, person, segments)
                    else:
                        scan.settle(self.model.pipeline, faces)
                    yield scan

            saliency = Saliency(self.model) if out_dir else None
            copies = out_dir if save_video else ''
            scored = opened.enter_context(closing(score_videos(scans(), self.model, batch_size)))
            shown = show_progress and not share.rank
            with video_progress(len(videos), len(known), shown) as advance:
                for tally in scored:
                    number = scanned.popleft()
                    done[number] = finish_video(
                        tally, self.model, decision, saliency, number, copies
                    )
                    if journal is not None:
                        journal.keep(number, done[number])
                    progress(done[number].prediction)
                    advance(share.finish())

            # write
            together = share.gather(done)
            results: Dict[str, Any] = {}

            def write() -> None:
                judged: List[JudgedVideo] = [together[number] for number in range(len(videos))]
                predictions = [video.prediction for video in judged]
                results.update(
                    run,
                    # why is told here alone: it holds times, and a run that goes on has others
                    model=dict(self.model.facts, precision_reason=self.model.precision.reason),
                    warnings=_warnings_of([*self.model.warnings, *crops], predictions),
                    meaning=meaning_of(self.model.facts, person),
                    n_videos=len(predictions),
                    n_scored=sum(video['status'] == 'scored' for video in predictions),
                    predictions=predictions,
                )
                if pred_out_file:
                    write_json(results, pred_out_file)
                if out_dir:
                    write_results(results, out_dir)
                    page = Path(out_dir, PAGE)
                    write_report(results, [video.strips for video in judged], page, saliency.method)
                    copied = {video.get('annotated') for video in predictions}
                    remove_copies(out_dir, stale - copied)

            share.first(write)
            if journal is not None:
                journal.remove()
        if show and results:
            webbrowser.open(Path(out_dir, PAGE).resolve().as_uri())
        if print_result and results:
            print(json.dumps(results, indent=2))
        return results


def _check_numbers(**values: Any) -> None:
    for name, value in values.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise MMFakeError(f'{name}={value!r} is no whole number from 1 on')


def _check_switches(**values: Any) -> None:
    for name, value in values.items():
        if not isinstance(value, bool):
            raise MMFakeError(f'{name}={value!r} is neither True nor False')


def meaning_of(model: Dict[str, Any], person: str) -> str:
    """Say what the number means and what not, for ``facts`` of a model and who is judged."""
    methods = ', '.join(method_name(key) for key in model['trained_on'])
    known = f' ({methods})' if methods else ''
    kind = 'rendered imitations of ' if RENDERED in model.get('datasets', ()) else ''
    text = (
        f'The number is how strongly the face resembles the {kind}manipulated faces this detector '
        f'was trained on{known} rather than their originals, averaged over '
        f'{unit_of(model)}s of the video. '
        'It is no proof and not the chance that the video is fake: other methods, strong '
        'compression or unusual footage can be missed or wrongly flagged, and only the face is '
        'judged, not the sound or the rest of the picture.'
    )
    if person == 'all':
        text += (
            ' A person is followed as far as the face is seen without a cut, and one who comes '
            'back counts anew. Of several faces the highest number counts, against a threshold '
            'that is made for one: the more faces, the more often an original is wrongly flagged.'
        )
    return text


def _warnings_of(model_warnings: Sequence[str], predictions: Sequence[Dict[str, Any]]) -> List[str]:
    """What makes every score doubtful: facts of the model, and scores that are all equal."""
    scores = [video['probability'] for video in predictions if video['probability'] is not None]
    told = list(model_warnings)
    if len(scores) > 1 and max(scores) - min(scores) < _EQUAL:
        told.append(
            f'All {len(scores)} scores are equal ({scores[0]:.4f}): unless it is the same video, '
            'this detector does not tell videos apart.'
        )
    return told


def _digest(config: Config) -> str:
    """Name what of a config decides the scores."""
    parts = [config.get('model'), config.get('test_dataloader')]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
