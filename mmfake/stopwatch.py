"""What the time of a run is spent on."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import Dict, Iterable, Iterator, TypeVar

Item = TypeVar('Item')


class Stopwatch:
    """Add up seconds by what they are spent on.

    Attributes:
        seconds (dict[str, float]): Seconds by name.
    """

    def __init__(self) -> None:
        self.seconds: Dict[str, float] = {}

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Add the time a block takes, without what is timed inside it under other names.

        Args:
            name (str): What the block does.
        """
        inside = sum(self.seconds.values())
        start = time.perf_counter()
        try:
            yield
        finally:
            elsewhere = sum(self.seconds.values()) - inside
            spent = time.perf_counter() - start - elsewhere
            self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def each(self, name: str, items: Iterable[Item]) -> Iterator[Item]:
        """Add the time it takes to get the items.

        Args:
            name (str): What getting them is.
            items (Iterable): The items.

        Yields:
            Item: Each of them.
        """
        iterator = iter(items)
        while True:
            with self.timing(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item
            del item  # or it would live on while the next one is made
