"""Test detectors on degraded videos: ``python tools/robustness.py --help``."""

import argparse
import sys

try:
    from mmfake.apis.options import add_detector_arguments, add_resampling_arguments
    from mmfake.console import run_command
    from mmfake.video.degradations import LEVELS
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

EPILOG = f"""\
kinds: {', '.join(LEVELS)}
patch to h264 with the levels of DeeperForensics-1.0; jpeg, resize and frame_rate are our own.

A checkpoint belongs to the config before it. Several of one config, or of one name, are its seeds:

  python tools/robustness.py CONFIG CHECKPOINT --out work_dirs/robustness
  python tools/robustness.py configs/mtl/bin_ce_holdout_f2f.py A/best.pth B/best.pth \\
      configs/mtl/bin_con_holdout_f2f.py C/best.pth --names ce ce con --kinds noise blur \\
      --out work_dirs/robustness

Start the same command again to go on: finished tests are skipped, and a test whose settings or
checkpoint have changed is made again. What a test logs is test.log in its folder. DIR gets
robustness.md (to be read), .csv, .json and the curves (.png, .svg).

exit status: 0 all tests are finished, 2 a mistake in the call, 3 some tests are not finished,
130 interrupted
"""


def parse(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Test detectors on the test videos as they are and degraded: AUC by kind and '
        'level with intervals, means, drop rates and curves.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_detector_arguments(parser)
    parser.add_argument(
        '--kinds',
        nargs='+',
        default=['all'],
        help='(default: all, without those that would do nothing to these videos)',
    )
    parser.add_argument(
        '--levels', nargs='+', type=int, default=[1, 2, 3, 4], help='1 to 5 (default: 1 2 3 4)'
    )
    parser.add_argument('--data-root', metavar='DIR', help='as for tools/test.py')
    add_resampling_arguments(parser, 'noise, patches and resampling')
    return parser.parse_args(argv)


def main(argv=None):
    """Make the tests and the tables."""
    args = parse(argv)
    from mmfake.apis.robustness import robustness  # here: --help needs none of it

    return robustness(**vars(args))


if __name__ == '__main__':
    run_command(main)
