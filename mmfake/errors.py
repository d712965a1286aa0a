"""The one exception for mistakes a user can mend."""

from __future__ import annotations


class MMFakeError(RuntimeError):
    """A mistake in a config, a dataset or a file that the user can mend.

    Its message is ONE line that says what is wrong, where (file, key, value) and what to do.
    The command lines of this package print that line and exit with status 2, without a traceback.
    """


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
