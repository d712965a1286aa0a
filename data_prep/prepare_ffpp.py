"""Preparation of FaceForensics++: ``python data_prep/prepare_ffpp.py --help``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the checkout, not this folder

import argparse
from typing import Optional, Sequence

from data_prep.listings.list_dataset import list_dataset
from data_prep.prepare.options import add_options, check_places, read_settings
from data_prep.prepare.preparation import run_preparation
from mmfake.console import run_command
from mmfake.datasets.manipulations import manipulation_keys, register_manipulation
from mmfake.errors import MMFakeError

DESCRIPTION = """\
Prepare FaceForensics++: find every video of the official splits, track the face, write a square
face clip per video and an index that FFPPDataset reads.

  ROOT/original_sequences/youtube/c23/videos/071.mp4                      raw, as downloaded
  ROOT/manipulated_sequences/Deepfakes/c23/videos/071_054.mp4
  ROOT/splits/{train,val,test}.json                                       or --splits DIR

  OUT/index.csv                              one row per video: used, or why not
  OUT/clips/df/c23/071_054.mp4               the face clip
  OUT/tracks/df/c23/071_054.npz              face boxes and landmarks, per frame
  OUT/records/df/c23/071_054.json            what the clip was made from
  OUT/index.log"""

EPILOG = """\
examples:
  python data_prep/prepare_ffpp.py --root /data/FaceForensics++ --out data/ffpp
  python data_prep/prepare_ffpp.py --root RAW --out data/ffpp --shard 2/10   # of ten machines
  python data_prep/prepare_ffpp.py --root RAW --out data/ffpp --dry-run
  python data_prep/prepare_ffpp.py --root RAW --out data/ffpp \\
      --methods df f2f fs nt sim=manipulated_sequences/SimSwap           # one of your own

Stop it whenever you like: the same command goes on where it stopped, and redoes only what is
missing or was made with other settings or from another file. The index names the raw files relative
to OUT; previews need them there, training does not.

exit status: 0 all videos used, 3 some are not (the table and the index say why), 2 wrong usage,
130 interrupted"""


def build_parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = parser.add_argument_group('data')
    data.add_argument('--root', type=Path, required=True, metavar='RAW', help='the raw dataset')
    data.add_argument('--out', type=Path, required=True, metavar='DIR', help='the prepared dataset')
    data.add_argument(
        '--splits',
        metavar='DIR',
        help='folder of train.json, val.json and test.json (default: RAW/splits, or RAW)',
    )
    data.add_argument(
        '--compression',
        default='c23',
        metavar='C',
        help='raw (or c0, the same), c23 or c40 (default: %(default)s)',
    )
    data.add_argument(
        '--methods',
        nargs='+',
        default=list(manipulation_keys()),
        metavar='KEY',
        help=f'manipulations beside the originals (default: {" ".join(manipulation_keys())}; '
        'also fsh, FaceShifter); one of your own is KEY=FOLDER with its folder in RAW, e.g. '
        'sim=manipulated_sequences/SimSwap',
    )
    add_options(parser)
    return parser


def read_method(word: str) -> str:
    """Read ``KEY`` or, of a manipulation of your own, ``KEY=FOLDER``, which becomes known here."""
    key, given, folder = word.partition('=')
    if given and folder:
        return register_manipulation(key, folder, Path(folder).name).key
    if given or key not in manipulation_keys(everything=True):
        raise MMFakeError(
            f'--methods {word}: unknown manipulation {key!r}; known are '
            f'{", ".join(manipulation_keys(everything=True))}, and one of your own needs its '
            f'folder in RAW: {key}=manipulated_sequences/NAME'
        )
    return key


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Prepare FaceForensics++ as the command line says."""
    args = build_parser().parse_args(arguments)
    settings = read_settings(args)
    check_places(args.root, args.out)
    videos = list_dataset(
        'ffpp',
        str(args.root),
        splits_dir=args.splits,
        compression=args.compression,
        methods=[read_method(word) for word in args.methods],
    )
    return run_preparation(videos, settings, args)


if __name__ == '__main__':
    run_command(main)
