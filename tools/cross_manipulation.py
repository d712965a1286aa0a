"""Train, test and compare every regime: ``python tools/cross_manipulation.py --help``."""

import argparse
import signal
import sys

try:
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

EPILOG = """\
Every cell is trained and tested by tools/train.py and tools/test.py in a folder of its own,
DIR/<regime>_holdout_<method>/seed_<s>. Start the same command again to go on: finished cells are
skipped, an interrupted one is resumed from its last checkpoint. A cell that fails is listed at the
end, its log is train.log or test.log in its folder.

DIR gets table.csv, table.md (to be read), table.json (everything), comparison.md (beside the
paper), comparisons.csv (every pair), and the figures heat_map, intervals, roc, confusion (.png,
.svg).

  python tools/cross_manipulation.py --work-dir work_dirs/mini --scale mini --seeds 0 1 2

exit status: 0 all cells are finished, or printed (--dry-run), 2 a mistake in the call, 3 some cells
are not finished, or refused (--dry-run), 130 interrupted
"""


def parse(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Train and test every regime on every held-out manipulation with every seed, '
        'and make tables and figures of it.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--work-dir', required=True, metavar='DIR', help='folder of all cells')
    parser.add_argument(
        '--regimes',
        nargs='+',
        help="e.g. bin_ce bin_con, or all (default: the rows of the paper's table; all with "
        '--configs or --collect-only)',
    )
    parser.add_argument('--holdouts', nargs='+', default=['all'], help='e.g. df f2f (default: all)')
    parser.add_argument(
        '--seeds', nargs='+', type=seed, help='(default: 0; with --collect-only: all)'
    )
    parser.add_argument(
        '--configs',
        metavar='DIR',
        help='folder of configs <regime>_holdout_<method>.py (default: configs/mtl and '
        'configs/frames)',
    )
    parser.add_argument('--scale', help='as for tools/train.py')
    parser.add_argument('--data-root', metavar='DIR', help='as for tools/train.py')
    parser.add_argument('--compression', metavar='C', help='as for tools/train.py')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='of every cell'
    )
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm'], default='none')
    parser.add_argument(
        '--gpus', type=int, default=1, metavar='N', help='processes of a cell (default: 1)'
    )
    parser.add_argument('--partition', default='', help='partition of Slurm')
    parser.add_argument(
        '--jobs',
        type=int,
        default=1,
        metavar='J',
        help='cells at a time, each on GPUs of its own where there are enough (default: 1)',
    )
    parser.add_argument(
        '--tidy',
        action='store_true',
        help='remove epoch_*.pth from finished cells; the best checkpoint stays',
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='print the commands, write and run nothing'
    )
    parser.add_argument(
        '--collect-only', action='store_true', help='only tables and figures of what is finished'
    )
    parser.add_argument(
        '--embedding-of',
        metavar='REGIME/HOLDOUT/SEED',
        help='also draw a map of the test embeddings of this cell, e.g. bin_ce/f2f/0',
    )
    parser.add_argument(
        '--update-readme',
        metavar='FILE',
        help='with --collect-only: put the tables of table.md between the marks of this file',
    )
    args = parser.parse_args(argv)
    if args.update_readme and not args.collect_only:
        parser.error('--update-readme needs --collect-only')
    if args.launcher == 'none' and args.gpus != 1:
        parser.error('--gpus needs --launcher pytorch or slurm')
    if args.launcher == 'slurm' and not args.partition:
        parser.error('--launcher slurm needs --partition')
    if min(args.jobs, args.gpus) < 1:
        parser.error('--jobs and --gpus must be at least 1')
    return args


def seed(text):
    """Read a seed as numpy wants it."""
    if not text.isdecimal() or int(text) >= 1 << 32:
        raise argparse.ArgumentTypeError(f'{text} is not a whole number from 0 to 2**32 - 1')
    return int(text)


def main(argv=None):
    """Run the cells, or print them, and make the tables."""
    args = parse(argv)
    from mmfake.apis.cross_manipulation import cross_manipulation  # here: --help needs none of it

    # schedulers send it: it ends the commands as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return cross_manipulation(**vars(args))


if __name__ == '__main__':
    run_command(main)
