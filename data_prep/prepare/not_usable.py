"""Why a video cannot be used."""

from __future__ import annotations


class NotUsable(Exception):
    """A video has no usable clip.

    Args:
        status (str): One of :data:`mmfake.datasets.video_record.STATUSES`.
        reason (str): More about it, in one line.
    """

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(status, reason)
        self.status, self.reason = status, reason
