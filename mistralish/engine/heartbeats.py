"""Signs of life of the actions that run in this process, and the finding of those that nobody runs any more.

The reference's rule (its settings group ``action_heartbeat``): an action execution that is RUNNING, whose end is the
end of its action, and of which nothing was heard for ``max_missed`` intervals, is lost. One that waits for somebody
else to tell its result may be silent for ever.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from mistralish.engine.commands import ActionLost
from mistralish.store import Store

log = logging.getLogger(__name__)

REASON = "Heartbeat wasn't received."

_PAGE = 500

# Who stopped has said of what it could not finish that it was silent since 1970: that needs no patience.
_HANDED_OVER = 1


class Heartbeats:
    """What is to be done once an interval. Any number of processes may do it on one database.

    ``in_flight(seconds)`` tells the action executions that this process has been running for so long; ``clock`` gives
    microseconds since the epoch; ``interval`` is in seconds.
    """

    def __init__(
        self,
        store: Store,
        in_flight: Callable[[float], list[str]],
        submit: Callable[[Any], "Future[Any]"],
        clock: Callable[[], int],
        *,
        interval: int,
        max_missed: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._in_flight = in_flight
        self._submit = submit
        self._clock = clock
        self._monotonic = monotonic
        self._interval = interval
        self._patience = interval * max_missed
        self._last: tuple[float, int] | None = None
        self._steady_from = 0.0
        self._reported: dict[str, Future[Any]] = {}

    def tick(self) -> None:
        """Give a sign of life for what runs here, then see who gave none."""
        now = self._clock()
        # What is quick never needs a sign of life: its start was one.
        self._store.beat(self._in_flight(self._interval / 2), now)
        self._report_silent(now - self._patience * 1_000_000 if self._is_steady(now) else _HANDED_OVER)

    def _is_steady(self, now: int) -> bool:
        """Whether others had time to be heard: not so after a start, a pause of this process, or a clock set anew."""
        here = self._monotonic()
        last, self._last = self._last, (here, now)
        if last is None or max(here - last[0], abs(now - last[1]) / 1_000_000) > 2 * self._interval:
            self._steady_from = here
        return here - self._steady_from >= self._patience

    def _report_silent(self, since: int) -> None:
        # What is reported and not yet decided is not reported again: that would only make the others wait longer.
        self._reported = {key: report for key, report in self._reported.items() if not report.done()}
        after = ""
        while page := self._store.silent_actions(since, _PAGE, after):
            for action in page:
                if action.id not in self._reported:
                    log.warning("Nothing was heard of action execution %s (%s) for too long", action.id, action.name)
                    self._reported[action.id] = self._submit(ActionLost(action.id, REASON, since))
            after = page[-1].id
