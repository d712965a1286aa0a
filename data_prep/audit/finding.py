"""What a rule found."""

from __future__ import annotations

from typing import NamedTuple

ERROR, WARNING = 'error', 'warning'


class Finding(NamedTuple):
    """One thing that is wrong with a prepared dataset.

    Args:
        severity (str): ``'error'``, or ``'warning'`` for what may be meant.
        where (str): A video id, a line of the index, or another place.
        what (str): What is wrong there, in one line.
        remedy (str): What to do, in one line.
    """

    severity: str
    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f'{self.where}: {self.what}; {self.remedy}'
