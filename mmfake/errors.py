"""The one exception for mistakes a user can mend, and what its messages have in common."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Iterable

_LONGEST = 1500  # characters; a name in a stranger's file may have a million
_END = 300  # of them, as the end says what to do


class MMFakeError(RuntimeError):
    """A mistake in a config, a dataset or a file that the user can mend.

    Its message is ONE line that says what is wrong, where (file, key, value) and what to do.
    The command lines of this package print that line and exit with status 2, without a traceback.
    """

    def __str__(self) -> str:
        """Give the line; what a stranger's file put into it is escaped and shortened."""
        text = super().__str__()
        if len(text) > _LONGEST:
            text = f'{text[: _LONGEST - _END]} ... {text[-_END:]}'
        return ''.join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its type where it says nothing."""
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    lines = str(text).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def sample_of(names, limit: int = 5) -> str:
    """Shorten a long list of names for a one-line message.

    Args:
        names (Iterable[str]): All the names.
        limit (int): How many are written out. Defaults to 5.

    Returns:
        str: ``'a, b, c'`` or ``'a, b, c, d, e and 3 more'``.
    """
    names = [str(name) for name in names]
    shown = ', '.join(names[:limit])
    return shown if len(names) <= limit else f'{shown} and {len(names) - limit} more'


def hint(wrong: str, known: Iterable[str]) -> str:
    """``'; did you mean X?'`` with the known name that is nearest, or nothing."""
    near = difflib.get_close_matches(wrong, [name for name in known if name != wrong], 1)
    return f'; did you mean {near[0]}?' if near else ''


def config_file(path: str) -> str:
    """Give the path of a config back if it is one of a file.

    Raises:
        MMFakeError: If there is no such file.
    """
    if not Path(path).is_file():
        beside = [str(other) for other in Path(path).parent.glob('*.py')]
        raise MMFakeError(
            f'{path}: no such config file; the shipped ones are in configs/mtl, configs/frames and '
            f'configs/joint_embedding{hint(path, beside) or "."}'
        )
    return path
