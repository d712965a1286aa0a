"""Mini FaceForensics++ renderer: ``python data_prep/make_mini_ffpp.py --help``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the checkout, not this folder

import argparse
import os
from typing import Optional, Sequence

from data_prep.mini_ffpp.contact_sheet import save_sheet
from data_prep.mini_ffpp.tree import Settings, render_tree
from mmfake.console import run_command
from mmfake.errors import MMFakeError

DESCRIPTION = """\
Render a small dataset in the layout of FaceForensics++: talking faces that nobody owns, and four
manipulations of each. It needs no download and no licence, and everything that reads the real
dataset reads it unchanged.

  OUT/original_sequences/youtube/c23/videos/AAA.mp4
  OUT/manipulated_sequences/{Deepfakes,Face2Face,FaceSwap,NeuralTextures}/c23/videos/AAA_BBB.mp4
  OUT/splits/{train,val,test}.json

AAA_BBB shows the background and the head of AAA with the face or the expression of BBB."""

EPILOG = """\
examples:
  python data_prep/make_mini_ffpp.py --out data/mini_ffpp
  python data_prep/make_mini_ffpp.py --out data/tiny --pairs 3 --size 64 --sheet data/tiny.png

The same seed gives the same pictures, whatever --jobs. A run that was stopped goes on where it
stopped when the command is given again; a finished tree is left as it is. How well a detector does
on these videos says nothing about how well it does on real ones."""


def build_parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add, default = parser.add_argument, Settings()
    add('--out', type=Path, required=True, metavar='DIR', help='an empty or absent folder')
    add(
        '--pairs',
        type=int,
        default=default.pairs,
        metavar='N',
        help='pairs of identities; each gives 2 originals and 8 manipulated videos. A sixth of '
        'them validates, a quarter tests (default: %(default)s)',
    )
    add('--seed', type=int, default=default.seed, metavar='S', help='(default: %(default)s)')
    add(
        '--frames',
        type=int,
        default=default.frames,
        metavar='F',
        help='frames per video, 25 a second (default: %(default)s)',
    )
    add(
        '--size',
        type=int,
        default=default.size,
        metavar='PX',
        help='side of the square picture in pixels (default: %(default)s)',
    )
    add(
        '--jobs',
        type=int,
        default=os.cpu_count() or 1,
        metavar='J',
        help='processes that render at the same time (default: one per core, %(default)s here)',
    )
    add(
        '--sheet',
        type=Path,
        metavar='FILE.png',
        help='also save a picture of some originals beside their manipulations',
    )
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Render a tree as the command line says."""
    args = build_parser().parse_args(arguments)
    if args.jobs < 1:
        raise MMFakeError(f'--jobs {args.jobs} is below 1: choose another')
    settings = Settings(args.pairs, args.seed, args.frames, args.size)
    try:
        jobs = render_tree(args.out, settings, args.jobs)
    except OSError as error:
        raise MMFakeError(
            f'--out {args.out} cannot be written ({error}): make room or choose another folder'
        ) from error
    videos = sum(len(job.files) for job in jobs)
    print(f'{videos} videos of {len(jobs)} identities are in {args.out}')
    if args.sheet:
        save_sheet(args.sheet, [(f'{j.target}_{j.source}', j.files) for j in jobs[:12:2]])
        print(f'contact sheet: {args.sheet}')


if __name__ == '__main__':
    run_command(main)
