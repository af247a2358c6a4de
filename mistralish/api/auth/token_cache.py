"""What Keystone said about tokens, kept in memory for a while. It is what keystonemiddleware asks of a cache."""

import threading
from collections import OrderedDict
from time import monotonic

MOST_TOKENS = 5000
"""A token's description has some kilobytes; of more tokens than this, those that came first are asked about again."""


class TokenCache:
    """Bytes by key, each until its time is over; one for all threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """What was kept under ``key``, if its time is not over."""
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
        return value if monotonic() < until else None

    def set(self, key: str, value: bytes, time: int = 0) -> None:
        """Keep ``value`` for ``time`` seconds; not at all where that is not positive."""
        if time <= 0:
            return
        with self._lock:
            self._kept.pop(key, None)
            while len(self._kept) >= MOST_TOKENS:
                self._kept.popitem(last=False)
            self._kept[key] = (monotonic() + time, value)
