"""Rendering in several processes."""

from __future__ import annotations

from typing import List

from progress import progress_bar
from worker_pool import WorkerPool

from .job import Job


def run_all(jobs: List[Job], processes: int) -> None:
    """Run all jobs; when interrupted, finish those begun and drop the rest.

    Args:
        jobs (list[Job]): What to do, in any order.
        processes (int): Processes that work at the same time.
    """
    if not jobs:
        return
    bar = progress_bar('rendering', 'identities')
    processes = min(processes, len(jobs))
    with bar, WorkerPool(Job.run, processes, preload=['mmfake.video']) as pool:
        task = bar.add_task('', total=len(jobs))
        for job in jobs:
            pool.submit(job)
        for _, future in pool.finished():
            future.result()
            bar.advance(task)
