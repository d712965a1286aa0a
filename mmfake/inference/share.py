"""Distributed inference: videos dealt out to several processes, their results brought together."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, TypeVar

from mmengine.dist import broadcast_object_list, gather_object, get_dist_info

from ..errors import MMFakeError

Value = TypeVar('Value')

_RUNS = count()  # one after the other, in every process alike


class Share:
    """The part of one process in a run of several; of a single process it is all.

    Each takes the next video when it has time for one, so that a long video keeps nobody waiting
    but its own process. What is agreed on goes through the connection that the launcher has made
    (:func:`mmengine.dist.init_dist`), not through files.

    Attributes:
        rank (int): Number of this process; the first one, 0, reads and writes what there is once.
    """

    def __init__(self) -> None:
        self.rank, self._processes = get_dist_info()
        self._run = next(_RUNS)
        self._finished = 0

    def first(self, does: Callable[[], Value]) -> Value:
        """Let the first process do something, and tell all what came of it.

        Raises:
            MMFakeError: In all processes, if it does in the first one.
        """
        if self._processes == 1:
            return does()
        told: list = [None, None]
        if self.rank == 0:
            try:
                told[0] = does()
            except MMFakeError as error:
                told[1] = error
        with _others_awaited():
            broadcast_object_list(told)
        if told[1] is not None:
            raise told[1]
        return told[0]

    def take(self, numbers: Sequence[int]) -> Iterator[int]:
        """Take one after the other what no other process has taken."""
        if self._processes == 1:
            yield from numbers
            return
        while True:
            with _others_awaited():
                place = _store().add(f'mmfake/{self._run}/taken', 1) - 1
            if place >= len(numbers):
                return
            yield numbers[place]

    def finish(self) -> int:
        """Count a finished video; give how many all processes have finished."""
        self._finished += 1
        if self._processes == 1:
            return self._finished
        with _others_awaited():
            return _store().add(f'mmfake/{self._run}/finished', 1)

    def gather(self, own: Dict[int, Any]) -> Optional[Dict[int, Any]]:
        """Bring together what all have; None but in the first process."""
        with _others_awaited():
            parts = gather_object(own)
        if self.rank:
            return None
        return {number: value for part in parts for number, value in part.items()}


def _store() -> Any:
    """What the processes count with."""
    from torch.distributed import distributed_c10d

    return distributed_c10d._get_default_store()


@contextmanager
def _others_awaited() -> Iterator[None]:
    """Tell in one line that another process is gone."""
    try:
        yield
    except RuntimeError:  # whatever gloo or the store says
        raise MMFakeError(
            'another process of this run has ended or cannot be reached; what is finished is kept, '
            'the same command goes on from there'
        ) from None
