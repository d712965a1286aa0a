"""Sampler that gives an original together with a manipulation of it."""

from __future__ import annotations

from typing import Dict, List, Optional, Sized, Tuple

from mmaction.registry import DATA_SAMPLERS

from ..errors import MMFakeError
from .balanced_sampler import BalancedSampler

# Names of rows of permutations, beyond those that the parent class uses.
_GROUPING, _FIRST_GROUP = 1000, 1001


@DATA_SAMPLERS.register_module()
class PairedSampler(BalancedSampler):
    """Like :class:`BalancedSampler`, but the two videos of a pair show the same person.

    The manipulated video of a pair is one of the original's own: same target, same background, and
    both are cut and augmented with the same random draws. What differs within a pair is the
    manipulation alone, so the gradients of person, scene and crop nearly cancel. On a small
    dataset this decides whether a network that starts from random weights learns anything.

    The manipulations have equal shares: of every M pairs that start at a multiple of M each method
    has one. An original comes back when all have been seen, then with its next method. A target
    that lacks the video of a method is paired with another video of that method.

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
        # per method: target -> its video
        self._of_target: List[Dict[str, int]] = [
            {_target(dataset, index): index for index in videos} for videos in self._methods
        ]
        # As many groups of originals as methods: every block of M pairs has one original of each
        # group, so that giving each group another method makes the shares of the block equal.
        n, m = len(self._originals), len(self._methods)
        order = [self._originals[self._draw(_GROUPING, place, n)] for place in range(n)]
        self._groups = [order[group::m] or [order[group % n]] for group in range(m)]

    def _pair(self, number: int) -> Tuple[int, int]:
        """Compute a pair of the stream from its number alone."""
        m = len(self._methods)
        block = number // m
        turn = self._draw(self._ORDER_OF_METHODS, number, m)
        group = self._groups[turn]
        original = group[self._draw(_FIRST_GROUP + turn, block, len(group))]
        # the next method when the (largest) group has been through
        method = (turn + block // len(self._groups[0])) % m
        manipulated = self._of_target[method].get(self._target[original])
        if manipulated is None:
            manipulated = self._video_of(method, block)
        return original, manipulated

    def _seeds(self, number: int) -> Tuple[int, int]:
        """Seeds of the transforms: the same for both videos of a pair."""
        first, _ = super()._seeds(number)
        return first, first


def _target(dataset: Sized, index: int) -> str:
    target = dataset.get_data_info(index).get('target')
    if target is None:
        raise MMFakeError(
            f'PairedSampler: sample {index} of {type(dataset).__name__} has no target, the id of '
            "the person shown; use mmfake.FFPPDataset, or sampler=dict(type='mmfake."
            "BalancedSampler')"
        )
    return target
