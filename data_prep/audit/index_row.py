"""One row of an index, whatever state it is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from mmfake.datasets.manipulations import ORIGINAL
from mmfake.datasets.video_record import UNKNOWN, USED


@dataclass(frozen=True)
class IndexRow:
    """A row as it is written; only a sound one has all the properties.

    Args:
        line (int): Line of the file it ends in, from 1.
        fields (dict[str, str]): The fields by column; those that a short row lacks are empty.
    """

    line: int
    fields: Dict[str, str]

    def __getitem__(self, column: str) -> str:
        """Give a field, ``''`` if the index has no such column."""
        return self.fields.get(column, '')

    @property
    def video_id(self) -> str:
        """str: ``dataset/method/compression/stem``."""
        return self['id']

    @property
    def dataset(self) -> str:
        """str: The dataset, e.g. ``'ffpp'``."""
        return self.video_id.split('/')[0]

    @property
    def where(self) -> str:
        """str: The row's place, for messages."""
        return f'line {self.line} ({self.video_id})' if self.video_id else f'line {self.line}'

    @property
    def used(self) -> bool:
        """bool: Whether there should be a clip."""
        return self['status'] == USED

    @property
    def is_fake(self) -> bool:
        """bool: Whether the video is manipulated."""
        return self['method'] != ORIGINAL

    @property
    def people(self) -> Tuple[str, ...]:
        """tuple[str]: The known ids in the video, target first, e.g. ``('ffpp/033', ...)``."""
        source = self['source'] if self.is_fake else ''
        names = (name for name in (self['target'], source) if name not in ('', UNKNOWN))
        return tuple(f'{self.dataset}/{name}' for name in names)

    @property
    def origin(self) -> str:
        """str: The original that the video is or was made of; the video itself if not known."""
        return self.video_id if self['target'] == UNKNOWN else f'{self.dataset}/{self["target"]}'

    @property
    def frames(self) -> Optional[int]:
        """Optional[int]: Frames of the clip; None if the index does not say."""
        return int(float(self['frames'])) if self['frames'] else None
