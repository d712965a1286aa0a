"""The bar of a long command."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class ProgressBar(Progress):
    """A bar on stderr: how many of how many, the description of the task, the time gone.

    Where stderr is no terminal there is no bar, and ``console.print`` gives plain lines.
    """

    def __init__(self) -> None:
        console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        super().__init__(
            BarColumn(20),
            MofNCompleteColumn(),
            TextColumn('{task.description},'),
            TimeElapsedColumn(),
            TextColumn('gone'),
            console=console,
            # what the command prints goes above the bar, but never into it if meant for a file
            redirect_stdout=sys.stdout.isatty(),
            disable=not console.is_terminal,
        )

    def stop(self) -> None:
        """End the bar; rich 14 prints an empty line for one that never was."""
        if not self.disable:
            super().stop()
