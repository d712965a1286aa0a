"""Worker pool: jobs in several processes, each ending with a result, an error or a timeout."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
from collections import deque
from concurrent.futures import Future
from multiprocessing import forkserver, resource_tracker
from typing import Any, Callable, Deque, Iterator, Optional, Sequence, Tuple

from mmfake.console import ProgressBar
from mmfake.errors import MMFakeError


def _context(preload: str) -> multiprocessing.context.BaseContext:
    """Choose how processes start: never by forking this one, whose threads may hold locks."""
    if 'forkserver' not in multiprocessing.get_all_start_methods():  # Windows
        return multiprocessing.get_context('spawn')
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([preload])
    # The first to start a process starts these two as well. They inherit that Ctrl-C is held back,
    # for good, and hand it on: no worker prints a stack trace, even while it imports.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # the server imports from where this process does, which Python below 3.14 forgets to tell it
    path = os.environ.get('PYTHONPATH')
    os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, sys.path))
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if path is None:
            del os.environ['PYTHONPATH']
        else:
            os.environ['PYTHONPATH'] = path
    return context


class WorkerPool:
    """Run a function on many jobs, each in one of several processes.

    A job that takes too long is ended with its process, a process that dies takes down its own job
    only, and the others go on. The module of the function is imported once, not by each process.
    Only the process that made the pool reacts to Ctrl-C: once, and the jobs begun are finished;
    twice, and they are ended.

    Args:
        function (Callable): What to do with a job; importable by name, as the job is pickled.
        processes (int): Processes that work at the same time.
        timeout (float, optional): Seconds after which a job is ended. Defaults to None: never.

    Raises:
        MMFakeError: If pebble is not installed.

    Example:
        >>> with WorkerPool(render, processes=2) as pool:
        ...     for job in jobs:
        ...         pool.submit(job)
        ...     for job, future in pool.finished():
        ...         future.result()  # raises what the job raised; TimeoutError if it was ended
    """

    def __init__(
        self, function: Callable[[Any], Any], processes: int, timeout: Optional[float] = None
    ) -> None:
        try:
            from pebble import ProcessPool
        except ImportError:
            raise MMFakeError(
                'worker processes need pebble, which is not installed: pip install "mmfake[data]" '
                '(or pip install pebble)'
            ) from None
        self._function, self._processes, self._timeout = function, processes, timeout
        self._queue: Deque[Any] = deque()
        self._running = 0
        self._finished: queue.Queue = queue.Queue()
        self._pool = ProcessPool(processes, context=_context(function.__module__))

    def submit(self, job: Any) -> None:
        """Queue a job."""
        self._queue.append(job)
        self._feed()

    def finished(self) -> Iterator[Tuple[Any, Future]]:
        """Wait for jobs; those submitted meanwhile are waited for as well."""
        while self._running:
            try:
                # with a limit, or Windows does not notice Ctrl-C
                job, future = self._finished.get(timeout=1)
            except queue.Empty:
                continue
            self._running -= 1
            self._feed()
            yield job, future

    def _feed(self) -> None:
        """Give each idle process a job, and none in advance: what is begun can be finished."""
        while self._queue and self._running < self._processes:
            job = self._queue.popleft()
            future = self._pool.schedule(self._function, args=[job], timeout=self._timeout)
            self._running += 1
            future.add_done_callback(lambda done, job=job: self._finished.put((job, done)))

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: Any) -> None:
        self._pool.close()
        try:
            self._pool.join()
        except BaseException:  # a second Ctrl-C
            self._pool.stop()
            self._pool.join()
            raise


def run_jobs(
    function: Callable[[Any], Any],
    jobs: Sequence[Any],
    processes: int,
    unit: str,
    timeout: Optional[float] = None,
) -> Iterator[Tuple[Any, Future]]:
    """Run a function on jobs as a :class:`WorkerPool` does, with a bar that counts them."""
    if not jobs:
        return
    pool = WorkerPool(function, min(processes, len(jobs)), timeout)
    with ProgressBar(time_left=True) as bar, pool:
        task = bar.add_task(unit, total=len(jobs))
        for job in jobs:
            pool.submit(job)
        for job, future in pool.finished():
            yield job, future
            bar.advance(task)
