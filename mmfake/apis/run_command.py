"""How a command line ends."""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import Callable, Optional, Sequence

from ..errors import MMFakeError

# torchrun's, mpirun's, srun's: mpirun inside a Slurm job leaves the last one at 0 everywhere
_RANKS = ('RANK', 'OMPI_COMM_WORLD_RANK', 'SLURM_PROCID')


def run_command(main: Callable[[Optional[Sequence[str]]], Optional[int]]) -> None:
    """Run a command; a mistake of the user's ends in one line on stderr and exit status 2.

    Ctrl-C ends it with status 130, and a reader of its output who has gone (``| head``) with 141,
    both as a shell would say.

    Args:
        main (Callable): Takes the arguments, None for those of the process, and returns the exit
            status, None for 0.
    """
    try:
        status = main(None)
        print(end='', flush=True)  # a reader who has gone is noticed here, not when Python ends
        sys.exit(status)
    except MMFakeError as error:
        rank = next((os.environ[name] for name in _RANKS if name in os.environ), '0')
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still in it
        sys.exit(141)


def _tell(line: str) -> None:
    """Write a line at once: several ranks may, to the same terminal."""
    sys.stderr.write(f'{line}\n')
    sys.stderr.flush()


def _is_unread(pipe: int) -> bool:
    """Tell whether nobody is at the other end."""
    poll = select.poll()
    poll.register(pipe, 0)  # errors are told without being asked for
    return bool(poll.poll(0))
