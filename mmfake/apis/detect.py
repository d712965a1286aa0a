"""Detection on videos, what ``tools/detect.py`` calls: model, progress, summary, exit status."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Union

import cv2

from ..console import process_rank
from ..errors import MMFakeError
from ..faces.detectors import FaceSettings
from ..inference.head_start import head_start, short_turns
from ..inference.sources import OTHERS, journals_in
from ..inference.video_scan import VideoScan

if TYPE_CHECKING:  # it imports torch
    from ..inference.deepfake_inferencer import DeepfakeInferencer

_LONGEST_WAIT = 24 * 3600  # s that a process waits for the last video of another


def detect_videos(
    inputs: Sequence[str],
    config: str,
    checkpoint: str,
    out: Optional[str] = None,
    scale: Optional[str] = None,
    device: Optional[str] = None,
    batch_size: int = 8,
    threshold: Optional[str] = None,
    person: str = 'largest',
    face: bool = True,
    segments: Optional[int] = None,
    detector: str = 'centerface',
    detector_model: Optional[str] = None,
    save_video: bool = False,
    show: bool = False,
    threads: Optional[int] = None,
    verbose: bool = False,
    started: Optional[float] = None,
    abstain_below: Optional[str] = None,
    precision: str = 'fp32',
    launcher: str = 'none',
) -> int:
    """Judge videos, print each verdict and a summary, and write the report.

    Args:
        inputs (Sequence[str]): Videos, folders, or ``.txt`` lists of paths.
        config (str): Config file the detector was trained with.
        checkpoint (str): Checkpoint file, nothing in it is run; or an exported ``.onnx``.
        out (str, optional): Folder of the report. Defaults to None, ``work_dirs/<config>/detect``.
        scale (str, optional): Config merged over it, as in training. Defaults to None.
        device (str, optional): Where the model runs. Defaults to None: a GPU if there is one.
        batch_size (int): Clips judged at once. Defaults to 8.
        threshold (str, optional): As of :class:`DeepfakeInferencer`. Defaults to None.
        person (str): As of :class:`DeepfakeInferencer`. Defaults to 'largest'.
        face (bool): Whether to search for faces. Defaults to True.
        segments (int, optional): Judge only the first so many pieces with a face. Defaults to None.
        detector (str): One of :data:`mmfake.faces.detectors.DETECTORS`. Defaults to 'centerface'.
        detector_model (str, optional): Model file of YuNet. Defaults to None.
        save_video (bool): Whether to write copies with boxes and scores. Defaults to False.
        show (bool): Whether to open the report in a browser. Defaults to False.
        threads (int, optional): Threads of the model. Defaults to None, what torch chooses.
        verbose (bool): Whether to print what the time was spent on. Defaults to False.
        started (float, optional): ``time.perf_counter()`` before the imports, to tell how long
            they took. Defaults to None.
        abstain_below (str, optional): As of :class:`DeepfakeInferencer`. Defaults to None.
        precision (str): As of :class:`DeepfakeInferencer`. Defaults to 'fp32'.
        launcher (str): What has started this process, one of several that share the videos:
            ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``. Defaults to ``'none'``.

    Returns:
        int: 0 if every video has a score, 1 if not, 130 after Ctrl-C; 0 in all but the first of
        several processes.

    Raises:
        MMFakeError: If an argument, config or checkpoint has a mistake that the user can mend.
    """
    begun = time.perf_counter()
    cv2.setNumThreads(1)
    faces = FaceSettings(detector, detector_model)
    out = out or str(Path('work_dirs', Path(config).stem, 'detect'))
    with ExitStack() as stack:
        first: Optional[VideoScan] = None
        if launcher == 'none':  # else the first video may be another process's
            search = faces if face else None
            first = stack.enter_context(head_start(inputs, search, person, segments, out))
        with short_turns():
            # torch and the host, beside which the first video is decoded
            import torch

            from ..inference.deepfake_inferencer import DeepfakeInferencer

            if threads is not None:
                torch.set_num_threads(threads)
            if launcher != 'none':
                from mmengine.dist import init_dist

                from .run import check_launcher

                check_launcher(launcher)
                # not nccl: what is agreed on is small, and no tensor
                init_dist(launcher, backend='gloo', timeout=_LONGEST_WAIT)
            load = partial(DeepfakeInferencer, config, checkpoint, device, scale, faces)
            inferencer = load(precision) if launcher == 'none' else _load_alike(load, precision)
        loaded = time.perf_counter()
        try:
            results = inferencer(
                list(inputs),
                batch_size=batch_size,
                threshold=threshold,
                person=person,
                face=face,
                segments=segments,
                out_dir=out,
                save_video=save_video,
                show=show,
                progress=partial(_print_verdict, model=inferencer.model.facts),
                note=lambda text: _print(f'note: {text}'),
                show_progress=True,
                abstain_below=abstain_below,
                begun=first,
            )
        except KeyboardInterrupt:
            if process_rank() == '0':
                _tell_what_is_kept(out)
            return 130
        if not results:  # the first process tells
            return 0
        _print_summary(results, out)
        if verbose:
            imports = '' if started is None else f'imports {begun - started:.1f} s, '
            print(
                f'{imports}loading the model {loaded - begun:.1f} s, '
                f'videos and report {time.perf_counter() - loaded:.1f} s'
            )
            _print_times(results['predictions'])
        return 0 if results['n_scored'] == results['n_videos'] else 1


def _load_alike(load: Callable[[str], DeepfakeInferencer], precision: str) -> DeepfakeInferencer:
    """Load a detector in one precision in all processes: for ``auto`` the first one chooses."""
    from ..inference.share import Share

    if precision != 'auto':
        return load(precision)
    own: List[DeepfakeInferencer] = []

    def choose() -> str:
        own.append(load(precision))
        return own[0].model.precision.name

    chosen = Share().first(choose)
    return own[0] if own else load(chosen)


def _tell_what_is_kept(out: str) -> None:
    journals = [path for path in journals_in(out) if path.name != OTHERS]
    kept = sum(journal.read_bytes().count(b'\n') for journal in journals)
    told = 'interrupted'
    if kept:
        videos = 'one video is' if kept == 1 else f'{kept} videos are'
        places = ' and '.join(map(str, journals))
        told += f': {videos} kept in {places}; the same command goes on from there'
    print(MMFakeError(told), file=sys.stderr)


def _print_verdict(video: Dict[str, Any], model: Dict[str, Any]) -> None:
    from ..inference.detector import unit_of  # as above
    from ..inference.report import told_of_prompts

    told = f'{video["status"]}: {video["reason"]}'
    if video['probability'] is not None:
        clips = [
            (person['person'], clip['start_frame'], clip['end_frame'])
            for person in video['people']
            for clip in person['clips']
        ]
        distinct = len(set(clips))  # of a short video some are the same
        judged = f'{len(clips)} {unit_of(model)}s'
        judged += f', {distinct} distinct' if distinct < len(clips) else ''
        calibrated = video.get('calibrated')
        shown = '' if calibrated is None else f', calibrated probability {calibrated:.3f}'
        told = f'score {video["probability"]:.3f}{shown} ({judged})'
    _print(f'{video["verdict"]:11} {told}  {video["video"]}')
    for altered in told_of_prompts(video, model):
        _print(f'            altered: {altered}')
    for warning in video['warnings']:
        _print(f'            note: {warning}')


def _print_summary(results: Dict[str, Any], out: str) -> None:
    from ..inference.report import (
        told_of_calibration,
        told_of_export,
        told_of_precision,
        told_of_threshold,
        told_of_validation,
    )

    videos: List[Dict[str, Any]] = results['predictions']
    counts = Counter(video['verdict'] for video in videos)
    _print(
        f'scored {results["n_scored"]} of {results["n_videos"]} videos: '
        + ', '.join(f'{counts[v]} {v}' for v in ('original', 'manipulated', 'abstain'))
        + f'; threshold {results["threshold"]:.3f}, {told_of_threshold(results)}'
    )
    unscored = [video for video in videos if video['status'] != 'scored']
    if unscored:
        _print(f'not scored: {len(unscored)}')
        for video in unscored:
            _print(f'  {video["status"]}: {video["video"]} ({video["reason"]})')
    _print(f'report: {Path(out, "report.html")}')
    _print(told_of_validation(results))
    if told_of_calibration(results):
        _print(told_of_calibration(results))
    if results['model']['precision'] != 'fp32' or results['model']['precision_reason']:
        _print(told_of_precision(results))
    if told_of_export(results['model']):
        _print(told_of_export(results['model']))
    for warning in results['warnings']:
        _print(f'WARNING: {warning}')


def _print_times(videos: List[Dict[str, Any]]) -> None:
    seconds: Counter = Counter()
    for video in videos:
        seconds.update(video['seconds'])
    minutes = sum(video['metadata'].get('duration') or 0 for video in videos) / 60
    if minutes:
        parts = ((name, seconds[name] / minutes) for name in ('decode', 'faces', 'cut', 'model'))
        text = ', '.join(f'{name} {spent:.1f}' for name, spent in parts)
        share = 100 * seconds['model'] / max(sum(seconds.values()), 1e-9)
        _print(f's per minute of video: {text} (the model is {share:.0f} %)')


def _print(text: Union[str, Path]) -> None:
    """Print one line, whatever a file is called: escaped as our errors are."""
    line, encoding = str(MMFakeError(text)), sys.stdout.encoding or 'utf-8'
    print(line.encode(encoding, 'backslashreplace').decode(encoding))
