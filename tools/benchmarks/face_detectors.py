"""Compare face detectors: ``python tools/benchmarks/face_detectors.py --help``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Dict, Optional, Sequence

import cv2
from face_measurement import measure_video
from face_report import write_report

from mmfake.console import run_command
from mmfake.datasets.protocol import get_manipulation
from mmfake.errors import MMFakeError, sample_of
from mmfake.faces.detectors import CenterFaceDetector, DlibDetector, FaceDetector, YuNetDetector
from mmfake.files import atomic_file

DESCRIPTION = """\
Run all installed face detectors side by side over the original videos of a FaceForensics++ tree and
say which of them to use. Every frame goes through every detector before the next frame is read, in
an order that rotates, so a machine that slows down slows all of them.

  found        share of the frames in which it finds any face
  recall       share of the agreed faces that it finds. A face is agreed if two backends overlap
               there (IoU 0.4; the sizes of centerface are one backend); of each frame only the
               largest agreed one counts. With two backends installed both have 1 by construction:
               look at "found" instead
  jitter       how much the centre of the face jerks from frame to frame (second difference) in % of
               the face's side: of the boxes of all frames, and of a track that was detected every
               k frames, interpolated and smoothed as data preparation does
  ms           median time for one frame on --threads threads
  x            the same as a ratio to centerface 320, frame by frame: what a slower machine, or a
               busy one, leaves as it is
  away         distance of the track's centre from the box of the frame, in % of the face's side;
               with a margin of 1.3 the face stays inside the crop up to 15 %"""

EPILOG = """\
examples:
  python tools/benchmarks/face_detectors.py --root data/ffpp
  python tools/benchmarks/face_detectors.py --root data/ffpp --videos 50 --out report.md \\
      --yunet face_detection_yunet_2023mar.onnx

Intervals are 95 % percentile bootstrap intervals over videos."""


def build_parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('--root', type=Path, required=True, metavar='FFPP_ROOT', help='an official FF++ tree')
    add('--yunet', type=Path, metavar='MODEL', help='model file of YuNet; without, it is left out')
    add(
        '--every',
        type=int,
        default=5,
        metavar='K',
        help='frames between detections of a track (default: 5)',
    )
    add('--videos', type=int, metavar='N', help='only the first N originals (default: all)')
    add('--seed', type=int, default=0, help='seed of the bootstrap (default: 0)')
    add('--threads', type=int, default=1, help="OpenCV's threads (default: 1)")
    add('--out', type=Path, metavar='report.md', help='also write the report to this file')
    return parser


def build_detectors(yunet: Optional[Path]) -> Dict[str, FaceDetector]:
    """All detectors that can be had here, ``centerface 320`` first; says which cannot."""
    builders = {
        f'centerface {side}': lambda side=side: CenterFaceDetector(net_side=side)
        for side in (320, 224, 480)
    }
    if yunet:
        builders['yunet'] = lambda: YuNetDetector(yunet)
    else:
        print('left out: yunet: no --yunet MODEL is given')
    builders['dlib'] = DlibDetector
    detectors = {}
    for name, build in builders.items():
        try:
            detectors[name] = build()
        except MMFakeError as error:
            print(f'left out: {error}')
    if 'centerface 320' not in detectors:
        raise MMFakeError('centerface is what all others are compared with; install it first')
    return detectors


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says.

    Args:
        arguments (Sequence[str], optional): Words of the command line. Defaults to None: those of
            the process.

    Raises:
        MMFakeError: If there is no video or an argument is wrong.
    """
    args = build_parser().parse_args(arguments)
    for name in ('every', 'videos', 'threads'):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise MMFakeError(f'--{name} {getattr(args, name)} is below 1; choose another')
    folder = args.root / get_manipulation('original').folder
    paths = sorted(folder.glob('*/videos/*.mp4'))[: args.videos]
    if not paths:
        raise MMFakeError(f'--root {args.root}: no video in {folder}/*/videos; name an FF++ tree')
    cv2.setNumThreads(args.threads)
    detectors = build_detectors(args.yunet)
    measured = []
    for number, path in enumerate(paths, 1):
        print(f'{number}/{len(paths)} {path.name}', flush=True)
        measured.append(measure_video(path, detectors, sorted({1, args.every, 10})))
    empty = [path.name for path, video in zip(paths, measured) if not video.frames]
    if empty:
        raise MMFakeError(f'{folder}: no frame in {sample_of(empty)}; remove or replace them')
    report = write_report(measured, detectors, args.every, args.seed)
    print(f'\n{report}')
    if args.out:
        with atomic_file(args.out, 'the report') as temporary:
            temporary.write_text(report + '\n', encoding='utf-8')


if __name__ == '__main__':
    run_command(main)
