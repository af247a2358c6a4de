"""Counts of what the service does, in plain numbers, so cheap that they are always kept; ``metrics`` shows them."""

import threading
from bisect import bisect_left
from collections import Counter

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds in seconds for what mostly takes milliseconds."""

LATE = (0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3600.0)
"""Upper bounds in seconds for how late something was."""

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Histogram:
    """How many values there were up to each bound, the last count being of those above all bounds; and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value. Not to be called by two threads at once."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class TurnTally:
    """What the turn loop has done; written by its thread only.

    ``changes`` counts by what changed (execution, task, action) and the state that it went into.
    """

    def __init__(self) -> None:
        self.turns = Histogram(QUICK)
        self.commits = Histogram(QUICK)
        self.commands = 0
        self.changes: Counter[tuple[str, str]] = Counter()


class LookTally:
    """How late (seconds) timers and cron triggers were handed to the engine; written under the scheduler's lock."""

    def __init__(self) -> None:
        self.timers = Histogram(LATE)
        self.cron = Histogram(LATE)


class RequestTally:
    """Requests by route, method and status, and how long (seconds) they took, by route and method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.statuses: Counter[tuple[str, str, int]] = Counter()
        self.seconds: dict[tuple[str, str], Histogram] = {}

    def add(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request. ``route`` is the route's template, so that there are only as many as there are routes."""
        method = method if method in _METHODS else "other"
        with self._lock:
            self.statuses[route, method, status] += 1
            histogram = self.seconds.get((route, method))
            if histogram is None:
                histogram = self.seconds[route, method] = Histogram(QUICK)
            histogram.add(seconds)
