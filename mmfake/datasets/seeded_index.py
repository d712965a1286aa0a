"""An index that carries the seed of its sample's random transforms."""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import Iterator, Tuple

import numpy as np


class SeededIndex(int):
    """Index of a sample, and the seed with which its transforms are to draw.

    Samplers of mmfake yield it and :class:`mmfake.FFPPDataset` obeys it, so the augmentation of a
    sample depends on nothing but the seed of the run and the sample's place in the stream: not on
    which worker or rank loads it, nor on how often the run was resumed. To everything else it is
    an int, but ``+``, ``-`` and ``%`` keep the seed: with them mmengine's ``ConcatDataset`` and
    ``RepeatDataset`` find the sample in what they wrap.

    Args:
        index (int): Index into the dataset.
        seed (int): From 0 to 2**32 - 1.
    """

    seed: int

    def __new__(cls, index: int, seed: int) -> SeededIndex:
        """Make the int and attach the seed."""
        self = super().__new__(cls, index)
        self.seed = seed
        return self

    def __add__(self, other: int) -> SeededIndex:
        """Add, keeping the seed."""
        return self._keep_seed(super().__add__(other))

    __radd__ = __add__

    def __sub__(self, other: int) -> SeededIndex:
        """Subtract, keeping the seed."""
        return self._keep_seed(super().__sub__(other))

    def __mod__(self, other: int) -> SeededIndex:
        """Take the remainder, keeping the seed."""
        return self._keep_seed(super().__mod__(other))

    def __getnewargs__(self) -> Tuple[int, int]:
        """Arguments with which a worker process makes it again."""
        return int(self), self.seed

    def _keep_seed(self, result: int) -> SeededIndex:
        # of what is no int Python asks the other operand
        return result if result is NotImplemented else SeededIndex(result, self.seed)


@contextmanager
def drawing_with(seed: int) -> Iterator[None]:
    """Let ``random`` and ``numpy.random`` draw with a seed, and leave them as they were.

    Args:
        seed (int): From 0 to 2**32 - 1.
    """
    states = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
