"""Sampler that gives originals and manipulated videos alternately."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Dict, Iterator, List, Optional, Sized, Tuple

import numpy as np
from mmaction.registry import DATA_SAMPLERS
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from ..errors import MMFakeError
from .seeded_index import SeededIndex


@DATA_SAMPLERS.register_module()
class BalancedSampler(Sampler):
    """Give an original and a manipulated video alternately, the manipulations in equal shares.

    A hold-out run of FF++ has 720 originals and 3 x 720 manipulated videos. Drawn evenly, three
    quarters of every batch are fakes; here every batch of even size is exactly half and half, and
    any M pairs in a row that start at a multiple of M hold each of the M manipulations once.

    The samples are an endless stream of pairs (original, manipulated) that depends on nothing but
    the seed. The originals come in random order, then again in another, and so on; so do the
    videos of each manipulation; so no video comes back before all of its kind have been seen. An
    epoch is the next ``len(dataset)`` samples of the stream: for FF++ 2,880, i.e. 1,440 pairs,
    in which each original is seen twice and 480 of the 720 videos of each manipulation once.
    All manipulated videos have been seen after one and a half epochs.

    The indices are :class:`SeededIndex`: the place in the stream also decides the augmentation.
    Since epoch ``e`` is a fixed part of the stream, a resumed run goes on as the uninterrupted
    one. Rank ``r`` of ``w`` takes the pairs ``r, r + w, ...``, so that ``w`` processes with
    batches of an even size B see the batches that one process sees with size ``w * B``.

    Args:
        dataset (Sized): Dataset (also wrapped in mmengine's ConcatDataset or RepeatDataset) whose
            ``get_data_info(index)`` has ``label_multi``: 0 for an original, otherwise the
            manipulation.
        seed (int, optional): Seed, the same in all processes. Defaults to None, which means a
            random one that all processes agree on.
        shuffle (bool): Whether the order is random. Defaults to True.

    Raises:
        MMFakeError: If the dataset has no original or no manipulated video.
    """

    # Names of the independent rows of permutations; the videos of method n are row n + 2.
    _ORIGINALS, _ORDER_OF_METHODS, _FIRST_METHOD = 0, 1, 2

    def __init__(self, dataset: Sized, seed: Optional[int] = None, shuffle: bool = True) -> None:
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.shuffle = shuffle
        self.epoch = 0
        groups = _group_by_label(dataset)
        self._originals = groups.pop(0, [])
        self._methods = [groups[label] for label in sorted(groups)]
        if not self._originals or not self._methods:
            kind = 'manipulated' if self._originals else 'original'
            raise MMFakeError(
                f'BalancedSampler: none of the {len(dataset)} videos is {kind}; add some, or use '
                "sampler=dict(type='DefaultSampler', shuffle=True)"
            )
        self._pairs_of_rank = math.ceil(len(dataset) / 2 / self.world_size)

    def __iter__(self) -> Iterator[SeededIndex]:
        """Iterate over this rank's part of the epoch.

        Yields:
            SeededIndex: Index into the dataset: original, manipulated, original, manipulated, ...
        """
        start = self.epoch * self._pairs_of_rank * self.world_size + self.rank
        for step in range(self._pairs_of_rank):
            number = start + step * self.world_size
            yield from map(SeededIndex, self._pair(number), self._seeds(number))

    def __len__(self) -> int:
        """Count the samples of this rank in one epoch."""
        return 2 * self._pairs_of_rank

    def set_epoch(self, epoch: int) -> None:
        """Choose the part of the stream that is iterated over next.

        Args:
            epoch (int): Number of the epoch, from 0.
        """
        self.epoch = epoch

    def _pair(self, number: int) -> Tuple[int, int]:
        """Compute a pair of the stream from its number alone."""
        original = self._draw(self._ORIGINALS, number, len(self._originals))
        turn = self._draw(self._ORDER_OF_METHODS, number, len(self._methods))
        # every manipulation has one turn per block of M pairs, so the block counts its turns
        block = number // len(self._methods)
        return self._originals[original], self._video_of(turn, block)

    def _seeds(self, number: int) -> Tuple[int, int]:
        """Seeds of the transforms of a pair."""
        first, second = np.random.SeedSequence((self.seed, number)).generate_state(2)
        return int(first), int(second)

    def _video_of(self, method: int, turn: int) -> int:
        """Give the video of a manipulation on one of its turns."""
        videos = self._methods[method]
        return videos[self._draw(self._FIRST_METHOD + method, turn, len(videos))]

    def _draw(self, stream: int, number: int, size: int) -> int:
        """Give element ``number`` of an endless row of permutations of ``range(size)``."""
        cycle, place = divmod(number, size)
        return _permutation(self.seed, stream, cycle, size)[place] if self.shuffle else place


@lru_cache(maxsize=64)
def _permutation(seed: int, stream: int, cycle: int, size: int) -> Tuple[int, ...]:
    """Permute ``range(size)``, independently for each seed, stream and cycle."""
    return tuple(np.random.default_rng((seed, stream, cycle)).permutation(size).tolist())


def _group_by_label(dataset: Sized) -> Dict[int, List[int]]:
    """Group the indices of a dataset by its multi-class label."""
    groups: Dict[int, List[int]] = {}
    for index in range(len(dataset)):
        label = dataset.get_data_info(index).get('label_multi')
        if label is None:
            raise MMFakeError(
                f'BalancedSampler: sample {index} of {type(dataset).__name__} has no label_multi; '
                'use mmfake.FFPPDataset, or another sampler'
            )
        groups.setdefault(int(label), []).append(index)
    return groups
