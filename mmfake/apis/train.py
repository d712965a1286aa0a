"""The training command."""

from __future__ import annotations

import argparse
import os
from typing import Optional, Sequence

import torch
from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.runner import Runner

from ..engine.config import add_run_arguments, load_config
from ..errors import MMFakeError
from .run import check_launcher, check_run, full_disk_told, make_work_dir


def train_detector(argv: Optional[Sequence[str]] = None) -> None:
    """Train a detector from a config; ``tools/train.py --help`` lists the options.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None, those of the process.

    Raises:
        MMFakeError: If config or data have a mistake that the user can mend, the work
            dir cannot be written to, or the disk is full.
    """
    args = _parse(argv)
    check_launcher(args.launcher)
    cfg = load_config(args)
    _merge(cfg, args)
    advice = 'its checkpoints are whole: make room and go on with --resume.'
    with full_disk_told(cfg.work_dir, advice):
        check_run(cfg, ['train_dataloader', 'val_dataloader'])
        make_work_dir(cfg.work_dir)
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
        runner.train()


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Train a detector of manipulated face videos.',
        epilog='Try it without any download: bash tools/demo.sh',
    )
    add_run_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from CHECKPOINT, or from the latest one in the work dir',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision')
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
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def _merge(cfg: Config, args: argparse.Namespace) -> None:
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.default_hooks.checkpoint.save_best = None  # there is no metric to choose it by
    if args.amp:
        if not torch.cuda.is_available():
            raise MMFakeError('--amp needs a GPU, and there is none here; drop it.')
        kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise MMFakeError(
                f'--amp does not go with optim_wrapper.type={kind}; drop one of them.'
            )
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    randomness = dict(cfg.get('randomness') or {})
    randomness.setdefault('seed', 0)
    given = dict(
        seed=args.seed,
        diff_rank_seed=args.diff_rank_seed or None,
        deterministic=args.deterministic or None,
    )
    randomness.update({key: value for key, value in given.items() if value is not None})
    cfg.randomness = randomness
