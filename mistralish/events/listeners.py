"""One listener for each exchange and topic that a trigger waits for."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from mistralish.errors import InputError, UnavailableError
from mistralish.events.event import Event
from mistralish.events.matching import Triggers, starts
from mistralish.store.operation import RUNNING

REFRESH_SECONDS = 5
"""How often triggers that other processes made or removed are looked for."""

MOST_SOURCES = 500
"""Each takes a thread and a connection."""

logger = logging.getLogger(__name__)


class EventStore(Triggers, Protocol):
    """What is asked of the store."""

    def event_sources(self) -> list[tuple[str, str]]:
        """Every (exchange, topic) that a trigger waits for."""

    def maintenance(self) -> str:
        """The service's mode."""


class Listeners:
    """Listens to the broker at ``url`` for whatever the stored triggers wait for, and starts their workflows.

    ``submit`` is the engine's door. Events that name no project belong to ``default_project``; ``pool`` is as in
    ``Listener``. Raises InputError where kombu is not installed.
    """

    def __init__(
        self, store: EventStore, submit: Callable[[Any], "Future[Any]"], url: str, pool: str, default_project: str
    ) -> None:
        try:
            from mistralish.events.listener import Listener
        except ImportError as error:
            raise InputError(
                f"The setting event_broker_url needs kombu: pip install 'mistralish[events]' ({error})"
            ) from None
        self._store = store
        self._submit = submit
        self._default_project = default_project
        self._make: Callable[[str, str], Listener] = lambda exchange, topic: Listener(
            url, exchange, topic, pool, self.deliver
        )
        self._listeners: dict[tuple[str, str], Listener] = {}
        self._wake = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def wake(self) -> None:
        """Look for new and removed triggers now."""
        self._wake.set()

    def stop(self, seconds: float) -> None:
        """Listen no more, within so many seconds. What the broker has kept is delivered after the next start."""
        self._stopping = True
        self._wake.set()
        end = time.monotonic() + seconds
        self._thread.join(seconds)
        for listener in self._listeners.values():
            listener.stop()
        for listener in self._listeners.values():
            listener.join(max(0.0, end - time.monotonic()))

    def deliver(self, event: Event) -> "list[Future[Any]]":
        """Start what waits for ``event``. Raises UnavailableError while the service takes no work."""
        mode = self._store.maintenance()
        if mode != RUNNING:
            raise UnavailableError(f"The service is under maintenance ({mode})")
        return [self._submit(start.command) for start in starts(event, self._store, self._default_project)]

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            try:
                self._refresh()
            except UnavailableError as error:
                logger.debug("Looking for event triggers: %s", error)
            except Exception:
                logger.exception("Looking for event triggers failed; trying again within %g s", REFRESH_SECONDS)
            self._wake.wait(REFRESH_SECONDS)

    def _refresh(self) -> None:
        wanted = set(self._store.event_sources())
        for source in self._listeners.keys() - wanted:
            self._listeners.pop(source).stop(forget=True)
        new = sorted(wanted - self._listeners.keys())
        room = MOST_SOURCES - len(self._listeners)
        if len(new) > room:
            logger.error("No more than %d topics are listened to; left out: %s", MOST_SOURCES, new[room:][:10])
        for source in new[:room]:
            listener = self._make(*source)
            self._listeners[source] = listener
            listener.start()
