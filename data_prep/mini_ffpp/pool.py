"""Running jobs in several processes under a progress bar."""

from __future__ import annotations

import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import List

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .job import Job


def progress_bar() -> Progress:
    """A bar with the time left, on stderr: stdout is for results.

    Returns:
        Progress: To be used as a context.
    """
    return Progress(
        TextColumn('rendering'),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn('identities,'),
        TimeElapsedColumn(),
        TextColumn('gone,'),
        TimeRemainingColumn(),
        TextColumn('left'),
        console=Console(stderr=True),
    )


def run_all(jobs: List[Job], processes: int) -> None:
    """Run all jobs; when interrupted, finish those begun and drop the rest.

    Args:
        jobs (list[Job]): What to do, in any order.
        processes (int): Processes that work at the same time.
    """
    if not jobs:
        return
    # Started afresh instead of forked: the fork of a process with threads may hang.
    context = multiprocessing.get_context('spawn')
    with progress_bar() as bar, ProcessPoolExecutor(min(processes, len(jobs)), context) as pool:
        # Workers inherit that Ctrl-C is ignored, even while they still import: only this process
        # reacts to it, so that a video begun is finished and no worker prints a stack trace.
        react = signal.signal(signal.SIGINT, signal.SIG_IGN)
        futures = [pool.submit(job.run) for job in jobs]
        signal.signal(signal.SIGINT, react)
        task = bar.add_task('', total=len(jobs))
        try:
            for future in as_completed(futures):
                future.result()
                bar.advance(task)
        except BaseException:
            for future in futures:
                future.cancel()
            raise
