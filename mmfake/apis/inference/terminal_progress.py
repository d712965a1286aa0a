"""How far a run is, in a terminal."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Callable, Dict

from ...progress_bar import ProgressBar
from .run_listener import RunListener

_LINES = 10  # of a run without a terminal


class TerminalProgress(RunListener):
    """A bar on stderr; where that is no terminal, a line after each tenth of the videos.

    Args:
        finished (Callable): Called with each prediction.
        note (Callable): Called with each note.
        clock (Callable): Tells the time, s. Defaults to ``time.monotonic``.
    """

    def __init__(
        self,
        finished: Callable[[Dict[str, Any]], None],
        note: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(finished)
        self._note, self._clock, self._begun = note, clock, clock()
        self._total = self._before = self._done = 0
        self._bar = ProgressBar()
        self._task = self._bar.add_task('', total=None, visible=False)

    def __enter__(self) -> TerminalProgress:
        self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        self._bar.stop()

    def __call__(self, prediction: Dict[str, Any]) -> None:
        """Note that a video is finished."""
        super().__call__(prediction)
        self._done += 1
        self._show()
        tenth = self._done * _LINES // self._total
        if self._done <= self._before or tenth == (self._done - 1) * _LINES // self._total:
            return
        if self._bar.disable and self._total > 1:
            self._bar.console.print(
                f'{self._done} of {self._total} videos, {self.time_left()} left'
            )

    def begin(self, total: int, before: int) -> None:
        """Note how much there is to do."""
        self._total, self._before, self._begun = total, before, self._clock()
        self._show()

    def note(self, text: str) -> None:
        """Print a note."""
        self._note(text)

    def time_left(self) -> str:
        """Estimate the time left from the videos that this run has judged.

        Returns:
            str: Such as ``'0:01:20'``, ``'?'`` before the first.
        """
        judged = self._done - self._before
        if judged < 1:
            return '?'
        left = (self._clock() - self._begun) / judged * (self._total - self._done)
        return str(timedelta(seconds=round(left)))

    def _show(self) -> None:
        text = f'videos, {self.time_left()} left'
        self._bar.update(
            self._task, total=self._total, completed=self._done, description=text, visible=True
        )
