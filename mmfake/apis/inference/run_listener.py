"""Who hears how far a run is."""

from __future__ import annotations

import logging
from typing import Any, Callable, Dict

_LOGGER = logging.getLogger(__name__)


class RunListener:
    """Hears what a run has to say; this one hands predictions on and logs notes.

    Args:
        finished (Callable): Called with each prediction. Defaults to nothing.
    """

    def __init__(
        self, finished: Callable[[Dict[str, Any]], None] = lambda prediction: None
    ) -> None:
        self._finished = finished

    def __call__(self, prediction: Dict[str, Any]) -> None:
        """Hear of a video that is finished, now or in the run that this one goes on with."""
        self._finished(prediction)

    def begin(self, total: int, before: int) -> None:
        """Hear how much there is to do, before the first video.

        Args:
            total (int): Number of videos.
            before (int): How many of them an interrupted run has judged.
        """

    def note(self, text: str) -> None:
        """Hear what a user should know.

        Args:
            text (str): One line.
        """
        _LOGGER.warning(text)
