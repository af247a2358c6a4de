"""Executions that were answered for but have not begun: who asks what they do waits until they have.

A start is answered as soon as it is kept; its first tasks are started right after, when no caller waits. In the
reference they are there when the start is answered, so clients look for them at once.
"""

import threading
import time
from collections.abc import Callable, Iterable

_SECONDS = 1.0
"""How long they are waited for. By then they have begun, or nobody knows when: with another process, or behind many."""


class Admissions:
    """Which executions have not begun. ``update`` is for the turn loop, ``wait`` for ``most`` threads at once."""

    def __init__(self, most: int = 4, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._pending: dict[str, tuple[str, float]] = {}  # in the order of their times
        self._changed = threading.Condition()
        self._waiting = 0

    def update(self, admitted: Iterable[tuple[str, str]], begun: Iterable[str]) -> None:
        """Note what a turn has committed: executions that were made, with their projects, and those that have begun."""
        now = self._clock()
        with self._changed:
            for execution_id, project_id in admitted:
                self._pending[execution_id] = (project_id, now)
            for execution_id in begun:
                self._pending.pop(execution_id, None)
            while self._pending:
                oldest = next(iter(self._pending))
                if now - self._pending[oldest][1] <= _SECONDS:
                    break
                del self._pending[oldest]
            if self._waiting:
                self._changed.notify_all()

    def wait(self, project_id: str | None) -> None:
        """Return once those of a project (None: of all) that are pending now have begun, at the latest after a second.

        Where too many wait already, return at once.
        """
        if not self._pending:
            return
        with self._changed:
            since = self._clock() - _SECONDS
            awaited = {
                each for each, (owner, at) in self._pending.items() if project_id in (None, owner) and at >= since
            }
            if not awaited or self._waiting >= self._most:
                return
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: awaited.isdisjoint(self._pending), _SECONDS)
            finally:
                self._waiting -= 1
