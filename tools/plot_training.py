"""Draw the curves of a training run: ``python tools/plot_training.py --help``."""

import argparse
import sys

try:
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')


def parse_args(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Draw losses and validation AUC of a training run, finished or not; with a '
        'GradientConflictHook also what it measured (gradient_conflict.png and .svg).'
    )
    parser.add_argument('work_dir', help='folder of the run, e.g. work_dirs/bin_ce_holdout_df')
    parser.add_argument(
        '--out',
        nargs='+',
        metavar='FILE',
        help='files to write, .png, .svg or .pdf (default: WORK_DIR/training_curves.png and .svg)',
    )
    return parser.parse_args(argv)


def main(argv=None):
    """Draw as the command line says."""
    args = parse_args(argv)
    # not before: matplotlib takes a second to import
    from mmfake.apis.plot_training import plot_training

    written = plot_training(args.work_dir, args.out)
    print('wrote', ', '.join(map(str, written)))


if __name__ == '__main__':
    run_command(main)
