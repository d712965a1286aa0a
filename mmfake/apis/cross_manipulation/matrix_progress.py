"""How far the matrix is."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Set

from ...console import ProgressBar
from .cell import Cell
from .run_cell import Outcome


class MatrixProgress:
    """A bar on stderr, and a line for each cell that begins and ends.

    Args:
        total (int): Number of cells.
        jobs (int): Cells at a time.
    """

    def __init__(self, total: int, jobs: int) -> None:
        self._total, self._jobs = total, jobs
        self._begun = time.monotonic()
        self._running: Set[str] = set()
        self._ran = self._failed = self._done = 0
        self._lock = threading.Lock()
        self._bar = ProgressBar()
        self._task = self._bar.add_task('cells', total=total)

    def __enter__(self) -> MatrixProgress:
        self._bar.start()
        self._show()
        return self

    def __exit__(self, *_) -> None:
        self._bar.stop()

    def begin(self, cell: Cell) -> None:
        """Note that a cell is being run, from any thread."""
        with self._lock:
            self._running.add(cell.name)
            self._show()
        self._say(f'running  {cell.name}')

    def end(self, outcome: Outcome) -> None:
        """Note that a cell has ended."""
        with self._lock:
            self._running.discard(outcome.cell.name)
            self._done += 1
            self._ran += outcome.state == 'finished'
            self._failed += not outcome.ok
            self._bar.advance(self._task)
            self._show()
        text = f'{outcome.state:8} {outcome.cell.name}'
        self._say(f'{text}: {outcome.reason}' if outcome.reason else text)

    def time_left(self) -> str:
        """Estimate the time left from the cells that were really run.

        Returns:
            str: Such as ``'1:20:00'``, ``'?'`` before the first has ended.
        """
        if not self._ran:
            return '?'
        left = (time.monotonic() - self._begun) / self._ran * (self._total - self._done)
        return str(timedelta(seconds=round(left)))

    def _show(self) -> None:
        running = len(self._running)
        text = f'cells, {running} running, {self._failed} failed, {self.time_left()} left'
        self._bar.update(self._task, description=text)

    def _say(self, text: str) -> None:
        self._bar.console.print(text)
