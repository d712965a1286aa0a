"""The command that judges anybody's files of scores."""

from __future__ import annotations

import argparse
from typing import Optional, Sequence

from .score_files import score_files

_EPILOG = """\
A file of scores is a CSV file with a header and one row a video:

  video,method,label,score
  033,original,0,0.12
  033_097,Deepfakes,1,0.93

video   name of the video; methods may share names, a video is (method, video)
method  original, df, f2f, fs, nt, their FaceForensics++ names, or any other
label   0 original, 1 manipulated
score   probability of being manipulated, the mean over the clips or frames of the video

The scores.csv that tools/test.py writes is such a file. Give several files of the same videos to
compare them: paired tests, corrected for their number, and in words what is resolved.

  python tools/score.py theirs.csv ours.csv --out work_dirs/scores --threshold 0.4 0.5

--out gets table.csv (one row a file and method), table.md (to be read), table.json (everything),
comparisons.csv (every pair), and the figures intervals, roc, histogram and confusion (.png, .svg).
"""


def score_command(argv: Optional[Sequence[str]] = None) -> None:
    """Judge files of scores; ``tools/score.py --help`` says how.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None, those of the process.

    Raises:
        MMFakeError: A file cannot be read, has a bad row or cannot be written.
    """
    parser = argparse.ArgumentParser(
        description='Video metrics with 95 % intervals, tables, comparisons and figures from files '
        'of scores.',
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('files', nargs='+', metavar='scores.csv', help='files of scores')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of what is written')
    parser.add_argument(
        '--threshold',
        nargs='+',
        type=float,
        metavar='T',
        help='threshold chosen on validation, one for all files or one each (default: none; '
        'accuracy is then given at 0.5 alone)',
    )
    parser.add_argument(
        '--bootstrap',
        type=_positive,
        default=1000,
        metavar='B',
        help='replicates behind the intervals (default: 1000)',
    )
    parser.add_argument(
        '--seed', type=_not_negative, default=0, help='seed of the resampling (default: 0)'
    )
    args = parser.parse_args(argv)
    print(score_files(args.files, args.out, args.threshold, args.bootstrap, args.seed))
    print(f'wrote table.csv, table.md, table.json, comparisons.csv and 4 figures to {args.out}')


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f'{value} is not a positive number')
    return value


def _not_negative(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f'{value} is negative')
    return value
