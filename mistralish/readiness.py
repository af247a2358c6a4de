"""Whether the service can do its work now, or why not. Nothing here waits for long, whatever is the matter."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

DATABASE_SECONDS = 2.0
"""How long the database has to answer."""

TURN_SECONDS = 10.0
"""How long one turn of the engine may take; decisions end after milliseconds, so this is time for a slow database."""

LOOK_SECONDS = 30.0
"""How long ago the scheduler may have looked for what is due; it does so every five seconds."""


class Engine(Protocol):
    """What is asked of the engine."""

    def seconds_in_turn(self) -> float | None:
        """For how long the present turn has been going on, 0 between two; None when no turns are taken."""


class Scheduler(Protocol):
    """What is asked of the scheduler."""

    def seconds_since_look(self) -> float | None:
        """How long ago it looked for what is due; None when it does not run."""


class Readiness:
    """Asks the parts of the service. ``ask_database`` tries what is needed of it; it may raise, or not come back."""

    def __init__(
        self,
        ask_database: Callable[[], Any],
        engine: Engine,
        scheduler: Scheduler,
        database_seconds: float = DATABASE_SECONDS,
    ) -> None:
        self._database = _Question(ask_database)
        self._engine = engine
        self._scheduler = scheduler
        self._database_seconds = database_seconds
        self.is_stopping = False

    def problems(self) -> list[str]:
        """Why the service is not ready, in words that tell nothing of its data; empty when it is."""
        found = ["it is stopping"] if self.is_stopping else []
        if not self._database.is_answered(self._database_seconds):
            found.append("the database does not answer, or cannot be written")
        busy = self._engine.seconds_in_turn()
        if busy is None:
            found.append("the engine does not run")
        elif busy > TURN_SECONDS:
            found.append(f"the engine has been busy with one turn for {busy:.0f} s")
        looked = self._scheduler.seconds_since_look()
        if looked is None:
            found.append("the scheduler does not run")
        elif looked > LOOK_SECONDS:
            found.append(f"the scheduler has not looked for what is due for {looked:.0f} s")
        return found


class _Question:
    """Asks in a thread of its own, one at a time, so that callers need not wait for as long as the answer takes."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._asked: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: Future[Any] | None = None
        self._asked_at = 0.0
        self._thread: threading.Thread | None = None

    def is_answered(self, seconds: float) -> bool:
        """Whether an answer comes within so many seconds of the question, which an earlier caller may have asked."""
        try:
            question = self._question()
            question.result(max(0.0, self._asked_at + seconds - time.monotonic()))
        except Exception:  # of any kind: refused, lost, too late
            return False
        return True

    def _question(self) -> "Future[Any]":
        with self._lock:
            if self._pending is None or self._pending.done():
                self._pending, self._asked_at = Future(), time.monotonic()
                self._asked.put(self._pending)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="readiness", daemon=True)
                self._thread.start()
            return self._pending

    def _run(self) -> None:
        while True:
            question = self._asked.get()
            try:
                question.set_result(self._ask())
            except Exception as error:
                question.set_exception(error)
