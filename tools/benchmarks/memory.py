"""Watch the memory of a training: ``python tools/benchmarks/memory.py --help``."""

from __future__ import annotations

import argparse
import tempfile
from typing import Dict, List, Optional, Sequence, Set, Tuple

import psutil
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from scipy.stats import theilslopes

from mmfake.console import run_command
from mmfake.engine.config import add_run_arguments, load_config
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

MB = 2**20


@HOOKS.register_module(force=True)
class MemoryHook(Hook):
    """Samples the resident memory of this process and of all that descend from it.

    Args:
        every (int): Iterations between samples. Defaults to 25.
        stop_after (int, optional): Iterations after which training ends with the epoch. Defaults to
            None.

    Attributes:
        samples (dict[int, list[tuple]]): Process id -> (iteration, MB), in order.
        names (dict[int, str]): Process id -> what it does.
    """

    priority = 'LOWEST'

    def __init__(self, every: int = 25, stop_after: Optional[int] = None) -> None:
        self.every, self.stop_after = every, stop_after
        self.samples: Dict[int, List[Tuple[int, float]]] = {}
        self.names: Dict[int, str] = {}
        self._others: Set[int] = set()

    def before_run(self, runner: Runner) -> None:
        """Note the processes that are none of this training."""
        self._others = {process.pid for process in psutil.Process().children(recursive=True)}

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Take a sample."""
        if (runner.iter + 1) % self.every == 0:
            main = psutil.Process()
            self._note(runner, main, 'training')
            workers = [child for child in main.children() if child.pid not in self._others]
            for number, worker in enumerate(sorted(workers, key=lambda p: p.pid)):
                self._note(runner, worker, f'worker {number}')
        if self.stop_after is not None and runner.iter + 1 >= self.stop_after:
            runner.train_loop.stop_training = True

    def slopes(self, warm_up: int) -> Dict[int, float]:
        """Say how memory grows.

        Args:
            warm_up (int): Iterations that are left out.

        Returns:
            dict[int, float]: Process id -> MB per iteration, of the processes with enough samples.
        """
        late = {
            pid: [sample for sample in samples if sample[0] > warm_up]
            for pid, samples in self.samples.items()
        }
        return {
            pid: float(theilslopes([mb for _, mb in points], [i for i, _ in points])[0])
            for pid, points in late.items()
            if len(points) >= 3
        }

    def _note(self, runner: Runner, process: psutil.Process, name: str) -> None:
        self.names.setdefault(process.pid, name)
        sample = (runner.iter + 1, process.memory_info().rss / MB)
        self.samples.setdefault(process.pid, []).append(sample)


def report(hook: MemoryHook, warm_up: int) -> str:
    """Write the table.

    Args:
        hook (MemoryHook): After the training.
        warm_up (int): Iterations that the slopes leave out.

    Returns:
        str: A column for every process, a row for every sample.
    """
    pids = list(hook.samples)
    iterations = sorted({i for samples in hook.samples.values() for i, _ in samples})
    rows = [['iteration', *(hook.names[pid] for pid in pids)]]
    for iteration in iterations:
        found = [dict(hook.samples[pid]).get(iteration) for pid in pids]
        rows.append([str(iteration), *('-' if mb is None else f'{mb:.1f}' for mb in found)])
    slopes = hook.slopes(warm_up)
    per_hundred = [f'{100 * slopes[pid]:+.2f}' if pid in slopes else '-' for pid in pids]
    rows.append([f'MB per 100 after {warm_up}', *per_hundred])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return '\n'.join('  '.join(cell.rjust(w) for cell, w in zip(row, widths)) for row in rows)


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
    cfg = load_config(args)
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
