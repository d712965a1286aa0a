"""Samplers: balanced and paired batches, and indices that carry the seed of their augmentation.

:class:`BalancedSampler` and :class:`PairedSampler` are pure functions of seed and number: pair
``k`` of their stream needs no pair before it, which makes resuming and several ranks exact.
"""

from __future__ import annotations

import logging
import math
import random
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Dict, Iterator, List, Optional, Sized, Tuple

import numpy as np
from mmaction.registry import DATA_SAMPLERS
from mmengine.dist import get_dist_info, get_rank, sync_random_seed
from mmengine.logging import print_log
from torch.utils.data import Sampler

from ..errors import MMFakeError

# ---- Indices that carry a seed --------------------------------------------------------------


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
    """Let ``random`` and ``numpy.random`` draw with a seed, and leave them as they were."""
    states = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


class SeededStream(Sampler):
    """What a sampler yields, from a place of the epoch on.

    Skipping takes no decoding. An index that is no :class:`SeededIndex` yet becomes one, so that
    the augmentation of a sample depends on seed, epoch, rank and place, not on which worker loads
    it, nor on what that worker drew before.

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
        """Yield the indices from place ``start`` on."""
        for place, index in islice(enumerate(self.sampler), self.start, None):
            if not isinstance(index, SeededIndex):
                key = (self.seed, self.epoch, get_rank(), place)
                index = SeededIndex(index, int(np.random.SeedSequence(key).generate_state(1)[0]))
            yield index

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that is iterated over next."""
        self.epoch = epoch
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)


# ---- Balanced batches -----------------------------------------------------------------------


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
        """Yield this rank's part of the epoch: original, manipulated, original, ..."""
        start = self.epoch * self._pairs_of_rank * self.world_size + self.rank
        for step in range(self._pairs_of_rank):
            number = start + step * self.world_size
            yield from map(SeededIndex, self._pair(number), self._seeds(number))

    def __len__(self) -> int:
        """Count the samples of this rank in one epoch."""
        return 2 * self._pairs_of_rank

    def set_epoch(self, epoch: int) -> None:
        """Choose the part of the stream that is iterated over next."""
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


# ---- Pairs of one person --------------------------------------------------------------------

# Names of rows of permutations, beyond those that the parent class uses.
_GROUPING, _FIRST_GROUP, _FIRST_FAKES = 1000, 1001, 2001


@DATA_SAMPLERS.register_module()
class PairedSampler(BalancedSampler):
    """Like :class:`BalancedSampler`, but the two videos of a pair show the same person.

    The manipulated video of a pair is one of the original's own: same target, same background, and
    both are cut and augmented with the same random draws. What differs within a pair is the
    manipulation alone, so the gradients of person, scene and crop nearly cancel. On a small
    dataset this decides whether a network that starts from random weights learns anything.

    The manipulations have equal shares: of every M pairs that start at a multiple of M each method
    has one. An original comes back when all have been seen, then with its next method. Where it has
    several fakes of one method, as in Celeb-DF or DFDC, it shows another of them each time it comes
    back to that method, until all have been seen.

    A target that lacks the video of a method is paired with another video of that method. That is
    also the only way in which fakes come up whose original is not in the dataset; a warning counts
    those that never do.

    Args:
        dataset (Sized): As for :class:`BalancedSampler`; ``get_data_info(index)`` also has
            ``target``, the id of the person shown.
        seed (int, optional): Seed, the same in all processes. Defaults to None, which means a
            random one that all processes agree on.
        shuffle (bool): Whether the order is random. Defaults to True.

    Raises:
        MMFakeError: If the dataset has no original or no manipulated video, or no ``target``.
    """

    def __init__(self, dataset: Sized, seed: Optional[int] = None, shuffle: bool = True) -> None:
        super().__init__(dataset, seed, shuffle)
        self._target = {index: _target(dataset, index) for index in self._originals}
        # per method: target -> its fakes
        self._fakes_of = [_group_by_target(dataset, videos) for videos in self._methods]
        self._warn_of_unpaired()
        # As many groups of originals as methods: every block of M pairs has one original of each
        # group, so that giving each group another method makes the shares of the block equal.
        n, m = len(self._originals), len(self._methods)
        order = [self._originals[self._draw(_GROUPING, place, n)] for place in range(n)]
        self._groups = [order[group::m] or [order[group % n]] for group in range(m)]

    def _pair(self, number: int) -> Tuple[int, int]:
        """Compute a pair of the stream from its number alone."""
        # 1. the group: each has one turn per block of M pairs, in an order drawn for the block
        m = len(self._methods)
        block = number // m
        turn = self._draw(self._ORDER_OF_METHODS, number, m)
        group = self._groups[turn]
        # 2. the original: the next of the group's permutation
        original = group[self._draw(_FIRST_GROUP + turn, block, len(group))]
        # 3. the method: the group's next one when the (largest) group has been through
        round_of_group = block // len(self._groups[0])
        method = (turn + round_of_group) % m
        # 4. the fake: the original's next one when all methods have had a round
        fakes = self._fakes_of[method].get(self._target[original])
        if fakes is None:
            return original, self._video_of(method, block)
        return original, fakes[self._draw(_FIRST_FAKES + original, round_of_group // m, len(fakes))]

    def _seeds(self, number: int) -> Tuple[int, int]:
        """Seeds of the transforms: the same for both videos of a pair."""
        first, _ = super()._seeds(number)
        return first, first

    def _warn_of_unpaired(self) -> None:
        """Count the fakes that no pair ever shows: those of a method that no original lacks."""
        targets = set(self._target.values())
        unpaired = [
            fake
            for fakes_of in self._fakes_of
            if targets <= set(fakes_of)
            for target in set(fakes_of) - targets
            for fake in fakes_of[target]
        ]
        if unpaired:
            print_log(
                f'PairedSampler: the originals of {len(unpaired)} manipulated videos are not in '
                'the dataset, so that these are never shown; mmfake.BalancedSampler shows them',
                logger='current',
                level=logging.WARNING,
            )


def _group_by_target(dataset: Sized, videos: List[int]) -> Dict[str, List[int]]:
    """Group videos by the person shown."""
    groups: Dict[str, List[int]] = {}
    for index in videos:
        groups.setdefault(_target(dataset, index), []).append(index)
    return groups


def _target(dataset: Sized, index: int) -> str:
    """Give the person that a video shows."""
    info = dataset.get_data_info(index)
    target = info.get('target')
    if target is None:
        raise MMFakeError(
            f'PairedSampler: sample {index} of {type(dataset).__name__} has no target, the id of '
            "the person shown; use mmfake.FFPPDataset, or sampler=dict(type='mmfake."
            "BalancedSampler')"
        )
    return f'{info.get("dataset")}/{target}'  # another dataset has other people
