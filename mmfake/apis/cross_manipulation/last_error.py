"""Why a command failed, from what it printed."""

from __future__ import annotations

import re
import signal
from pathlib import Path

_OURS = re.compile(r'error(?: \[rank \d+\])?: ')
_PYTHON = re.compile(r'(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit)\b(?::|$)')


def last_error(log: Path, status: int) -> str:
    """Find the line that says why a command failed.

    Args:
        log (Path): What the command printed.
        status (int): Its exit status, negative for the signal that ended it.

    Returns:
        str: The last line that begins like an error of this package or an exception of Python, or
        else the last line; first the signal, if it was one.
    """
    try:
        lines = log.read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        lines = []
    lines = [line.strip() for line in lines if line.strip()]
    found = [line for line in lines if _OURS.match(line)] or [
        line for line in lines if _PYTHON.match(line)
    ]
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f'signal {-status}'
        hint = ' (out of memory?)' if name == 'SIGKILL' else ''
        return f'ended by {name}{hint}' + (f': {found[-1]}' if found else '')
    return (found or lines or [f'exit status {status}, and it printed nothing'])[-1]
