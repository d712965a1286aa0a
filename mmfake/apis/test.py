"""The test command."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Optional, Sequence

from mmaction.registry import RUNNERS
from mmengine.config import Config
from mmengine.runner import Runner

from ..engine.config import add_run_arguments, load_config
from ..errors import MMFakeError
from .run import check_launcher, check_run, full_disk_told, make_work_dir


def test_detector(argv: Optional[Sequence[str]] = None) -> None:  # noqa: PT028 - a command
    """Score a trained detector on the test videos; ``tools/test.py --help`` lists the options.

    Args:
        argv (Sequence[str], optional): Arguments. Defaults to None, those of the process.

    Raises:
        MMFakeError: If config, data or checkpoint have a mistake that the user can mend, the
            work dir cannot be written to, or the disk is full.
    """
    args = _parse(argv)
    check_launcher(args.launcher)
    cfg = load_config(args)
    _merge(cfg, args)
    if not Path(args.checkpoint).is_file() and '://' not in args.checkpoint:
        raise MMFakeError(f'{args.checkpoint}: no such checkpoint file.')
    with full_disk_told(cfg.work_dir, 'make room and test again.'):
        check_run(cfg, ['test_dataloader'])
        make_work_dir(cfg.work_dir)
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
        runner.test()


def _parse(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Score the test videos: originals and the manipulation never seen in training.'
    )
    add_run_arguments(parser)
    parser.add_argument('checkpoint', help='checkpoint file')
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
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def _merge(cfg: Config, args: argparse.Namespace) -> None:
    cfg.load_from = args.checkpoint
    evaluators = cfg.test_evaluator
    evaluators = list(evaluators) if isinstance(evaluators, (list, tuple)) else [evaluators]
    for evaluator in evaluators:
        if str(evaluator.type).endswith('DeepfakeMetric'):
            if args.threshold is not None:
                evaluator.threshold = args.threshold
            if args.scores or not evaluator.get('scores_file'):
                evaluator.scores_file = args.scores or str(Path(cfg.work_dir, 'scores.csv'))
    if args.dump:
        if not args.dump.endswith(('.pkl', '.pickle')):
            raise MMFakeError(f'--dump {args.dump}: the file name must end in .pkl or .pickle.')
        evaluators.append(dict(type='DumpResults', out_file_path=args.dump))
    cfg.test_evaluator = evaluators
