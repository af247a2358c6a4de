"""What is known of a database that cannot be used: told to the log once, and tried by one thread at a time."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator

from mistralish.errors import UnavailableError

PATIENCE_SECONDS = 1.0
"""For so long after a failure everybody goes on trying to write; then one at a time, and the others are refused."""

UNREADY_SECONDS = 2.0
"""For so long after a failure the database counts as unusable, though something small may have been written."""

log = logging.getLogger(__name__)


class Outage:
    """Begins with whatever the database could not do, and ends with the next transaction that wrote."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._failed_at = -UNREADY_SECONDS
        self._trial = threading.Lock()
        self._tried_by: int | None = None

    @property
    def is_on(self) -> bool:
        """Whether something has failed and nothing was written since."""
        return self._since is not None

    @property
    def is_recent(self) -> bool:
        """Whether something has failed just now."""
        return time.monotonic() - self._failed_at < UNREADY_SECONDS

    @property
    def is_being_tried(self) -> bool:
        """Whether one thread finds out just now if an outage that lasts is over: then others need not try."""
        return self._lasts and self._trial.locked()

    def failed(self, reason: str) -> None:
        """Note that the database could not do something."""
        with self._lock:
            self._failed_at = time.monotonic()
            if self._since is not None:
                return
            self._since = self._failed_at
        log.error("The database cannot be used: %s", reason)

    def wrote(self) -> None:
        """Note that a transaction has been committed."""
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            log.warning("The database can be used again, after %.1f s", time.monotonic() - since)

    @contextlib.contextmanager
    def trial(self) -> Iterator[None]:
        """Try to write. Raises UnavailableError where another thread does so already in an outage that lasts."""
        if not self._lasts or self._tried_by == threading.get_ident():
            yield
            return
        if not self._trial.acquire(blocking=False):
            raise UnavailableError("The database cannot do this now")
        self._tried_by = threading.get_ident()
        try:
            yield
        finally:
            self._tried_by = None
            self._trial.release()

    @property
    def _lasts(self) -> bool:
        since = self._since
        return since is not None and time.monotonic() - since > PATIENCE_SECONDS
