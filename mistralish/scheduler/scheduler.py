"""Wakes at the right moment and hands what is due to the engine.

The database decides what is due and whether it still is: a timer stays in its table until the turn that handles it,
and a trigger fires for whoever moves it on to its next time. So any number of processes may look at once, and what
came due while none was running is found by the first look.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from apscheduler.executors.pool import ThreadPoolExecutor

from mistralish.engine.commands import CronClaim, StartExecution, TimerDue
from mistralish.errors import MistralishError, UnavailableError
from mistralish.ids import new_id
from mistralish.scheduler import cron
from mistralish.scheduler.steady import SteadyScheduler
from mistralish.store import Store
from mistralish.store.operation import RUNNING
from mistralish.tallies import LookTally

POLL_SECONDS = 5
BATCH = 500

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOOK, _POLL = "look", "poll"

logger = logging.getLogger(__name__)


class Submit(Protocol):
    """The engine's door that the scheduler needs."""

    def submit(self, command: Any) -> "Future[Any]":
        """Have a command decided; the future ends after the commit."""


def microseconds_now() -> int:
    """The time now, in microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


class Scheduler:
    """Hands due timers and cron triggers to ``engine``, waking when the earliest of them is due.

    ``now`` gives the time in microseconds. A poll finds what other processes have added.
    """

    def __init__(
        self,
        store: Store,
        engine: Submit,
        now: Callable[[], int] = microseconds_now,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._store = store
        self._engine = engine
        self._now = now
        self._poll_seconds = poll_seconds
        self._lock = threading.Lock()
        self._running = False
        self._wake_at: int | None = None
        self._in_flight: set[str] = set()
        self._failed: set[str] = set()
        self._looked_at = time.monotonic()
        self.tally = LookTally()
        # One thread looks: two looks at once would only hand out the same things. But a look that is asked for during
        # another one must come after it: with one instance allowed, it would be left out until the next poll.
        self._jobs = SteadyScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 2},
        )

    def start(self) -> None:
        """Begin to look, at once and then whenever something is due."""
        self._looked_at = time.monotonic()
        self._running = True
        self._jobs.add_job(
            self._poll, "interval", seconds=self._poll_seconds, id=_POLL, next_run_time=datetime.now(UTC)
        )
        self._jobs.start()

    def stop(self) -> None:
        """Hand out nothing more. What is due stays in the database."""
        if self._running:
            self._running = False
            self._jobs.shutdown(wait=True)

    def wake(self) -> None:
        """Look now: something may be due, or the next due time may have changed."""
        self.wake_at(0)

    def wake_at(self, due_us: int) -> None:
        """Look at ``due_us`` (microseconds since the epoch) at the latest. Cheap when a look is due before that."""
        with self._lock:
            if not self._running or (self._wake_at is not None and self._wake_at <= due_us):
                return
            self._wake_at = due_us
            when = max(_EPOCH + timedelta(microseconds=due_us), datetime.now(UTC))
            self._jobs.add_job(self._look_and_log, "date", run_date=when, id=_LOOK, replace_existing=True)

    def seconds_since_look(self) -> float | None:
        """How long ago it looked for what is due; None when it does not run."""
        return time.monotonic() - self._looked_at if self._running else None

    def look(self) -> None:
        """Hand everything that is due to the engine, and see to it that the next look comes in time."""
        with self._lock:
            self._wake_at = None
        now = self._now()
        for timer in self._store.due_timers(now, BATCH):
            late = (now - timer.due_at) / 1_000_000
            self._submit(timer.id, TimerDue(timer.id, timer.execution_id, timer.command), None, late)
        times = [self._store.next_timer_at()]
        # Under maintenance triggers wait; what they missed is caught up by a poll after it.
        if self._store.maintenance() == RUNNING:
            for trigger in self._store.due_cron_triggers(now, BATCH):
                self._fire(trigger, now)
            times.append(self._store.next_cron_at())
        due = [at for at in times if at is not None]
        # What is due now is in flight: its end leads to the next look.
        if due and min(due) > now:
            self.wake_at(min(due))

    def _poll(self) -> None:
        with self._lock:
            self._in_flight -= self._failed
            self._failed.clear()
        self._look_and_log()

    def _look_and_log(self) -> None:
        try:
            self.look()
        except UnavailableError as error:
            logger.debug("Looking for what is due: %s", error)
        except Exception:
            logger.exception("Looking for what is due failed; trying again within %g s", self._poll_seconds)
        self._looked_at = time.monotonic()

    def _fire(self, trigger: dict[str, Any], now: int) -> None:
        try:
            claim = next_claim(trigger, now)
        except MistralishError as error:
            logger.error("Cron trigger %s (%s) cannot fire: %s", trigger["name"], trigger["id"], error)
            return
        late = (now - trigger["next_execution_time"]) / 1_000_000
        self._submit(trigger["id"], _start_by(trigger, claim), claim, late)

    def _submit(self, key: str, command: TimerDue | StartExecution, claim: CronClaim | None, late: float) -> None:
        with self._lock:
            if key in self._in_flight:
                return
            self._in_flight.add(key)
        try:
            future = self._engine.submit(command)
        except Exception:
            with self._lock:
                self._failed.add(key)
            raise
        future.add_done_callback(partial(self._done, key, claim, late))

    def _done(self, key: str, claim: CronClaim | None, late: float, future: "Future[Any]") -> None:
        error = None if future.cancelled() else future.exception()
        with self._lock:
            if error is None:
                self._in_flight.discard(key)
                (self.tally.timers if claim is None else self.tally.cron).add(late)
            else:
                self._failed.add(key)
            last = self._in_flight <= self._failed
        if error is not None:
            self._report(key, claim, error)
        if last:
            self.wake()

    def _report(self, key: str, claim: CronClaim | None, error: BaseException) -> None:
        what = "Timer" if claim is None else "The workflow of cron trigger"
        # What cannot be done now is tried again; why, is in the log once.
        level = logging.DEBUG if isinstance(error, UnavailableError) else logging.ERROR
        logger.log(level, "%s %s failed: %s", what, key, error)


def next_claim(trigger: dict[str, Any], now: int) -> CronClaim:
    """What firing ``trigger`` at ``now`` leaves behind: its next time and what then remains.

    The next time is the first after both ``now`` and the time it was due, so that one firing makes up for all that
    were missed. None for the next time: it was the last.
    """
    due, remaining = trigger["next_execution_time"], trigger["remaining_executions"]
    if remaining is not None and remaining > 0:
        remaining -= 1
    following = None
    if trigger["pattern"] and remaining != 0:
        following = cron.next_time(trigger["pattern"], max(now, due), trigger["time_zone"])
    return CronClaim(trigger["id"], due, following, remaining)


def _start_by(trigger: dict[str, Any], claim: CronClaim) -> StartExecution:
    """The start of a trigger's workflow. Its description tells clients, in JSON, which trigger it was."""
    description = {
        "description": f"Workflow execution created by cron trigger '({trigger['id']})'.",
        "triggered_by": {"type": "cron_trigger", "id": trigger["id"], "name": trigger["name"]},
    }
    return StartExecution(
        execution_id=new_id(),
        workflow=trigger["workflow_id"] or trigger["workflow_name"],
        namespace=trigger["workflow_namespace"] or "",
        input=trigger["workflow_input"] or {},
        description=json.dumps(description),
        params=trigger["workflow_params"] or {},
        project_id=trigger["project_id"],
        claim=claim,
    )
