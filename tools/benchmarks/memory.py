"""Watch the memory of a training: ``python tools/benchmarks/memory.py --help``."""

from __future__ import annotations

import argparse
import tempfile
from typing import Optional, Sequence

from mmfake.apis.options import add_run_arguments, config_of
from mmfake.console import run_command
from mmfake.errors import MMFakeError

DESCRIPTION = """\
Train for some hundred iterations, with worker processes and without validation, and print the
resident memory (RSS, MB) of every process over time: of the training itself and of each worker of
the loader. The slope is the median of the slopes between all pairs of points after the warm-up;
memory that is kept for good shows as a steady one.
"""

EPILOG = """\
example, two minutes on two CPU cores:
  python data_prep/make_mini_ffpp.py --out data/mini_ffpp
  python tools/benchmarks/memory.py configs/mtl/bin_multi_con_holdout_f2f.py --scale mini"""


def main(arguments: Optional[Sequence[str]] = None) -> None:
    """Measure as the command line says.

    Args:
        arguments (Sequence[str], optional): Words of the command line. Defaults to None: those of
            the process.

    Raises:
        MMFakeError: If an argument is wrong.
    """
    parser = argparse.ArgumentParser(
        description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_run_arguments(parser)
    add = parser.add_argument
    add('--iterations', type=int, default=500, help='at least; an epoch is finished (default: 500)')
    add('--every', type=int, default=25, help='iterations between samples (default: 25)')
    add('--warm-up', type=int, default=100, help='iterations the slope leaves out (default: 100)')
    add('--workers', type=int, default=2, help='worker processes (default: 2)')
    args = parser.parse_args(arguments)
    for name in ('iterations', 'every', 'workers'):
        if getattr(args, name) < 1:
            raise MMFakeError(f'--{name} {getattr(args, name)} is below 1; choose another')
    # not before: torch and mmaction2 take seconds to import
    from memory_hook import MemoryHook, report  # beside this script
    from mmengine.runner import Runner

    cfg = config_of(args)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.train_cfg.max_epochs = args.iterations
    cfg.train_dataloader.num_workers = args.workers
    cfg.train_dataloader.persistent_workers = True
    # nothing is saved: the memory of training is what is looked at
    cfg.default_hooks.checkpoint.update(save_best=None, interval=-1, save_last=False)
    cfg.default_hooks.checkpoint.published_keys = None
    cfg.custom_hooks.append(dict(type='MemoryHook', every=args.every, stop_after=args.iterations))
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir = folder
        runner = Runner.from_cfg(cfg)
        runner.train()
    (hook,) = (hook for hook in runner.hooks if isinstance(hook, MemoryHook))
    print(report(hook, args.warm_up))


if __name__ == '__main__':
    run_command(main)
