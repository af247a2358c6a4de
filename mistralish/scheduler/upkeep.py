"""What the service does every so often for its own sake. None of it is waited for by a workflow."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor

from mistralish.errors import UnavailableError
from mistralish.scheduler.steady import SteadyScheduler

logger = logging.getLogger(__name__)


class Upkeep:
    """Calls functions at intervals, each in a thread of its own, so that a slow one delays only itself.

    What a function raises is logged, and the function is called again at its next time. One that may take long looks at
    ``is_stopping``.
    """

    def __init__(self) -> None:
        self._jobs = SteadyScheduler(job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1})
        self._count = 0
        self.is_stopping = False

    def every(self, seconds: float, function: Callable[[], Any], *, at_once: bool = False) -> None:
        """Have ``function`` called every so many seconds, the first time after so many, or at the start."""
        self._count += 1
        line = f"upkeep-{self._count}"
        self._jobs.add_executor(ThreadPoolExecutor(1), line)
        first = {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._jobs.add_job(_logged(function), "interval", seconds=seconds, id=line, executor=line, **first)

    def start(self) -> None:
        """Begin."""
        self._jobs.start()

    def stop(self) -> None:
        """Let calls under way end, and begin no more."""
        self.is_stopping = True
        if self._jobs.running:
            self._jobs.shutdown(wait=True)


def _logged(function: Callable[[], Any]) -> Callable[[], None]:
    def call() -> None:
        try:
            function()
        except UnavailableError as error:
            logger.debug("Upkeep: %s", error)  # why, is in the log once
        except Exception:
            logger.exception("Upkeep failed; it is tried again at its next time")

    return call
