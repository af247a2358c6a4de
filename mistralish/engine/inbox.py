"""Commands on their way to the turn loop, in the order in which they came.

Those of a project whose expressions have taken too much of everybody's time wait until its debt is paid back.
"""

import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """A queue of commands. ``put`` may be called by any thread, all else by the one that takes them.

    ``project_of`` tells whose a command is, as far as is known; ``debts`` who has to wait, and for how many seconds.
    ``may_wait`` is told of a command that has to; False: its caller was sent away, it need not be kept.
    """

    def __init__(
        self,
        project_of: Callable[[Item], str | None],
        debts: Callable[[], Mapping[str, float]],
        may_wait: Callable[[Item, float], bool],
        batch: int,
    ) -> None:
        self._project_of = project_of
        self._debts = debts
        self._may_wait = may_wait
        self._batch = batch
        self._incoming: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._ready: deque[Item] = deque()
        self._held: list[Item] = []

    def put(self, item: Item) -> None:
        """Add a command."""
        self._incoming.put(item)

    def close(self) -> None:
        """Have ``next_batch`` return None once all that was put before is taken."""
        self._incoming.put(None)

    def leave(self, undone: Iterable[Item], following: Iterable[Item]) -> None:
        """Keep commands of the last batch that were not come to, and those that follow from the others.

        What was not come to keeps its place, what follows goes behind all that is here already.
        """
        self._ready.extendleft(reversed(list(undone)))
        self._ready.extend(following)

    def next_batch(self) -> list[Item] | None:
        """Wait until there are commands, and return some of them; None when there will be no more.

        At most ``batch`` that came in, and as many of those that were left: neither keeps the other out.
        """
        while True:
            debts = self._debts()
            taken: list[Item] = []
            held, self._held = self._held, []
            self._sort(held, debts, taken)
            while self._ready and len(taken) < self._batch:
                self._sort((self._ready.popleft(),), debts, taken)
            is_closed = self._fetch(debts, taken)
            if is_closed:
                taken, self._held = self._held + taken, []
            if taken:
                return taken
            if is_closed and not self._ready:
                return None

    @property
    def has_more(self) -> bool:
        """Whether there are commands that were left, and did not fit into the last batch."""
        return bool(self._ready)

    @property
    def size(self) -> int:
        """How many commands there are."""
        return self._incoming.qsize() + self.backlog

    @property
    def backlog(self) -> int:
        """How many of them have been left by earlier turns."""
        return len(self._ready) + len(self._held)

    def _sort(self, items: Iterable[Item], debts: Mapping[str, float], taken: list[Item]) -> None:
        if not debts:
            taken.extend(items)
            return
        for item in items:
            seconds = debts.get(self._project_of(item) or "")
            if seconds is None:
                taken.append(item)
            elif self._may_wait(item, seconds):
                self._held.append(item)

    def _fetch(self, debts: Mapping[str, float], taken: list[Item]) -> bool:
        """Take what has come in; wait for it where nothing else is to be done. True: the queue is closed."""
        end = time.monotonic() + min(debts.values()) if self._held else None
        most = len(taken) + self._batch
        while len(taken) < most:
            try:
                if taken or self._ready:
                    item = self._incoming.get(block=False)
                else:
                    item = self._incoming.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
                    debts = self._debts()  # time has passed
            except queue.Empty:
                return False
            if item is None:
                self._incoming.put(None)
                return True
            self._sort((item,), debts, taken)
            if not taken:
                return False  # it has to wait; for how long is to be found out
        return False
