"""The detector on anybody's videos."""

from __future__ import annotations

import hashlib
import json
import webbrowser
from contextlib import nullcontext
from dataclasses import asdict
from numbers import Integral
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Sequence, Union

from mmengine.config import Config

from ..datasets.protocol import get_manipulation
from ..engine.config import load_config
from ..errors import MMFakeError
from ..faces.detectors import FaceSettings
from .clip_pipeline import ClipPipeline
from .detection_run import DetectionRun, RunListener
from .evidence import Saliency
from .report import write_report
from .results import SCHEMA_VERSION, RunJournal, write_json, write_results
from .sources import PAGE, Source, collect_inputs, earlier_copies, remove_copies
from .trained_model import TrainedModel, choose_threshold
from .video_scan import VideoScan


def meaning_of(model: Dict[str, Any], person: str = 'largest') -> str:
    """Say what the number means and what it does not.

    Args:
        model (dict): ``facts`` of a :class:`TrainedModel`.
        person (str): Who is judged, ``'largest'`` or ``'all'``. Defaults to ``'largest'``.

    Returns:
        str: Two sentences, and for ``'all'`` one more.
    """
    methods = [_name(key) for key in model['trained_on']]
    known = f' ({", ".join(methods)})' if methods else ''
    faces = ''
    if person == 'all':
        faces = (
            ' Of several people the highest number counts, against a threshold that is made for '
            'one face: the more faces a video shows, the more often an original is wrongly flagged.'
        )
    return (
        'The number is how strongly the face resembles the manipulated faces this detector was '
        f'trained on{known} rather than their originals, averaged over clips of the video. '
        'It is no proof and not the chance that the video is fake: other methods, strong '
        'compression or unusual footage can be missed or wrongly flagged, and only the face is '
        f'judged, not the sound or the rest of the picture.{faces}'
    )


def _name(key: str) -> str:
    try:
        return get_manipulation(key).name
    except MMFakeError:  # registered where it was trained
        return key


PEOPLE = ('largest', 'all')
"""tuple[str]: Who in a video is judged."""


class DeepfakeInferencer:
    """Judge videos with a trained detector, in the manner of mmaction2's inferencers.

    The faces are found and cut out as data preparation does it and judged as the test does it: of
    each 270 frames the most prominent face, four clips of 32 frames spread evenly. A video that
    cannot be judged ends as ``'abstain'`` with its reason, never as an exception. Memory does not
    grow with the length of a video.

    Args:
        config (str | Config): Config it was trained with.
        checkpoint (str): Checkpoint file; nothing in it is run.
        device (str, optional): Where the model runs. Defaults to None: a GPU if there is one.
        scale (str, optional): Config merged over it, as in training. Defaults to None.
        faces (FaceSettings, optional): How faces are found. Defaults to None, the settings of data
            preparation.

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
    ) -> None:
        if not isinstance(config, Config):
            config = load_config(str(config), scale)
        elif scale is not None:
            raise MMFakeError(f'scale {scale!r}: merge it into the Config yourself, or give a path')
        if str(device).split(':')[0] == 'meta':
            raise MMFakeError("device 'meta' computes nothing; choose cpu or cuda")
        self.faces = faces or FaceSettings()
        self.pipeline = ClipPipeline(config)
        self.model = TrainedModel(config, str(checkpoint), device)
        self._config_digest = _digest(config)

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
        progress: Union[RunListener, Callable[[Dict[str, Any]], None]] = lambda prediction: None,
    ) -> Dict[str, Any]:
        """Judge videos.

        With ``out_dir`` each finished video is kept at once in ``out_dir/journal.jsonl``. If the
        run is interrupted, the same call takes them from there; the journal is removed when the
        results are written.

        Args:
            inputs (str | Path | np.ndarray | Sequence): A video, a folder, a list in a ``.txt``
                file, an array (T, H, W, 3) uint8 RGB, or several of them.
            batch_size (int): Clips judged at once, of whatever video. Defaults to 8.
            threshold (float | str, optional): From which probability on a video is called
                manipulated; ``'val'`` for the one chosen on validation. Defaults to None: that one,
                or 0.5 if the checkpoint has none.
            person (str): ``'largest'``, in each 270 frames the most prominent face, whose clips are
                averaged; or ``'all'``, each by itself, where the video has the probability of its
                most suspicious person: with a threshold chosen for one face, the more faces, the
                more false alarms. Defaults to 'largest'.
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
            progress (RunListener | Callable): Called with each prediction when it is made; a
                listener also hears how many there are and what is passed over. Defaults to nothing.

        Returns:
            dict: As :data:`RESULTS_SCHEMA` says; ``predictions`` has one dict per video.

        Raises:
            MMFakeError: If an argument will not do or a file cannot be written.
        """
        _check(person, batch_size, segments)
        if (show or save_video) and not out_dir:
            raise MMFakeError('show and save_video need a folder: give out_dir')
        listener = progress if isinstance(progress, RunListener) else RunListener(progress)
        decision = choose_threshold(threshold, self.model.val_threshold)
        faces = self.faces if face else None
        if faces is not None:
            faces.load()  # a detector that is not installed is told before the first video
        videos = collect_inputs(inputs, listener.note)
        settings = dict(person=person, face=face, segments=segments, batch_size=batch_size)
        if faces is not None:
            settings.update(faces=asdict(faces))
        told = dict(
            schema_version=SCHEMA_VERSION,
            model=self.model.facts,
            threshold=decision.threshold,
            threshold_source=decision.source,
            settings=settings,
        )
        before = earlier_copies(out_dir) if out_dir else set()
        header = dict(told, config_sha256=self._config_digest, save_video=save_video)
        with RunJournal(out_dir, header) if out_dir else nullcontext() as journal:
            saliency = Saliency(self.model) if out_dir else None
            run = DetectionRun(self.model, decision, saliency, out_dir if save_video else '')

            def scan(name: str, source: Source) -> VideoScan:
                return VideoScan(source, name, self.pipeline, faces, person, segments)

            judged = run.judge(videos, scan, batch_size, journal, listener)
            predictions = [video.prediction for video in judged]
            results = dict(
                told,
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
                written = {video.get('annotated') for video in predictions}
                remove_copies(out_dir, before - written)
                journal.remove()
        if show:
            webbrowser.open(page.resolve().as_uri())
        if print_result:
            print(json.dumps(results, indent=2))
        return results


def _check(person: str, batch_size: int, segments: Optional[int]) -> None:
    """Refuse what would fail after the first video."""
    if person not in PEOPLE:
        raise MMFakeError(f'person {person!r} is unknown; choose {" or ".join(PEOPLE)}')
    for name, value in (('batch_size', batch_size), ('segments', segments)):
        if value is None and name == 'segments':
            continue
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise MMFakeError(f'{name}={value!r} is no whole number from 1 on')


def _digest(config: Config) -> str:
    """Name what of a config decides the scores."""
    parts = [config.get('model'), config.get('test_dataloader')]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
