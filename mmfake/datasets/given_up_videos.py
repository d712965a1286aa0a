"""The videos whose decoding is not tried again."""

from __future__ import annotations

from hashlib import blake2b

import torch

_ROOM = 1024


class GivenUpVideos:
    """A set of names that all processes share which are forked from the one that made it.

    Each worker of a data loader would otherwise lose the time that one of them has lost already.
    There is no lock: two that add a name at the same moment may overwrite each other, and then one
    name is forgotten, as are those beyond 1,024.
    """

    def __init__(self) -> None:
        self._hashes = torch.zeros(_ROOM, dtype=torch.int64).share_memory_()

    def add(self, name: str) -> None:
        """Add a name.

        Args:
            name (str): Any text.
        """
        free = (self._hashes == 0).nonzero()
        if len(free) and name not in self:
            self._hashes[free[0]] = _hash(name)

    def __contains__(self, name: str) -> bool:
        """Whether a name was added, in whatever process."""
        return bool((self._hashes == _hash(name)).any())


def _hash(name: str) -> int:
    """Give 63 bits: unlike Python's hash, the same in every process, and never 0."""
    digest = blake2b(name.encode('utf-8', 'surrogateescape'), digest_size=8).digest()
    return int.from_bytes(digest, 'big') >> 1 or 1
