"""How long turns go on: not beside callers, shortly while callers come and go, and as long as is useful otherwise."""

import time
from collections import deque
from dataclasses import dataclass

TURN_SECONDS = 0.01
"""How long a turn goes on deciding before it commits. A bound on how long a caller waits for the others."""

SECONDS_BETWEEN_CALLERS = 0.0005
SECONDS_BETWEEN_CALLERS_SHARED = 0.004
"""How long one goes on that keeps the next commands of callers waiting. On a shared database it is longer, since the
round trips of each turn take that long anyway."""

SECONDS_BY_SQUARE_OF_LEFT = 2.5e-9
"""How much longer, by the square of the steps that were left: long queues do not wait for callers."""

LEAST_SECONDS_BESIDE_CALLERS = 0.001
"""Less time than that is none: the first tree that a turn comes to takes longer anyway, and callers wait for it."""

SECONDS_TO_FINISH = 0.005
SECONDS_TO_FINISH_BETWEEN_CALLERS = 0.0015
"""How much longer a turn goes on with a tree of executions that it has begun: what is left of it would have its rows
written again."""

TURNS_WITHOUT_OTHERS = 4
"""How many turns in a row may have time for callers only."""

CALLERS_RETURN_SECONDS = 0.05
FEW_CALLERS = 10
"""For how long after callers were answered more commands of theirs are expected; so few keep no turn short."""


TURNS_OF_A_LONE_CALLER = 2
"""How many times ``TURN_SECONDS`` others have in the turn of a caller who has been the only one: what it starts is
begun in the same turn, and needs no commit of its own."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many seconds a turn has: for callers; for what nobody waits for, after callers and where there are none.

    ``to_finish``: how much longer it goes on with a tree of executions that it has begun.
    """

    for_callers: float
    beside_callers: float
    without_callers: float
    to_finish: float


class Pace:
    """What the last turns were like, as far as it matters for the next one. For one thread only."""

    def __init__(self, is_exclusive: bool) -> None:
        self._is_exclusive = is_exclusive
        self._answered: deque[tuple[float, int]] = deque()
        self._others_waited = 0

    def allowance(self, left: int) -> Allowance:
        """What the next turn has, with so many steps left by the last ones."""
        more = left * left * SECONDS_BY_SQUARE_OF_LEFT
        least = SECONDS_BETWEEN_CALLERS if self._is_exclusive else SECONDS_BETWEEN_CALLERS_SHARED
        between = min(TURN_SECONDS, least + more)
        beside = min(TURN_SECONDS, more) if more >= LEAST_SECONDS_BESIDE_CALLERS else 0.0
        if self._others_waited >= TURNS_WITHOUT_OTHERS:
            beside = between
        if self._callers_near() <= FEW_CALLERS:
            if not left and all(callers == 1 for _, callers in self._answered):
                beside = TURNS_OF_A_LONE_CALLER * TURN_SECONDS
            return Allowance(TURN_SECONDS, beside, TURN_SECONDS, SECONDS_TO_FINISH)
        to_finish = SECONDS_TO_FINISH_BETWEEN_CALLERS if self._is_exclusive else SECONDS_TO_FINISH
        return Allowance(TURN_SECONDS, beside, between, to_finish)

    def note(self, callers: int, others_waited: bool) -> None:
        """A turn has answered so many callers; ``others_waited``: it came to nothing else."""
        self._others_waited = self._others_waited + 1 if others_waited else 0
        if callers:
            self._answered.append((time.monotonic(), callers))

    def _callers_near(self) -> int:
        """How many callers have been answered a moment ago."""
        since = time.monotonic() - CALLERS_RETURN_SECONDS
        while self._answered and self._answered[0][0] < since:
            self._answered.popleft()
        return sum(callers for _, callers in self._answered)
