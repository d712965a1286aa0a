"""Preparation of any other dataset: ``python data_prep/prepare_dataset.py --help``."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == '__main__':
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # the checkout, not this folder

import argparse
from typing import List, Optional, Sequence

from data_prep.listings.list_dataset import LISTINGS, PICTURE_LISTINGS, list_dataset
from data_prep.prepare.options import add_options, check_places, read_settings
from data_prep.prepare.picture_index import index_pictures
from data_prep.prepare.preparation import run_preparation
from mmfake.console import run_command

DESCRIPTION = """\
Prepare another dataset as prepare_ffpp.py prepares FaceForensics++: same faces, clips, index.

  celebdf2         Celeb-DF v2; its List_of_testing_videos.txt makes the test split
  dfdc             DeepFake Detection Challenge: dfdc_train_part_*/metadata.json and test/labels.csv
  dfdc_preview     its preview: dataset.json
  celebdfpp        Celeb-DF++, its extension by 21 generators
  dfd              DeepFakeDetection, downloaded with FF++; all of it is test
  deeperforensics  DeeperForensics-1.0; its originals are those of FF++, --ffpp-root
  faceshifter      FaceShifter of FF++, with the originals, over the official splits of FF++
  folders          two folders of your own: RAW/real/ and RAW/fake/
  df40             DF40, pictures: RAW/DF40 and RAW/dataset_json, indexed where they are
  deepfakebench    pictures of any other dataset that DeepfakeBench has cut out: RAW/dataset_json"""

EPILOG = """\
examples:
  python data_prep/prepare_dataset.py --dataset celebdf2 --root RAW --out data/celebdf2
  python data_prep/prepare_dataset.py --dataset dfdc --root RAW --out data/dfdc --shard 1/20
  python data_prep/prepare_dataset.py --dataset folders --root MY_VIDEOS --out data/mine
  python data_prep/prepare_dataset.py --dataset df40 --root RAW --out data/df40
  python data_prep/prepare_dataset.py --dataset deepfakebench --root RAW --out data/uadfv \\
      --json RAW/dataset_json/UADFV.json

Of your own folders, a fake belongs to the original with whose name its own begins (real/033.mp4,
fake/033_097.mp4), the videos in one folder of real/ show one person, and what belongs together is
in one split: 70 % train, 15 % validate, 15 % test. data_prep/README.md says how to train on them.

exit status: 0 all videos used, 3 some are not or lack pictures (the table and the index say why)
or entries of lists or folders make no sense (the first line says which), 2 wrong usage"""


def build_parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = parser.add_argument_group('data')
    data.add_argument(
        '--dataset', required=True, choices=LISTINGS, help='see above; ffpp has prepare_ffpp.py'
    )
    data.add_argument('--root', type=Path, required=True, metavar='RAW', help='the raw dataset')
    data.add_argument('--out', type=Path, required=True, metavar='DIR', help='the prepared dataset')
    data.add_argument(
        '--splits',
        metavar='DIR',
        help='faceshifter and deeperforensics: folder of the split files of FF++; folders: folder '
        'of train.txt, val.txt and test.txt (or .json) with names of videos',
    )
    data.add_argument(
        '--ffpp-root', metavar='DIR', help='deeperforensics: where FF++ is, for its originals'
    )
    data.add_argument(
        '--condition',
        metavar='C',
        help='deeperforensics: which fakes, e.g. end_to_end_level_5 (default: end_to_end)',
    )
    data.add_argument(
        '--compression', metavar='C', help='faceshifter, dfd, deepfakebench (default: c23)'
    )
    data.add_argument(
        '--json',
        nargs='+',
        metavar='FILE',
        help='df40, deepfakebench: the lists, or folders of them (default: RAW/dataset_json)',
    )
    add_options(parser)
    return parser


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Prepare a dataset as the command line says."""
    args = build_parser().parse_args(arguments)
    settings = read_settings(args)
    check_places(args.root, args.out)
    faults: List[str] = []
    videos = list_dataset(
        args.dataset,
        str(args.root),
        splits_dir=args.splits,
        compression=args.compression,
        ffpp_root=args.ffpp_root,
        condition=args.condition,
        lists=args.json,
        faults=faults,
    )
    if args.dataset in PICTURE_LISTINGS:
        return index_pictures(videos, args, len(faults))
    return run_preparation(videos, settings, args, len(faults))


if __name__ == '__main__':
    run_command(main)
