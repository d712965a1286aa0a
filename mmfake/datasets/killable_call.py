"""Calls that can be ended at any moment, whatever they are doing."""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import sys
import traceback
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any, Callable

import numpy as np

from .ended_call import EndedCallError

# Arrays up to this size take the way through shared memory, which is a tenth of the way through a
# pipe; larger answers go through the pipe. Nothing is occupied before it is written to.
_SHARED_BYTES = 512 * 2**20
_SLICES = 20
_GRACE = 60.0  # s that the caller has for ending a process before that ends itself


class KillableCall:
    """Call a function in a process of its own, which is ended if it takes too long.

    Native code that holds Python's lock for ever stops signal handlers and threads alike; only the
    end of its process ends it. The process is forked from the caller's at the first call, serves
    one call after the other, and is replaced when it had to be ended. It ends with its caller, even
    if that was killed. Each process that has a copy of this object forks its own.

    A plain fork, because neither multiprocessing nor Pebble, which builds on it, let the workers
    of a data loader start processes: they are daemons.

    Args:
        function (Callable): Takes and returns what can be pickled. It sees the state of the caller
            at the time of the fork, and what it changes stays in its process.
        timeout (float): Seconds that a call may take; time in which the caller is stopped (Ctrl-Z)
            hardly counts.
    """

    def __init__(self, function: Callable[[Any], Any], timeout: float) -> None:
        self._function, self._timeout = function, timeout
        self._owner = 0

    def __reduce__(self) -> tuple:
        """Copies and pickles start afresh."""
        return type(self), (self._function, self._timeout)

    def __call__(self, argument: Any) -> Any:
        """Call the function.

        Args:
            argument (Any): Its argument.

        Returns:
            Any: What it returns; arrays are copies of their own.

        Raises:
            EndedCallError: If it took too long, or its process died twice.
            PicklingError: If what it returns cannot be pickled.
            Exception: What it raises itself.
        """
        try:
            return self._attempt(argument)
        except EndedCallError as error:
            if error.timed_out:
                raise
        # the system may have ended it for want of memory: that would not be the call's fault
        return self._attempt(argument)

    def _attempt(self, argument: Any) -> Any:
        """Call once."""
        if self._owner != os.getpid():
            self._start()
        try:
            self._pipe.send(argument)
            # In slices: when all was stopped and goes on, only one slice is over.
            in_time = any(self._pipe.poll(self._timeout / _SLICES) for _ in range(_SLICES))
            answer = self._pipe.recv_bytes() if in_time else None
        except (EOFError, OSError):
            status = self._end()
            raise EndedCallError(f'crashed ({_cause(status)})') from None
        except BaseException:  # Ctrl-C: the answer to this call must not be taken for the next one
            self._end()
            raise
        if answer is None:
            self._end()
            raise EndedCallError(f'timed out after {self._timeout:g} s', timed_out=True)
        packed, sizes, error, told = pickle.loads(answer)
        if error is not None:
            raise error from RuntimeError(told)
        whole = memoryview(np.frombuffer(self._shared, np.uint8, sum(sizes)).copy())
        ends = np.cumsum(sizes, dtype=np.int64)
        return pickle.loads(packed, buffers=[whole[e - s : e] for s, e in zip(sizes, ends)])

    def _start(self) -> None:
        """Fork."""
        shared = mmap.mmap(-1, _SHARED_BYTES)
        ours, theirs = Pipe()
        # for good in the new process: Ctrl-C is the caller's business
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        process = os.fork()
        if not process:
            ours.close()
            _serve(self._function, theirs, shared, self._timeout + _GRACE)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        self._owner, self._pipe, self._shared = os.getpid(), ours, shared
        # runs when this object goes, or its process ends, and in no fork of it
        self._stop = Finalize(self, _stop, args=(process, ours, shared), exitpriority=0)

    def _end(self) -> int:
        """End the process and give its exit status."""
        self._owner = 0
        return self._stop()


def _serve(
    function: Callable[[Any], Any], pipe: Connection, shared: mmap.mmap, fuse: float
) -> None:
    """Answer calls until the caller is gone; never returns."""
    try:
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        sys.settrace(None)  # nor do the caller's debugger and profiler have business here
        sys.setprofile(None)
        while True:
            argument = pipe.recv()
            # a caller that was killed ends nobody: then the alarm does, which needs no lock
            signal.setitimer(signal.ITIMER_REAL, fuse)
            answer = _answer(function, argument, shared)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send_bytes(answer)
    except (EOFError, OSError):
        pass
    finally:  # whatever happens, the stack below belongs to the caller
        os._exit(0)


def _answer(function: Callable[[Any], Any], argument: Any, shared: mmap.mmap) -> bytes:
    """Call and pickle: (result, sizes of its arrays in shared memory, exception, traceback)."""
    try:
        return _pack(function(argument), shared)
    except Exception as error:
        return pickle.dumps((None, [], _portable(error), traceback.format_exc()))


def _pack(result: Any, shared: mmap.mmap) -> bytes:
    buffers, views = [], []
    try:
        packed = pickle.dumps(result, protocol=5, buffer_callback=buffers.append)
        views = [buffer.raw() for buffer in buffers]
        if sum(view.nbytes for view in views) > len(shared):
            packed, views = pickle.dumps(result, protocol=5), []
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise pickle.PicklingError(f'a result that cannot be sent: {error}') from None
    start = 0
    for view in views:
        shared[start : start + view.nbytes] = view
        start += view.nbytes
    return pickle.dumps((packed, [view.nbytes for view in views], None, ''))


def _portable(error: Exception) -> Exception:
    """Give the exception, or one that says the same if it does not survive pickling."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f'{type(error).__name__}: {error}')
    return error


def _cause(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return f'exit status {os.WEXITSTATUS(status)}'


def _stop(process: int, pipe: Connection, shared: mmap.mmap) -> int:
    """End a process, whatever it is doing, and give its exit status."""
    pipe.close()
    os.kill(process, signal.SIGKILL)  # without effect on one that is dead already
    _, status = os.waitpid(process, 0)
    shared.close()
    return status
