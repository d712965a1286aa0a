"""Many cells, some at a time."""

from __future__ import annotations

import os
import queue
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import torch
from mmengine.config import Config

from .cell import Cell
from .cell_commands import CellCommands
from .child_processes import ChildProcesses, InterruptedCommand
from .matrix_progress import MatrixProgress
from .run_cell import Outcome, run_cell


def run_matrix(
    cells: Sequence[Tuple[Cell, Config]],
    commands: CellCommands,
    jobs: int = 1,
    tidy: bool = False,
) -> List[Outcome]:
    """Train and test cells; one that fails does not keep the others from being run.

    Args:
        cells (Sequence[tuple[Cell, Config]]): The cells with their configs.
        commands (CellCommands): Writes their commands.
        jobs (int): Cells at a time. Defaults to 1.
        tidy (bool): As for :func:`.run_cell`. Defaults to False.

    Returns:
        list[Outcome]: How each ended, in the order given.

    Raises:
        KeyboardInterrupt: On Ctrl-C or SIGTERM, after the running commands were told and ended.
    """
    children = ChildProcesses()
    slots = _slots(jobs, commands)
    outcomes: Dict[Cell, Outcome] = {}

    def work(place: int, cell: Cell, cfg: Config) -> Outcome:
        environment = slots.get()
        try:
            children.check()  # before the cell has a folder
            return run_cell(cell, cfg, commands, children, progress.begin, place, environment, tidy)
        finally:
            slots.put(environment)

    pool = ThreadPoolExecutor(jobs)
    with MatrixProgress(len(cells), jobs) as progress, _ended_by_sigterm(), pool:
        waiting = {pool.submit(work, place, cell, cfg) for place, (cell, cfg) in enumerate(cells)}
        try:
            while waiting:
                # with a limit, or Windows does not notice Ctrl-C
                done, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = future.result()
                    outcomes[outcome.cell] = outcome
                    progress.end(outcome)
        except BaseException as error:
            for future in waiting:
                future.cancel()
            children.stop()
            # Ctrl-C may reach a command, and so its thread, before it reaches this one
            if isinstance(error, InterruptedCommand):
                raise KeyboardInterrupt from None
            raise
    return [outcomes[cell] for cell, _ in cells]


def _slots(jobs: int, commands: CellCommands) -> queue.Queue:
    """The environment of each of the cells at a time: GPUs of its own where there are enough."""
    slots: queue.Queue = queue.Queue()
    devices = visible_devices()
    for slot in range(jobs):
        mine = devices[slot * commands.gpus : (slot + 1) * commands.gpus]
        if jobs > 1 and commands.launcher != 'slurm' and len(devices) >= jobs * commands.gpus:
            slots.put(dict(os.environ, CUDA_VISIBLE_DEVICES=','.join(mine)))
        else:
            slots.put(None)
    return slots


def visible_devices(environment: Optional[Mapping[str, str]] = None) -> List[str]:
    """List the GPUs that this process may use.

    Args:
        environment (Mapping, optional): Defaults to None, that of this process.

    Returns:
        list[str]: As ``CUDA_VISIBLE_DEVICES`` names them.
    """
    named = (os.environ if environment is None else environment).get('CUDA_VISIBLE_DEVICES')
    if named is not None:
        return [name.strip() for name in named.split(',') if name.strip()]
    return [str(number) for number in range(torch.cuda.device_count())]


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM, which schedulers send, do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
