"""Producer thread with a bounded queue: items are made ahead of whoever takes them."""

from __future__ import annotations

import threading
from collections import deque
from typing import Deque, Generic, Iterable, Iterator, Optional, TypeVar

Item = TypeVar('Item')


class Ahead(Generic[Item]):
    """Make the items of an iterable in a thread of its own, and give them in their order.

    What the iterable raises is raised where its next item is taken. Leaving the block stops it at
    its next item, and waits for that::

        with Ahead(items, 8, threading.Event()) as ahead:
            for item in ahead:
                ...

    Args:
        items (Iterable): Run in the thread, from the start.
        most (int): Items that may wait to be taken; then the thread waits.
        stopped (threading.Event): Is set when nobody will take any more, for long work between two
            items to look at.
    """

    def __init__(self, items: Iterable[Item], most: int, stopped: threading.Event) -> None:
        self._items, self._most, self._stopped = items, most, stopped
        self._waiting: Deque[Item] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._make, name='ahead', daemon=True)
        self._thread.start()

    def __enter__(self) -> Ahead[Item]:
        return self

    def __exit__(self, *_) -> None:
        with self._changed:
            self._stopped.set()
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    break
                item = self._waiting.popleft()
                self._changed.notify_all()
            yield item
            del item  # or it would live on while the next one is awaited
        if self._error is not None:
            raise self._error

    def _make(self) -> None:
        """Run in the thread."""
        try:
            for item in self._items:
                with self._changed:
                    self._changed.wait_for(
                        lambda: len(self._waiting) < self._most or self._stopped.is_set()
                    )
                    if self._stopped.is_set():
                        break
                    self._waiting.append(item)
                    self._changed.notify_all()
                del item
        except BaseException as error:  # whatever it is, it belongs to whoever takes the items
            self._error = error
        finally:
            close = getattr(self._items, 'close', None)  # a generator closes its files
            if close is not None:
                close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()
