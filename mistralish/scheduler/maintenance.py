"""Maintenance: all executions are paused and nothing new is taken, until the service is told to run again.

RUNNING → PAUSING (executions are being paused, actions under way end) → PAUSED → RUNNING. The mode is the database's:
it holds for every process, and whoever finds PAUSING goes on with it, so that it outlives a crash. Source: the
reference's maintenance mode; other than there, running again resumes only what maintenance has paused.
"""

import logging
import threading
from typing import Any, Protocol

from mistralish import states
from mistralish.engine.commands import PauseExecution, ResumeExecution
from mistralish.errors import InputError, MistralishError, UnavailableError
from mistralish.records import WorkflowExecution
from mistralish.store import Store
from mistralish.store.operation import MODES, PAUSED, PAUSING, RUNNING

POLL_SECONDS = 5
REASON = "Paused for maintenance"
"""The state info of executions that maintenance has paused; by it they are found again."""

_AGAIN_SECONDS = 0.5
_PAGE = 1_000

logger = logging.getLogger(__name__)


class Call(Protocol):
    """The engine's door that is needed."""

    def call(self, command: Any, timeout: float = 10) -> Any:
        """Have a command decided and committed."""


class Maintenance:
    """Changes the mode of the service, and does what the change asks for, in a thread of its own."""

    def __init__(self, store: Store, engine: Call, poll_seconds: float = POLL_SECONDS) -> None:
        self._store = store
        self._engine = engine
        self._poll_seconds = poll_seconds
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._resumes = True  # at the start: an earlier process may have ended before it had resumed everything
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=True)

    def start(self) -> None:
        """Begin with what an earlier process has left."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not done is done after the next start."""
        self._stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def change(self, wanted: str) -> str:
        """Ask for RUNNING or PAUSED; return the mode that the service is in now: PAUSED comes by way of PAUSING.

        Raises InputError for anything else.
        """
        if wanted not in MODES:
            raise InputError(f"Not found {wanted} maintenance state. List of states: {[PAUSING, PAUSED, RUNNING]}")
        if wanted == PAUSING:
            raise InputError("PAUSING is intermediate state. Consider PAUSED, RUNNING as new state")
        if self._store.maintenance() == wanted:
            return wanted
        mode = RUNNING if wanted == RUNNING else PAUSING
        self._store.set_maintenance(mode)
        self._resumes = mode == RUNNING
        self._wake.set()
        return mode

    def work(self) -> None:
        """Do what the mode asks for, until it is done or the mode has changed."""
        mode = self._store.maintenance()
        if mode == PAUSING:
            self._pause()
        elif mode == RUNNING and self._resumes:
            self._resumes = False
            self._resume()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self.work()
            except UnavailableError as error:
                logger.debug("Maintenance: %s", error)
            except Exception:
                logger.exception("Maintenance failed; trying again within %g s", self._poll_seconds)
            self._wake.wait(self._poll_seconds)

    def _pause(self) -> None:
        while self._store.maintenance() == PAUSING and not self._stopping.is_set():
            unfinished = self._unfinished()
            # Pausing the root of a tree pauses all of it.
            running = [row for row in unfinished if row.root_execution_id is None and row.state == states.RUNNING]
            for row in running:
                self._tell(PauseExecution(row.id, REASON))
            if not running and not self._has_running_actions({row.id for row in unfinished}):
                self._store.set_maintenance(PAUSED, expected=PAUSING)
                return
            self._stopping.wait(_AGAIN_SECONDS)

    def _resume(self) -> None:
        for row in self._unfinished():
            if row.root_execution_id is None and row.state == states.PAUSED and row.state_info == REASON:
                if self._store.maintenance() != RUNNING or self._stopping.is_set():
                    return
                self._tell(ResumeExecution(row.id))

    def _tell(self, command: PauseExecution | ResumeExecution) -> None:
        try:
            self._engine.call(command)
        except MistralishError as error:
            # It may have ended meanwhile; if not, the next round finds it again.
            logger.info("Maintenance: %s", error)

    def _unfinished(self) -> list[WorkflowExecution]:
        found: list[WorkflowExecution] = []
        after = ""
        while page := self._store.unfinished_executions(_PAGE, after):
            found += page
            after = page[-1].id
        return found

    def _has_running_actions(self, executions: set[str]) -> bool:
        """Whether an action runs for one of these; those of a cancelled execution are nobody's any more."""
        after = ""
        while page := self._store.unfinished_actions(_PAGE, after):
            if any(row.state == states.RUNNING and row.workflow_execution_id in executions for row in page):
                return True
            after = page[-1].id
        return False
