"""The command that judges videos."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import cv2
import torch

from ..errors import MMFakeError
from ..faces.detectors import DETECTORS, FaceSettings
from ..inference.deepfake_inferencer import PEOPLE, DeepfakeInferencer
from ..inference.detection_run import TerminalProgress

_MOST_THREADS = 4096  # no machine has more cores

DESCRIPTION = """\
Judge videos with a trained detector: original, manipulated, or abstain with the reason.

  DIR/report.html    one page for people, without any other file
  DIR/results.json   everything, as mmfake.inference.results.RESULTS_SCHEMA says
  DIR/results.csv    one row per video
  DIR/videos/        with --save-video: copies with boxes and scores"""

EPILOG = """\
examples:
  python tools/detect.py video.mp4 --config configs/mtl/bin_ce_holdout_f2f.py --checkpoint best.pth
  python tools/detect.py folder/ --config C --checkpoint K --person all --save-video --out report
  python tools/detect.py clip.mp4 --config C --checkpoint K --no-face      # a face crop already

A video is judged in pieces of 270 frames, as data preparation cuts them: the most prominent face
of each, four clips of 32 frames spread evenly, the score is the mean. --segments 1 takes the first
piece alone, the part that data preparation keeps. With --person all the highest score counts,
against a threshold chosen for one face: the more faces, the more false alarms.

Every finished video is kept in DIR/journal.jsonl until the results are written: after Ctrl-C or a
crash the same command goes on from there.

exit status: 0 all videos have a score, 1 some have none (listed with the reason), 2 wrong usage,
130 interrupted"""


def detect_videos(argv: Optional[Sequence[str]] = None, started: Optional[float] = None) -> int:
    """Judge videos; ``tools/detect.py --help`` lists the options.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None, those of the process.
        started (float, optional): ``time.perf_counter()`` before the imports, to tell how long
            they took. Defaults to None.

    Returns:
        int: 0 if every video has a score, 1 if not, 130 after Ctrl-C.

    Raises:
        MMFakeError: If an argument, config or checkpoint has a mistake that the user can mend.
    """
    begun = time.perf_counter()
    args = _parse(argv)
    if args.threads is not None:
        if not 1 <= args.threads <= _MOST_THREADS:
            raise MMFakeError(f'--threads {args.threads} is not from 1 to {_MOST_THREADS}')
        torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    if not os.path.isfile(args.checkpoint) and '://' not in args.checkpoint:
        raise MMFakeError(f'{args.checkpoint}: no such checkpoint file.')
    faces = FaceSettings(args.detector, args.detector_model)
    inferencer = DeepfakeInferencer(args.config, args.checkpoint, args.device, args.scale, faces)
    out = args.out or str(Path('work_dirs', Path(args.config).stem, 'detect'))
    loaded = time.perf_counter()
    try:
        results = _judge(inferencer, args, out)
    except KeyboardInterrupt as stop:  # which says what is kept, if anything is
        print(f'interrupted: {MMFakeError(stop)}' if str(stop) else 'interrupted', file=sys.stderr)
        return 130
    _print_summary(results, out)
    imports = '' if started is None else f'imports {begun - started:.1f} s, '
    print(
        f'{imports}loading the model {loaded - begun:.1f} s, '
        f'videos and report {time.perf_counter() - loaded:.1f} s'
    )
    return 0 if results['n_scored'] == results['n_videos'] else 1


def _judge(inferencer: DeepfakeInferencer, args: argparse.Namespace, out: str) -> Dict[str, Any]:
    with TerminalProgress(_print_verdict, lambda text: _print(f'note: {text}')) as progress:
        return inferencer(
            args.inputs if len(args.inputs) > 1 else args.inputs[0],
            batch_size=args.batch,
            threshold=args.threshold,
            person=args.person,
            face=not args.no_face,
            segments=args.segments,
            out_dir=out,
            save_video=args.save_video,
            show=args.show,
            progress=progress,
        )


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'inputs', nargs='+', metavar='VIDEO', help='videos, folders, or .txt lists of paths'
    )
    parser.add_argument('--config', required=True, help='config the detector was trained with')
    parser.add_argument('--checkpoint', required=True, help='checkpoint; nothing in it is run')
    parser.add_argument('--scale', help='config merged over CONFIG, as in training, e.g. mini')
    parser.add_argument(
        '--out', metavar='DIR', help='folder of the report (default: work_dirs/<config>/detect)'
    )
    parser.add_argument('--device', help='cpu, cuda, cuda:1 (default: a GPU if there is one)')
    parser.add_argument(
        '--batch', type=int, default=8, metavar='N', help='clips at once (default: %(default)s)'
    )
    parser.add_argument(
        '--threshold',
        metavar='T',
        help='from which probability on a video is called manipulated: a number, or val for the '
        'one chosen on validation (default: val if the checkpoint has it, else 0.5)',
    )
    parser.add_argument(
        '--person',
        choices=PEOPLE,
        default=PEOPLE[0],
        help='whom to judge: the most prominent face, or everybody, where the most suspicious '
        'person decides (default: %(default)s)',
    )
    parser.add_argument(
        '--no-face', action='store_true', help='the videos are face crops: judge whole frames'
    )
    parser.add_argument(
        '--segments', type=int, metavar='N', help='only the first N pieces with a face'
    )
    parser.add_argument('--detector', choices=DETECTORS, default='centerface')
    parser.add_argument('--detector-model', metavar='FILE', help='model file of yunet')
    parser.add_argument(
        '--save-video', action='store_true', help='also write copies with boxes and scores'
    )
    parser.add_argument('--show', action='store_true', help='open the report in a browser')
    parser.add_argument('--threads', type=int, metavar='N', help='threads of the model')
    return parser.parse_args(argv)


def _print_verdict(video: Dict[str, Any]) -> None:
    told = f'{video["status"]}: {video["reason"]}'
    if video['probability'] is not None:
        clips = sum(len(person['clips']) for person in video['people'])
        told = f'{video["probability"]:.3f} ({clips} clips)'
    _print(f'{video["verdict"]:11} {told}  {video["video"]}')
    for warning in video['warnings']:
        _print(f'            note: {warning}')


def _print_summary(results: Dict[str, Any], out: str) -> None:
    videos: List[Dict[str, Any]] = results['predictions']
    counts = Counter(video['verdict'] for video in videos)
    source = dict(validation='chosen on validation', user='given', default='the default')
    _print(
        f'scored {results["n_scored"]} of {results["n_videos"]} videos: '
        + ', '.join(f'{counts[v]} {v}' for v in ('original', 'manipulated', 'abstain'))
        + f'; threshold {results["threshold"]:.3f}, {source[results["threshold_source"]]}'
    )
    unscored = [video for video in videos if video['status'] != 'scored']
    if unscored:
        _print(f'not scored: {len(unscored)}')
        for video in unscored:
            _print(f'  {video["status"]}: {video["video"]} ({video["reason"]})')
    seconds: Counter = Counter()
    for video in videos:
        seconds.update(video['seconds'])
    minutes = sum(video['metadata'].get('duration', 0) for video in videos) / 60
    if minutes:
        parts = ((name, seconds[name] / minutes) for name in ('decode', 'faces', 'cut', 'model'))
        text = ', '.join(f'{name} {spent:.1f}' for name, spent in parts)
        share = 100 * seconds['model'] / max(sum(seconds.values()), 1e-9)
        _print(f's per minute of video: {text} (the model is {share:.0f} %)')
    _print(f'report: {Path(out, "report.html")}')


def _print(text: Union[str, Path]) -> None:
    """Print one line, whatever a file is called: escaped as our errors are."""
    line, encoding = str(MMFakeError(text)), sys.stdout.encoding or 'utf-8'
    print(line.encode(encoding, 'backslashreplace').decode(encoding))
