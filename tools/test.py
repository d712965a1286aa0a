"""Test a detector: ``python tools/test.py --help``."""

import argparse
import sys
from pathlib import Path

try:
    from mmfake.apis.options import add_run_arguments, config_of
    from mmfake.console import process_rank, run_command
    from mmfake.errors import MMFakeError
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

EPILOG = """examples:
  python tools/test.py configs/mtl/bin_ce_holdout_df.py \\
      work_dirs/bin_ce_holdout_df/best_deepfake_auc_epoch_50.pth
  python tools/test.py CONFIG CHECKPOINT --scale mini --work-dir work_dirs/try

Several processes: bash tools/dist_test.sh, bash tools/slurm_test.sh.
Figures and tables of the scores: python tools/score.py WORK_DIR/scores.csv
"""


def parse_args(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Score the test videos: originals and the manipulation never seen in training. '
        'The metrics are printed, the scores go to a CSV file.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_arguments(parser)
    parser.add_argument(
        'checkpoint',
        help='checkpoint file, or the word pretrained: the weights that the config starts a '
        'training from, such as those of CLIP',
    )
    parser.add_argument(
        '--threshold',
        type=float,
        help='decision threshold beside 0.5 (default: the one chosen on validation, if the '
        'checkpoint has it)',
    )
    parser.add_argument(
        '--scores', metavar='CSV', help='where the scores go (default: WORK_DIR/scores.csv)'
    )
    parser.add_argument('--dump', metavar='PKL', help='also dump the predictions, as in mmaction2')
    args, further = parser.parse_known_args(argv)
    if further and all(word.endswith('.pth') for word in further):  # a * that matches several
        given = [args.checkpoint, *further]
        raise MMFakeError(
            f'{len(given)} checkpoints are given ({", ".join(given)}), and one is tested: give '
            f'{min(given, key=len)}.'
        )
    if further:
        parser.error(f'unrecognized arguments: {" ".join(further)}')
    return args


def main(argv=None):
    """Test as the command line says."""
    args = parse_args(argv)
    is_file = Path(args.checkpoint).is_file() or '://' in args.checkpoint
    if not is_file and args.checkpoint != 'pretrained':
        raise MMFakeError(f'{args.checkpoint}: no such checkpoint file.')
    # not before: torch and mmaction2 take seconds to import
    from mmfake.apis.test import nothing_scored, set_test_options, test

    cfg = config_of(args)
    set_test_options(
        cfg,
        args.checkpoint,
        threshold=args.threshold,
        scores=args.scores,
        dump=args.dump,
    )
    if nothing_scored(test(cfg)):
        if process_rank() == '0':
            print('error: none of the videos was scored; see the reasons above', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    run_command(main)
