"""Console: how a command ends, progress bars with an ETA, a stopwatch."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterable, Iterator, Optional, Sequence, Type, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from .errors import MMFakeError

# torchrun's, mpirun's, srun's: mpirun inside a Slurm job leaves the last one at 0 everywhere
_RANKS = ('RANK', 'OMPI_COMM_WORLD_RANK', 'SLURM_PROCID')


def run_command(main: Callable[[Optional[Sequence[str]]], Optional[int]]) -> None:
    """Run a command; a mistake of the user's ends in one line on stderr and exit status 2.

    Ctrl-C ends it with status 130, and a reader of its output who has gone (``| head``) with 141,
    both as a shell would say. Output that is closed is not missed, what its encoding lacks is
    escaped, and a disk that is full is told in a line.

    Args:
        main (Callable): Takes the arguments, None for those of the process, and returns the exit
            status, None for 0.
    """
    sys.excepthook = _excepthook
    _open_streams()
    try:
        status = main(None)
        print(end='', flush=True)  # a reader who has gone is noticed here, not when Python ends
        sys.exit(status)
    except MMFakeError as error:
        rank = process_rank()
        where = '' if rank == '0' else f' [rank {rank}]'  # a file may lack on one machine only
        _tell(f'error{where}: {error}')
        sys.exit(2)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # torchrun sends it again
        _tell('interrupted')
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the second Ctrl-C of a user ends it now
        sys.exit(130)
    except BrokenPipeError:
        if not _is_unread(sys.stdout.fileno()):  # a pipe of our own, to a worker that died
            raise
        _drop_output()
        sys.exit(141)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _tell(f'error: {error.strerror}; make room, then start the same command again')
        _drop_output()
        sys.exit(2)


def _open_streams() -> None:
    """Let everything be printed, also by a process without output, or with that of another age."""
    for name in ('stdout', 'stderr'):
        stream = getattr(sys, name)
        if stream is None:  # closed from the start, as of a service
            setattr(sys, name, open(os.devnull, 'w', encoding='utf-8'))  # noqa: SIM115
        elif getattr(stream, 'errors', '') == 'strict':
            stream.reconfigure(errors='backslashreplace')


def _drop_output() -> None:
    """Let go what is still in the buffer of stdout, and cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _excepthook(kind: Type[BaseException], error: BaseException, trace: Any) -> None:
    """Leave out what a thread of multiprocessing says of a worker that has died meanwhile."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main or not isinstance(error, (ConnectionError, EOFError)):
        sys.__excepthook__(kind, error, trace)


def process_rank() -> str:
    """The rank of this process, as its launcher says; ``'0'`` without one."""
    return next((os.environ[name] for name in _RANKS if name in os.environ), '0')


def _tell(line: str) -> None:
    """Write a line at once: several ranks may, to the same terminal."""
    sys.stderr.write(f'{line}\n')
    sys.stderr.flush()


def _is_unread(pipe: int) -> bool:
    """Tell whether nobody is at the other end."""
    poll = select.poll()
    poll.register(pipe, 0)  # errors are told without being asked for
    return bool(poll.poll(0))


class ProgressBar(Progress):
    """A bar on stderr: how many of how many, the description of the task, the time gone.

    Where stderr is no terminal there is no bar, and ``console.print`` gives plain lines.

    Args:
        time_left (bool): Whether the bar estimates the time left as well. Defaults to False.
    """

    def __init__(self, time_left: bool = False) -> None:
        console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        super().__init__(
            BarColumn(20),
            MofNCompleteColumn(),
            TextColumn('{task.description},'),
            TimeElapsedColumn(),
            TextColumn('gone'),
            *((TimeRemainingColumn(), TextColumn('left')) if time_left else ()),
            console=console,
            # what the command prints goes above the bar, but never into it if meant for a file
            redirect_stdout=sys.stdout.isatty(),
            disable=not console.is_terminal,
        )

    def stop(self) -> None:
        """End the bar; rich 14 prints an empty line for one that never was."""
        if not self.disable:
            super().stop()


Item = TypeVar('Item')


class Stopwatch:
    """Add up ``seconds`` by what they are spent on."""

    def __init__(self) -> None:
        self.seconds: Dict[str, float] = {}

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Add the time a block takes, without what is timed inside it under other names."""
        inside = sum(self.seconds.values())
        start = time.perf_counter()
        try:
            yield
        finally:
            elsewhere = sum(self.seconds.values()) - inside
            spent = time.perf_counter() - start - elsewhere
            self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def each(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """Add the time it takes to get the items, and give them on."""
        iterator = iter(items)
        while True:
            with self.timing(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item
            del item  # or it would live on while the next one is made
