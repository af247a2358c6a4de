"""Queues that share threads fairly: what is in one goes in its order, and a long one delays no other."""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from queue import SimpleQueue

Job = Callable[[], None]


class Lines:
    """One queue a key, at most ``most`` jobs in each; ``threads`` for all of them. Jobs raise nothing.

    The threads are daemons: a job that does not end keeps no process from ending.
    """

    def __init__(self, threads: int, most: int, name: str) -> None:
        self._wanted = threads
        self._most = most
        self._name = name
        self._threads = 0
        self._queues: dict[Hashable, deque[Job]] = {}
        self._turns: SimpleQueue[Hashable | None] = SimpleQueue()
        self._changed = threading.Condition()
        self._open = True

    def put(self, key: Hashable, job: Job) -> bool:
        """Queue a job. False, and nothing is queued, where the key's queue is full or all have been closed."""
        with self._changed:
            waiting = self._queues.get(key)
            if not self._open or (waiting is not None and len(waiting) >= self._most):
                return False
            if waiting is not None:
                waiting.append(job)
                return True
            self._queues[key] = deque([job])
            self._turns.put(key)
            if self._threads < self._wanted:
                self._threads += 1
                threading.Thread(target=self._work, name=f"{self._name}-{self._threads}", daemon=True).start()
        return True

    def close(self, seconds: float) -> None:
        """Do what is queued for so many seconds, then drop what has not begun."""
        with self._changed:
            self._changed.wait_for(lambda: not self._queues, seconds)
            self._open = False
            self._queues.clear()
            for _ in range(self._threads):
                self._turns.put(None)

    def _work(self) -> None:
        while (key := self._turns.get()) is not None:
            self._run_one(key)

    def _run_one(self, key: Hashable) -> None:
        """Run the first job; then the key goes behind all others that wait for a thread."""
        with self._changed:
            waiting = self._queues.get(key)
        if waiting is None:
            return
        waiting.popleft()()
        with self._changed:
            if not self._open:
                return
            if waiting:
                self._turns.put(key)
            else:
                del self._queues[key]
                self._changed.notify_all()
