"""Callers that wait for something to happen to an execution, instead of asking again and again."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

Found = TypeVar("Found")


class Watchers:
    """Waits for commits that concern an execution.

    ``most``: so many may wait at once, since each occupies a thread; the next are answered without waiting.
    ``look_again``: seconds until one who waits looks again unasked, where other processes commit too (None: never).
    """

    def __init__(self, most: int, look_again: float | None) -> None:
        self._most = most
        self._look_again = look_again
        self._lock = threading.Lock()
        self._waiting: dict[str, list[threading.Event]] = {}
        self._count = 0
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many callers wait."""
        return self._count

    def wait_until(self, execution_id: str, find: Callable[[], Found | None], seconds: float) -> Found | None:
        """Return what ``find`` returns, as soon as that is not None; None once so many seconds have passed.

        It is called at once, and again after each commit that changed the execution.
        """
        found = find()
        if found is not None or seconds <= 0:
            return found
        happened = self._begin(execution_id)
        if happened is None:
            return None
        try:
            end = time.monotonic() + seconds
            while True:
                # What was committed before we began to wait has told nobody: look first.
                happened.clear()
                found = find()
                left = end - time.monotonic()
                if found is not None or left <= 0 or self._closed:
                    return found
                happened.wait(left if self._look_again is None else min(left, self._look_again))
        finally:
            self._end(execution_id, happened)

    def tell(self, execution_ids: Iterable[str]) -> None:
        """Wake whoever waits for one of these executions."""
        if not self._waiting:
            return
        with self._lock:
            for execution_id in execution_ids:
                for happened in self._waiting.get(execution_id, ()):
                    happened.set()

    def close(self) -> None:
        """Wake everyone: the service is stopping, and nobody may wait any more."""
        with self._lock:
            self._closed = True
            for events in self._waiting.values():
                for happened in events:
                    happened.set()

    def _begin(self, execution_id: str) -> threading.Event | None:
        with self._lock:
            if self._closed or self._count >= self._most:
                return None
            happened = threading.Event()
            self._waiting.setdefault(execution_id, []).append(happened)
            self._count += 1
            return happened

    def _end(self, execution_id: str, happened: threading.Event) -> None:
        with self._lock:
            self._count -= 1
            events = self._waiting[execution_id]
            events.remove(happened)
            if not events:
                del self._waiting[execution_id]
