"""How a command line ends."""

from __future__ import annotations

import os
import sys
from typing import Callable, Optional, Sequence

from ..errors import MMFakeError


def run_command(main: Callable[[Optional[Sequence[str]]], None]) -> None:
    """Run a command; a mistake of the user's ends in one line on stderr and exit status 2.

    Args:
        main (Callable): Takes the arguments, None for those of the process.
    """
    try:
        main(None)
    except MMFakeError as error:
        # several processes find the same mistake: one says it
        sys.exit(2 if os.environ.get('RANK', '0') != '0' else _say(f'error: {error}', 2))
    except KeyboardInterrupt:
        sys.exit(_say('interrupted', 130))


def _say(line: str, status: int) -> int:
    print(line, file=sys.stderr)
    return status
