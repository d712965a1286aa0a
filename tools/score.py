"""Judge anybody's files of scores: ``python tools/score.py --help``."""

import argparse
import sys

try:
    from mmfake.apis.options import add_resampling_arguments
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

EPILOG = """\
A file of scores is a CSV file (or one with tabs or semicolons) with a header and one row a video:

  video,method,label,score
  033,original,0,0.12
  033_097,Deepfakes,1,0.93

video   name of the video; methods may share names, a video is (method, video)
method  original (or real), df, f2f, fs, nt, their FaceForensics++ names, or any other
label   0 original, 1 manipulated (or real, fake; False, True)
score   how strongly it speaks for manipulated, 0 to 1, the mean over the clips or frames of the
        video; empty, nan or a word: the video is not scored, and counted as such

The scores.csv that tools/test.py writes is such a file. Give several files of the same videos to
compare them: paired tests, with p-values corrected for their number.

  python tools/score.py theirs.csv ours.csv --out work_dirs/scores --threshold 0.4 0.5

tools/test.py leaves the threshold chosen on validation beside its scores.csv, in scores.json.

--out gets table.csv (one row a file and method), table.md (to be read), table.json (everything),
comparisons.csv (every pair), and the figures intervals, roc, histogram, confusion, reliability
and coverage (.png, .svg).

exit status: 0 the files were judged, also where some videos have no score, 2 a mistake in the call
or in a file
"""


def parse(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Video metrics with 95 % intervals, tables, comparisons and figures from files '
        'of scores.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('files', nargs='+', metavar='scores.csv', help='files of scores')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of what is written')
    parser.add_argument(
        '--threshold',
        nargs='+',
        type=float,
        metavar='T',
        help='decision threshold, one for all files or one each (default: the one chosen on '
        'validation where a file has it beside it; else accuracy is given at 0.5 alone)',
    )
    parser.add_argument(
        '--names', nargs='+', metavar='NAME', help='names of the files (default: from their paths)'
    )
    parser.add_argument(
        '--average-frames',
        action='store_true',
        help='rows are frames, such as VIDEO/FRAME.png, VIDEO_frame_NNN or VIDEO/NNN: average '
        'those of a video',
    )
    parser.add_argument(
        '--paper-compat',
        action='store_true',
        help='also accuracies without the last incomplete batch of 32, as in arXiv 2308.13503',
    )
    add_resampling_arguments(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Judge the files and print the table."""
    args = parse(argv)
    from mmfake.apis.score import score_files  # here: --help needs none of it

    text = score_files(
        args.files,
        args.out,
        thresholds=args.threshold,
        n_bootstrap=args.n_bootstrap,
        seed=args.seed,
        names=args.names,
        average_frames=args.average_frames,
        dropped_batch=args.paper_compat,
    )
    print(text)
    print(f'wrote table.csv, table.md, table.json, comparisons.csv and the figures to {args.out}')


if __name__ == '__main__':
    run_command(main)
