"""The detector on anybody's videos."""

from __future__ import annotations

import argparse
import json
import webbrowser
from dataclasses import asdict
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

from av.error import FFmpegError
from mmengine.config import Config

from ...errors import MMFakeError
from ...faces.face_settings import FaceSettings
from ...visualization.report import write_report
from ..config import load_config
from .annotated_video import annotate_video
from .clip_pipeline import ClipPipeline
from .collect_inputs import Source, collect_inputs
from .decision import choose_threshold
from .evidence import Strip, make_strips
from .meaning import meaning_of
from .results_schema import SCHEMA_VERSION
from .saliency import Saliency
from .score_videos import score_videos
from .trained_model import TrainedModel
from .video_scan import VideoScan
from .write_results import write_results

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
            options = dict(data_root=None, cfg_options=None, launcher='none', work_dir=None)
            config = load_config(argparse.Namespace(config=str(config), scale=scale, **options))
        elif scale is not None:
            raise MMFakeError(f'scale {scale!r}: merge it into the Config yourself, or give a path')
        self.faces = faces or FaceSettings()
        self.pipeline = ClipPipeline(config)
        self.model = TrainedModel(config, str(checkpoint), device)

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
        progress: Callable[[Dict[str, Any]], None] = lambda prediction: None,
    ) -> Dict[str, Any]:
        """Judge videos.

        Args:
            inputs (str | Path | np.ndarray | Sequence): A video, a folder, a list in a ``.txt``
                file, an array (T, H, W, 3) uint8 RGB, or several of them.
            batch_size (int): Clips judged at once, of whatever video. Defaults to 8.
            threshold (float | str, optional): From which probability on a video is called
                manipulated; ``'val'`` for the one chosen on validation. Defaults to None: that one,
                or 0.5 if the checkpoint has none.
            person (str): ``'largest'``, in each 270 frames the most prominent face, whose clips are
                averaged; or ``'all'``, each by itself, where the video has the probability of its
                most suspicious person. Defaults to 'largest'.
            face (bool): Whether to search for faces; without, whole frames are judged, exactly as
                ``tools/test.py`` judges a file. Defaults to True.
            segments (int, optional): Judge only the first so many pieces of 270 frames with a
                face. 1 is what data preparation keeps of a video, hence what ``tools/test.py``
                judges. Defaults to None, the whole video.
            show (bool): Whether to open the report in a browser. Defaults to False.
            out_dir (str): Where ``results.json``, ``results.csv`` and ``report.html`` go. Defaults
                to '', no files.
            save_video (bool): Whether to write copies with boxes and scores to ``out_dir/videos``.
                Defaults to False.
            print_result (bool): Whether to print the results. Defaults to False.
            progress (Callable): Called with each prediction when it is made. Defaults to nothing.

        Returns:
            dict: As :data:`RESULTS_SCHEMA` says; ``predictions`` has one dict per video.

        Raises:
            MMFakeError: If an argument will not do or a file cannot be written.
        """
        if person not in PEOPLE:
            raise MMFakeError(f'person {person!r} is unknown; choose {" or ".join(PEOPLE)}')
        if batch_size < 1 or (segments is not None and segments < 1):
            raise MMFakeError(f'batch_size={batch_size} or segments={segments} is below 1')
        if (show or save_video) and not out_dir:
            raise MMFakeError('show and save_video need a folder: give out_dir')
        decision = choose_threshold(threshold, self.model.val_threshold)
        faces = self.faces if face else None
        if faces is not None:
            faces.load()  # a detector that is not installed is told before the first video
        named = collect_inputs(inputs)
        scans = (
            VideoScan(source, name, self.pipeline, faces, person, segments)
            for name, source in named
        )
        saliency = Saliency(self.model) if out_dir else None
        predictions: List[Dict[str, Any]] = []
        strips: List[List[Strip]] = []
        for tally in score_videos(scans, self.model, batch_size):
            prediction = tally.result(self.model, decision)
            found = saliency is not None and prediction['people']
            strips.append(make_strips(tally, saliency, decision) if found else [])
            if save_video and prediction['people']:
                try:
                    prediction['annotated'] = annotate_video(
                        tally.scan, prediction, decision.threshold, out_dir, len(predictions)
                    )
                except (MMFakeError, FFmpegError) as error:  # it must not cost the results
                    prediction['warnings'].append(f'no copy with boxes: {error}')
            predictions.append(prediction)
            progress(prediction)
        settings = dict(person=person, face=face, segments=segments, batch_size=batch_size)
        if faces is not None:
            settings.update(faces=asdict(faces))
        results = dict(
            schema_version=SCHEMA_VERSION,
            model=self.model.facts,
            threshold=decision.threshold,
            threshold_source=decision.source,
            settings=settings,
            meaning=meaning_of(self.model.facts),
            n_videos=len(predictions),
            n_scored=sum(video['status'] == 'scored' for video in predictions),
            predictions=predictions,
        )
        if out_dir:
            write_results(results, out_dir)
            page = Path(out_dir, 'report.html')
            write_report(results, strips, page, saliency.method)
            if show:
                webbrowser.open(page.resolve().as_uri())
        if print_result:
            print(json.dumps(results, indent=2))
        return results
