"""APScheduler, for a machine whose clock may be set anew while the service runs."""

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

CHECK_SECONDS = 1.0
JUMP_SECONDS = 1.0
"""So much more or less than what has passed is no clock that is being corrected, but one that was set."""


class SteadyScheduler(BackgroundScheduler):
    """Runs all jobs at once, and then at their intervals, after the clock on the wall has been set.

    APScheduler goes by that clock alone: set back by an hour, it would call nothing for an hour. ``clock`` gives the
    wall's time and ``steady`` one that is never set, both in seconds.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic, **options: Any
    ) -> None:
        super().__init__(timezone=UTC, **options)
        self._clock = clock
        self._steady = steady
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look_at_clocks, name="clocks", daemon=True)

    def start(self, *arguments: Any, **options: Any) -> None:
        """Begin to run jobs."""
        super().start(*arguments, **options)
        self._watch.start()

    def shutdown(self, *arguments: Any, **options: Any) -> None:
        """Run no more jobs."""
        self._ended.set()
        self._watch.join()
        super().shutdown(*arguments, **options)

    def _look_at_clocks(self) -> None:
        apart = self._clock() - self._steady()
        while not self._ended.wait(CHECK_SECONDS):
            before, apart = apart, self._clock() - self._steady()
            if abs(apart - before) > JUMP_SECONDS:
                now = datetime.now(UTC)
                for job in self.get_jobs():
                    # One that was to be run once may have been by now.
                    with contextlib.suppress(JobLookupError):
                        job.modify(next_run_time=now)
