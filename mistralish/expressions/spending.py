"""How long the expressions of one project may hold up everybody else's.

One thread decides for all executions, and waits for each expression. So every project has a credit of seconds for
long evaluations, which comes back slowly. Who has spent it gets less time for each evaluation, and the project's
commands wait until the debt is paid back: who sends one slow expression after the other gets a tenth of the time.
"""

import threading
import time
from collections.abc import Callable

from mistralish.expressions.errors import UseError
from mistralish.expressions.limits import SECONDS

LONG = 0.01
"""Seconds from which on an evaluation is charged."""

SHORT = 0.05
"""Seconds that an evaluation may take when the credit is nearly spent."""

_CREDIT = 1.0
"""The full credit, in units of the time that one evaluation may take."""

_MOST_DEBT = 0.5
"""Seconds. Debts grow within one decision only: from here on all that is left of it is refused."""

_REFILL = 0.1
"""Seconds of credit that come back each second."""

_PROJECTS = 10_000

_MOST_TOGETHER = 1.0
"""Seconds that long evaluations outside of the sandbox may take within one decision."""


class OverdrawnError(UseError):
    """A project has no time left for now."""


class Budget:
    """The credits of all projects. ``seconds``: what one evaluation may take; ``clock``: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._clock = clock
        self._spent: dict[str, tuple[float, float]] = {}
        self._debtors: set[str] = set()
        self._most = _PROJECTS
        self._lock = threading.Lock()

    def allowance(self, project: str) -> float:
        """Return how many seconds an evaluation of the project may take now; raises OverdrawnError for none."""
        left = self._left(project)
        if left < -_MOST_DEBT:
            raise OverdrawnError(
                "other expressions evaluated just before it took too long, so this one was not evaluated: "
                "make the slow ones simpler, or do their work in an action"
            )
        return min(self.seconds, max(left, SHORT))

    def charge(self, project: str, seconds: float) -> None:
        """Take the time of an evaluation from the project's credit."""
        if seconds < LONG:
            return
        with self._lock:
            self._spent[project] = (self._spent_now(project) + seconds, self._clock())
            if self._left(project) < 0:
                self._debtors.add(project)
            if len(self._spent) > self._most:
                self._spent = {name: entry for name, entry in self._spent.items() if self._spent_now(name) > 0}
                self._most = max(_PROJECTS, 2 * len(self._spent))

    def debts(self) -> dict[str, float]:
        """Return who has spent more than there was, and how many seconds it takes until that is paid back."""
        if not self._debtors:
            return {}
        with self._lock:
            waits = {project: -self._left(project) / _REFILL for project in self._debtors}
            self._debtors = {project for project, seconds in waits.items() if seconds > 0}
        return {project: waits[project] for project in self._debtors}

    def _left(self, project: str) -> float:
        return self.seconds * _CREDIT - self._spent_now(project)

    def _spent_now(self, project: str) -> float:
        spent, at = self._spent.get(project, (0.0, 0.0))
        return max(0.0, spent - (self._clock() - at) * _REFILL) if spent else 0.0


budget = Budget()
"""The credits that all evaluations of this process are charged to."""


class Decision(threading.local):
    """The decision that this thread is making: the time that its evaluations outside of the sandbox take.

    Such an evaluation is short for sure unless its data is large. What seems long may just have waited for the
    interpreter, so it is charged with no more than the thread has worked.
    """

    def __init__(self) -> None:
        self._worked = 0.0
        self._is_open = False
        self._long = 0.0

    def begin_turn(self) -> None:
        """Note that decisions will be made. How long the thread has worked is a system call: not asked each time."""
        self._worked = time.thread_time()

    def begin(self) -> None:
        """Note that a decision begins."""
        self._is_open = True
        self._long = 0.0

    def end(self, project: str) -> None:
        """Charge the project that it was made for."""
        if self._long:
            worked = time.thread_time()
            budget.charge(project, min(self._long, worked - self._worked))
            self._worked = worked
        self._is_open = False

    def add(self, seconds: float) -> None:
        """Note an evaluation of at least ``LONG`` seconds by the clock; raises OverdrawnError if it is one too many."""
        if not self._is_open:
            return
        self._long += seconds
        if self._long > _MOST_TOGETHER:
            raise OverdrawnError(
                f"the expressions of one step together took longer than {_MOST_TOGETHER:g} s: "
                "let them read less data, or let there be fewer of them"
            )


decision = Decision()
