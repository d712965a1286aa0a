"""The rest of an epoch, each sample with the seed of its augmentation."""

from __future__ import annotations

from itertools import islice
from typing import Iterator, Sized

import numpy as np
from mmengine.dist import get_rank
from torch.utils.data import Sampler

from ..datasets import SeededIndex


class SeededStream(Sampler):
    """What a sampler yields, from a place of the epoch on.

    Skipping takes no decoding. An index that is no :class:`mmfake.datasets.SeededIndex` yet becomes
    one, so that the augmentation of a sample depends on seed, epoch, rank and place, not on which
    worker loads it, nor on what that worker drew before.

    Args:
        sampler (Sampler): The sampler.
        seed (int): Seed of the run.
    """

    def __init__(self, sampler: Sized, seed: int) -> None:
        self.sampler, self.seed = sampler, seed
        self.epoch = self.start = 0

    def __len__(self) -> int:
        """Count the samples of the whole epoch."""
        return len(self.sampler)

    def __iter__(self) -> Iterator[SeededIndex]:
        """Iterate from ``start``.

        Yields:
            SeededIndex: Index into the dataset.
        """
        for place, index in islice(enumerate(self.sampler), self.start, None):
            if not isinstance(index, SeededIndex):
                key = (self.seed, self.epoch, get_rank(), place)
                index = SeededIndex(index, int(np.random.SeedSequence(key).generate_state(1)[0]))
            yield index

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that is iterated over next.

        Args:
            epoch (int): Number of the epoch, from 0.
        """
        self.epoch = epoch
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)
