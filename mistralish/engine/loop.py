"""The turn loop: the one place that joins the state machine, the store and the executors."""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from mistralish.actions import Registry
from mistralish.engine import commands, steps
from mistralish.engine.catalog import Catalog
from mistralish.engine.lookups import TurnWorld
from mistralish.engine.loose import KeepAction
from mistralish.engine.memory import Memory
from mistralish.engine.turns import TURN_SECONDS, ExecutorPlace, RejectedAfterChangeError, TurnWork, Work
from mistralish.errors import MistralishError, NotFoundError, UnavailableError
from mistralish.executors import ActionCall
from mistralish.states import ERROR
from mistralish.store import Store, Turn

log = logging.getLogger(__name__)

BATCH = 512
"""How many commands one turn takes from the queue at the most."""

_RETRY_SECONDS = 0.02
_OUTAGE_SECONDS = 1.0
_ABOUT_ACTIONS = (commands.ActionFinished, commands.ActionLost, commands.UpdateAction, commands.DeleteAction)


class TurnLoop:
    """Takes commands, decides them in turns in a thread of its own, and hands out answers and effects."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        field_limit: int,
        cached_runs: int,
        clock: Callable[[], int],
        submit_call: Callable[[ActionCall], None],
        on_timer: Callable[[int], None],
        on_notice: Callable[[Any], None],
        executor: ExecutorPlace,
        merges: bool,
    ) -> None:
        self._store = store
        self._registry = registry
        self._field_limit = field_limit
        self._clock = clock
        self._submit_call = submit_call
        self._on_timer = on_timer
        self._on_notice = on_notice
        self._executor = executor
        self.catalog = Catalog(store, registry)
        self._memory = Memory(self.catalog, cached_runs, merges)
        self._known_specs: set[str] = set()
        self._inbox: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._ready: list[Work] = []
        self._running_actions: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="turns", daemon=True)
        self._stopping = False

    def start(self) -> None:
        """Begin to take turns."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Take no more commands; finish those that are there, for so many seconds at the most."""
        self._stopping = True
        self._inbox.put(None)
        self._thread.join(seconds)

    def submit(
        self, command: Any, message_id: str | None = None, execution_id: str | None = None, insists: bool = False
    ) -> "Future[Any]":
        """Queue a command; its future has the answer once it is on disk.

        ``insists``: while the database cannot be written, try again rather than answer UnavailableError.
        """
        future: Future[Any] = Future()
        if self._stopping:
            future.set_exception(UnavailableError("The service is stopping and takes no more commands"))
            return future
        self._inbox.put(Work(command, execution_id, "", future, message_id, insists))
        return future

    def _run(self) -> None:
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            try:
                self._turn(batch)
            except UnavailableError as error:
                log.error("A turn of %d commands cannot be kept: %s", len(batch), error)
                self._give_up(batch, error)
            except Exception:
                log.exception("A turn of %d commands failed; each is tried alone", len(batch))
                for work in batch:
                    self._alone(work)

    def _next_batch(self) -> list[Work] | None:
        batch, self._ready = self._ready, []
        stop = False
        while len(batch) < BATCH:
            try:
                work = self._inbox.get(block=not batch and not stop)
            except queue.Empty:
                break
            if work is None:
                stop = True
                self._inbox.put(None)
                break
            batch.append(work)
        return batch or (None if stop else batch)

    def _turn(self, batch: list[Work]) -> None:
        located = [work for work in batch if self._locate(work)]
        if not located:
            return
        self.catalog.refresh()
        failed: BaseException | None = None
        with_roots = {work.root_id for work in located}
        turn = self._store.turn(with_roots)
        work_of_turn: TurnWork | None = None
        try:
            with turn:
                self._memory.match_versions(turn.locked)
                world = TurnWorld(self._store, self.catalog, self._memory, turn, self._field_limit, self._clock())
                work_of_turn = TurnWork(turn, world, self._memory, self._registry, self._known_specs, self._executor)
                elsewhere: list[Work] = []
                for work in self._not_handled(located, turn):
                    (work_of_turn.queue if work.root_id in turn.locked else elsewhere).append(work)
                work_of_turn.work_off(TURN_SECONDS)
                messages = work_of_turn.take_over_messages()
                turn.save(work_of_turn.changes(messages))
        except BaseException as error:
            failed = error
            raise
        finally:
            if failed is not None:
                for root_id in with_roots | (work_of_turn.roots if work_of_turn else set()):
                    self._memory.forget_tree(root_id)
        self._memory.note_versions(turn.locked)
        self._finish(work_of_turn, elsewhere)

    def _not_handled(self, works: list[Work], turn: Turn) -> list[Work]:
        """All but those whose message another process has handled: where there are several, each may take any."""
        kept = [work.message_id for work in works if work.message_id is not None and work.root_id in turn.locked]
        if not kept or self._store.is_exclusive:
            return works
        handled = set(kept) - turn.present_messages(kept)
        return [work for work in works if work.message_id not in handled]

    def _finish(self, work: TurnWork, elsewhere: list[Work]) -> None:
        """After the commit: answers first, then effects, then what is left for the next turn."""
        for future, answer in work.answers:
            future.set_result(answer)
        for future, error in work.refused:
            future.set_exception(error)
        work.settle()
        for execution_id, call in work.calls:
            if call.action_execution_id is not None and execution_id is not None:
                self._running_actions[call.action_execution_id] = execution_id
            self._start_call(call)
        if work.next_timer is not None:
            self._on_timer(work.next_timer)
        for notice in work.notices:
            self._on_notice(notice)
        self._ready.extend(work.queue)
        if elsewhere:
            threading.Timer(_RETRY_SECONDS, self._put_back, (elsewhere,)).start()
        self._memory.trim()

    def _put_back(self, works: list[Work]) -> None:
        for work in works:
            self._inbox.put(work)

    def _start_call(self, call: ActionCall) -> None:
        try:
            self._submit_call(call)
        except UnavailableError:
            log.info("Action execution %s is left for the next start of the service", call.action_execution_id)

    def _give_up(self, batch: list[Work], error: UnavailableError) -> None:
        """Tell callers that it cannot be done now; keep for later what nobody would ask for again."""
        later = [work for work in batch if work.insists or work.future is None]
        for work in batch:
            if work.future is not None and not work.insists:
                work.future.set_exception(error)
        if later:
            threading.Timer(_OUTAGE_SECONDS, self._put_back, (later,)).start()

    def _alone(self, work: Work) -> None:
        """Try a command by itself; if it fails again it fails its own execution, and nobody else's."""
        try:
            self._turn([work])
            return
        except UnavailableError as error:
            self._give_up([work], error)
            return
        except RejectedAfterChangeError as error:
            failure: BaseException = error.__cause__ or error
        except Exception as error:
            log.exception("Command %s failed", type(work.command).__name__)
            failure = error
        if work.future is not None:
            work.future.set_exception(failure)
        if isinstance(failure, MistralishError) and work.message_id is None:
            return
        self._fail_execution(work, failure)

    def _fail_execution(self, work: Work, failure: BaseException) -> None:
        if work.execution_id is None or isinstance(work.command, commands.StartExecution):
            return
        told = f"Internal error while handling {type(work.command).__name__}: {failure!r}"
        stop = Work(steps.Stop(ERROR, told), work.execution_id, work.root_id, None, work.message_id)
        try:
            self._turn([stop])
        except Exception:
            log.exception("Execution %s could not be failed", work.execution_id)

    def _locate(self, work: Work) -> bool:
        """Find out which execution a command is for. False: nobody's; the caller has been told."""
        if work.root_id:
            return True
        try:
            work.execution_id, work.root_id = self._find(work)
        except UnavailableError as error:
            self._give_up([work], error)
            return False
        except Exception as error:
            if work.future is not None:
                work.future.set_exception(error)
            return False
        return True

    def _find(self, work: Work) -> tuple[str | None, str]:
        command = work.command
        if isinstance(command, commands.StartExecution):
            return None, command.execution_id
        if isinstance(command, KeepAction):
            return None, command.record.id
        if isinstance(command, commands.RerunTask):
            return self._found(self._store.locate_task(command.task_id), "TaskExecution", command.task_id)
        if isinstance(command, _ABOUT_ACTIONS):
            return self._find_action(command)
        execution_id = work.execution_id or command.execution_id
        run = self._memory.get(execution_id)
        if run is not None:
            return execution_id, run.root_id
        if isinstance(command, commands.TimerDue) or work.message_id is not None:
            # Of an execution that is gone, the row at least must go.
            return self._store.locate_execution(execution_id) or (execution_id, execution_id)
        return self._found(self._store.locate_execution(execution_id), "WorkflowExecution", execution_id)

    def _find_action(self, command: Any) -> tuple[str | None, str]:
        execution_id = self._running_actions.get(command.action_id)
        if isinstance(command, commands.ActionFinished):
            self._running_actions.pop(command.action_id, None)
        run = self._memory.get(execution_id) if execution_id else None
        if run is not None and not isinstance(command, commands.DeleteAction):
            return execution_id, run.root_id
        found = self._found(self._store.locate_action(command.action_id), "ActionExecution", command.action_id)
        return (None, found[1]) if isinstance(command, commands.DeleteAction) else found

    @staticmethod
    def _found(found: Any, kind: str, identifier: str) -> Any:
        if found is None:
            raise NotFoundError(f"{kind} not found [id={identifier}]")
        return found
