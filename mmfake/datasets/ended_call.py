"""What becomes of a call that does not come back."""

from __future__ import annotations


class EndedCallError(Exception):
    """A call in another process was ended, or its process died.

    Args:
        what (str): What happened, e.g. ``'timed out after 60 s'`` or ``'crashed (SIGSEGV)'``.
        timed_out (bool): Whether it took too long. Defaults to False.
    """

    def __init__(self, what: str, timed_out: bool = False) -> None:
        super().__init__(what)
        self.timed_out = timed_out
