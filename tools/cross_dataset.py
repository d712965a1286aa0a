"""Test detectors on several datasets: ``python tools/cross_dataset.py --help``."""

import argparse
import sys

try:
    from mmfake.apis.options import add_detector_arguments, add_resampling_arguments
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

EPILOG = """\
A set is NAME=DIR, DIR what data_prep has made of a dataset (or FaceForensics++ as downloaded).
These names must be what they say: ffpp, fsh (FaceShifter of FF++), cdf (Celeb-DF v2), cdfpp
(Celeb-DF++), dfd (DeepFakeDetection), df40 (DF40), dfo (DeeperForensics-1.0), dfdc, dfdcp (its
preview). Any other name is your own. DF40 is single frames: a detector of clips refuses it.

  python tools/cross_dataset.py CONFIG CHECKPOINT --sets ffpp=data/ffpp cdf=data/celebdf2 \\
      dfdc=data/dfdc --out work_dirs/cross

A checkpoint belongs to the config before it. Several of one config, or of one --names, are its
seeds; several names are compared in pairs.

Start the same command again to go on: finished tests are skipped, and a test whose settings or
checkpoint have changed is made again. What a test logs is test.log in its folder. DIR gets
cross_dataset.md (to be read), .csv, .json, comparisons.csv and a figure (.png, .svg).

exit status: 0 all tests are finished, 2 a mistake in the call, 3 some tests are not finished,
130 interrupted
"""


def parse(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Test detectors on the test videos of several datasets: one table of AUC, AP, '
        'EER, accuracy and TPR at fixed FPR with intervals, and its means.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_detector_arguments(parser, of_ffpp=', of FF++')
    parser.add_argument('--sets', nargs='+', required=True, metavar='NAME=DIR', help='see below')
    add_resampling_arguments(parser)
    return parser.parse_args(argv)


def main(argv=None):
    """Make the tests and the table."""
    args = parse(argv)
    from mmfake.apis.cross_dataset import cross_dataset  # here: --help needs none of it

    return cross_dataset(**vars(args))


if __name__ == '__main__':
    run_command(main)
