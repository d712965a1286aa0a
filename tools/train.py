"""Train a detector: ``python tools/train.py --help``."""

import argparse
import sys

try:
    from mmfake.apis.options import add_run_arguments, config_of
    from mmfake.console import run_command
except RuntimeError as error:  # a host version that mmfake does not run on
    sys.exit(f'error: {error}')

DTYPES = ('float16', 'bfloat16')
EPILOG = """examples:
  python tools/train.py configs/mtl/bin_multi_ce_holdout_f2f.py
  python tools/train.py configs/mtl/bin_multi_ce_holdout_f2f.py --resume
  python tools/train.py configs/mtl/bin_ce_holdout_df.py --scale mini --work-dir work_dirs/try
  python tools/train.py configs/mtl/bin_ce_holdout_df.py --cfg-options train_cfg.max_epochs=10

Several processes: bash tools/dist_train.sh, bash tools/slurm_train.sh.
Try it without any download: bash tools/demo.sh
"""


def parse_args(argv=None):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description='Train a detector of manipulated face videos. Checkpoints, logs and curves go '
        'to the work dir; a run that was interrupted goes on with --resume.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from CHECKPOINT, or from the latest one in the work dir',
    )
    parser.add_argument(
        '--amp',
        nargs='?',
        const=True,
        default=False,
        choices=DTYPES,
        metavar='DTYPE',
        help='mixed precision: float16 (default on a GPU, and on it alone), or bfloat16 (default '
        'on a CPU), which needs no loss scale, and a GPU or processor of 2020 or later',
    )
    parser.add_argument('--no-validate', action='store_true', help='train without validation')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by world size x batch size / auto_scale_lr.base_batch_size',
    )
    parser.add_argument(
        '--seed', type=int, help='random seed (default: what the config says, else 0)'
    )
    parser.add_argument(
        '--diff-rank-seed', action='store_true', help='give each process a seed of its own'
    )
    parser.add_argument(
        '--deterministic', action='store_true', help='deterministic algorithms on the GPU'
    )
    words = list(sys.argv[1:] if argv is None else argv)
    if '--amp' in words[:-1] and words[words.index('--amp') + 1] not in DTYPES:
        words.append(words.pop(words.index('--amp')))  # a config may follow it, as ever
    return parser.parse_args(words)


def main(argv=None):
    """Train as the command line says."""
    args = parse_args(argv)
    # not before: torch and mmaction2 take seconds to import
    from mmfake.apis.train import set_training_options, train

    cfg = config_of(args)
    set_training_options(
        cfg,
        resume=args.resume,
        amp=args.amp,
        validate=not args.no_validate,
        auto_scale_lr=args.auto_scale_lr,
        seed=args.seed,
        diff_rank_seed=args.diff_rank_seed,
        deterministic=args.deterministic,
    )
    train(cfg)


if __name__ == '__main__':
    run_command(main)
