"""What is wrong with a video."""

from __future__ import annotations

from pathlib import Path
from typing import Union

from ..errors import MMFakeError


class VideoError(MMFakeError):
    """A video that cannot be read, or not to its end, or not be written.

    Args:
        path (str | Path): The file or folder.
        reason (str): What is wrong, short, the same words for every file with that fault.

    Attributes:
        path (str): The file or folder.
        reason (str): What is wrong.
        strerror (str): The same, under the name that OSError gives it, so that whoever reports
            reasons without paths (:class:`mmfake.datasets.GuardedPipeline`) finds it.
    """

    def __init__(self, path: Union[str, Path], reason: str) -> None:
        # both go to the base class: unpickling, e.g. in a pool of workers, calls this with args
        super().__init__(str(path), reason)
        self.path = str(path)
        self.reason = self.strerror = reason

    def __str__(self) -> str:
        return f'{self.path}: {self.reason}'
