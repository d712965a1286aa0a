"""How a command line ends."""

from __future__ import annotations

import os
import sys
from typing import Callable, Optional, Sequence

from ..errors import MMFakeError


def run_command(main: Callable[[Optional[Sequence[str]]], Optional[int]]) -> None:
    """Run a command; a mistake of the user's ends in one line on stderr and exit status 2.

    Args:
        main (Callable): Takes the arguments, None for those of the process, and returns the exit
            status, None for 0.
    """
    try:
        sys.exit(main(None))
    except MMFakeError as error:
        rank = os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0'))
        where = '' if rank == '0' else f' [rank {rank}]'  # a file may lack on one machine only
        print(f'error{where}: {error}', file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(130)
