"""Memory hook: resident memory of a training and of the workers of its loader."""

from __future__ import annotations

from typing import Dict, List, Optional, Set, Tuple

import psutil
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from scipy.stats import theilslopes

MB = 2**20


@HOOKS.register_module(force=True)
class MemoryHook(Hook):
    """Samples the resident memory of this process and of the workers of its loaders.

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
        """Process id -> MB per iteration after the warm-up, where there are enough samples."""
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
    """The table: a column for every process, a row for every sample."""
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
