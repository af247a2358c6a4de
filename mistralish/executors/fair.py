"""A queue whose keys take turns, so that no key's crowd keeps the others waiting."""

from collections import Counter, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Of each key, at most ``most`` items are out at a time. Not for several threads at once. Everything is O(1)."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._out: Counter[Hashable] = Counter()
        self._ready: dict[Hashable, deque[T]] = {}  # in the order of their turns
        self._held: dict[Hashable, deque[T]] = {}  # those of which enough is out
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def waiting(self, key: Hashable) -> int:
        """How many items of this key are in the queue."""
        return len(self._ready.get(key) or self._held.get(key) or ())

    @property
    def is_ready(self) -> bool:
        """Whether ``take`` would return an item."""
        return bool(self._ready)

    def put(self, key: Hashable, item: T) -> None:
        """Put an item behind those of its key."""
        self._size += 1
        waiting = self._ready.get(key) or self._held.get(key)
        if waiting is not None:
            waiting.append(item)
        else:
            self._place(key, deque([item]))

    def take(self) -> T | None:
        """Take the next item of the key whose turn it is, None where there is none to be taken now."""
        if not self._ready:
            return None
        key = next(iter(self._ready))
        waiting = self._ready.pop(key)
        self._out[key] += 1
        self._size -= 1
        item = waiting.popleft()
        if waiting:
            self._place(key, waiting)
        return item

    def done(self, key: Hashable) -> None:
        """Say that an item of this key is out no longer."""
        self._out[key] -= 1
        if not self._out[key]:
            del self._out[key]
        if key in self._held:
            self._ready[key] = self._held.pop(key)

    def _place(self, key: Hashable, waiting: deque[T]) -> None:
        (self._ready if self._out[key] < self._most else self._held)[key] = waiting
