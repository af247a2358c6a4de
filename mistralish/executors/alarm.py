"""Doing things at a time, in one thread however many there are."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Alarm:
    """Calls functions when their time comes. They must be quick, since they share one thread.

    The thread starts with the first entry and is a daemon.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._entries: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._entries)

    def after(self, seconds: float, function: Callable[[], None]) -> None:
        """Call ``function`` in so many seconds."""
        entry = (time.monotonic() + seconds, next(self._numbers), function)
        with self._changed:
            if self._closed:
                return
            heapq.heappush(self._entries, entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            elif self._entries[0] is entry:
                self._changed.notify()

    def close(self) -> None:
        """Forget every entry and end the thread."""
        with self._changed:
            self._closed = True
            self._entries.clear()
            self._changed.notify()

    def _run(self) -> None:
        while (function := self._next()) is not None:
            try:
                function()
            except Exception:
                log.exception("%s: an alarm failed", self._name)

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                wait = self._entries[0][0] - time.monotonic() if self._entries else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._entries)[2]
                self._changed.wait(wait if wait is None else min(wait, threading.TIMEOUT_MAX))
        return None
