"""Progress bars with the time left and the pace."""

from __future__ import annotations

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text


class PaceColumn(ProgressColumn):
    """How many are done in a second.

    Args:
        unit (str): What is counted, e.g. ``'videos'``.
    """

    def __init__(self, unit: str) -> None:
        super().__init__(Column(no_wrap=True))
        self.unit = unit

    def render(self, task: Task) -> Text:
        """Write the pace, or nothing before the first is done."""
        pace = task.finished_speed or task.speed
        return Text('' if pace is None else f'{pace:.2f} {self.unit}/s')


def progress_bar(doing: str, unit: str) -> Progress:
    """A bar on stderr: stdout is for results.

    Args:
        doing (str): What goes on, e.g. ``'rendering'``.
        unit (str): What is counted, e.g. ``'videos'``.

    Returns:
        Progress: To be used as a context.
    """
    return Progress(
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f'{unit},'),
        TimeElapsedColumn(),
        TextColumn('gone'),
        TimeRemainingColumn(),
        TextColumn('left,'),
        PaceColumn(unit),
        console=Console(stderr=True),
    )
