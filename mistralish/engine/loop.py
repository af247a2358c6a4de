"""The turn loop: the one place that joins the state machine, the store and the executors."""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from mistralish.actions import Registry
from mistralish.engine import commands, steps
from mistralish.engine.admissions import Admissions
from mistralish.engine.catalog import Catalog
from mistralish.engine.ceiling import Ceiling
from mistralish.engine.inbox import Inbox
from mistralish.engine.lookups import TurnWorld
from mistralish.engine.loose import KeepAction
from mistralish.engine.memory import Memory
from mistralish.engine.pace import Pace
from mistralish.engine.turns import ExecutorPlace, RejectedAfterChangeError, TurnWork, Work
from mistralish.errors import MistralishError, NotFoundError, UnavailableError
from mistralish.executors import ActionCall
from mistralish.expressions import budget, decision
from mistralish.logs import about_execution
from mistralish.masking import mask_text
from mistralish.states import ERROR
from mistralish.store import Store, Turn
from mistralish.tallies import TurnTally

log = logging.getLogger(__name__)

MOST_LEFT = 4_000
"""With so many steps left by earlier turns nothing new is started: each may be of an execution that is to be kept in
memory, see ``Engine``'s ``cached_runs``."""

STUCK_SECONDS = 5.0
"""While one turn takes longer than that, callers are refused at once: each would keep a thread that others need."""

BATCH = 512
"""How many commands one turn takes from the queue at the most."""

LEAST_REACH = 16
"""On a shared database a turn locks so many trees at least, and twice as many as the last one came to."""

_RETRY_SECONDS = 0.02
_OUTAGE_SECONDS = 1.0
_BREATH_SECONDS = 0.05
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
        on_commit: Callable[[Iterable[str]], None],
        admissions: Admissions,
        executor: ExecutorPlace,
        merges: bool,
        most_running: int,
    ) -> None:
        self._store = store
        self._registry = registry
        self._field_limit = field_limit
        self._clock = clock
        self._submit_call = submit_call
        self._on_timer = on_timer
        self._on_notice = on_notice
        self._on_commit = on_commit
        self._admissions = admissions
        self._executor = executor
        self._most_running = most_running
        self.catalog = Catalog(store, registry)
        self._memory = Memory(self.catalog, cached_runs, merges)
        self._known_specs: set[str] = set()
        self._inbox: Inbox[Work] = Inbox(self._project_of, budget.debts, self._may_wait, BATCH)
        self._running_actions: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="turns", daemon=True)
        self._stopping = False
        self._reach = BATCH  # trees
        self._under_way = ("", 0)
        self._left = 0  # steps, at the end of the last turn
        self._busy_since: float | None = None
        self._pace = Pace(store.is_exclusive)
        self.tally = TurnTally()

    def start(self) -> None:
        """Begin to take turns."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Take no more commands; finish those that are there, for so many seconds at the most."""
        self._stopping = True
        self._inbox.close()
        self._thread.join(seconds)

    def submit(
        self,
        command: Any,
        message_id: str | None = None,
        execution_id: str | None = None,
        insists: bool = False,
        project_id: str | None = None,
    ) -> "Future[Any]":
        """Queue a command; its future has the answer once it is on disk.

        ``insists``: while the database cannot be written, try again rather than answer UnavailableError.
        ``project_id``: whose that must be what the command is about.
        """
        future: Future[Any] = Future()
        refusal = self._refusal(command, insists)
        if refusal is not None:
            future.set_exception(UnavailableError(refusal))
            return future
        self._inbox.put(Work(command, execution_id, "", future, message_id, insists, project_id))
        return future

    def _refusal(self, command: Any, insists: bool) -> str | None:
        if self._stopping:
            return "The service is stopping and takes no more commands"
        if insists:
            return None
        if isinstance(command, commands.StartExecution) and self._left > MOST_LEFT:
            return "More is under way than can be done soon: start it again later"
        if self._store.is_being_tried:
            return "The database cannot do this now"
        since = self._busy_since
        if since is not None and time.monotonic() - since > STUCK_SECONDS:
            return "The database has been busy with one turn for too long: try again later"
        return None

    @property
    def waiting(self) -> int:
        """How many commands wait for a turn."""
        return self._inbox.size

    @property
    def cached_runs(self) -> int:
        """How many executions are kept in memory."""
        return self._memory.size

    def seconds_in_turn(self) -> float | None:
        """For how long the present turn has been going on, 0 between two; None when no turns are taken."""
        since = self._busy_since
        if not self._thread.is_alive():
            return None
        return 0.0 if since is None else time.monotonic() - since

    def take_turn(self) -> bool:
        """Wait for commands and decide them. False: there will be no more. For one thread only."""
        self._busy_since = None
        about_execution("")
        batch = self._inbox.next_batch()
        if batch is None:
            return False
        self._busy_since = time.monotonic()
        try:
            self._turn(batch)
        except UnavailableError as error:
            log.debug("A turn of %d commands cannot be kept: %s", len(batch), error)
            self._give_up(batch, error)
            time.sleep(_BREATH_SECONDS)
        except Exception:
            log.exception("A turn of %d commands failed; each is tried alone", len(batch))
            for work in batch:
                # Who asked for what does not exist has been told so already.
                if work.future is None or not work.future.done():
                    self._alone(work)
        return True

    def _run(self) -> None:
        while self.take_turn():
            pass

    def _turn(self, batch: list[Work]) -> None:
        allowance = self._pace.allowance(self._left)
        located, beyond = self._within_reach([work for work in batch if self._locate(work)], allowance.beside_callers)
        if not located:
            return
        began_at = time.perf_counter()
        decision.begin_turn()
        failed: BaseException | None = None
        with_roots = {work.root_id for work in located}
        turn = self._store.turn(with_roots)
        work_of_turn: TurnWork | None = None
        try:
            with turn:
                self.catalog.refresh()
                self._memory.match_versions(turn.locked)
                world = TurnWorld(self._store, self.catalog, self._memory, turn, self._field_limit, self._clock())
                ceiling = Ceiling(turn, self._most_running)
                work_of_turn = TurnWork(
                    turn,
                    world,
                    self._memory,
                    self._registry,
                    self._known_specs,
                    self._executor,
                    ceiling,
                    self._under_way,
                )
                elsewhere: list[Work] = []
                for work in self._not_handled(located, turn):
                    (work_of_turn.add if work.root_id in turn.locked else elsewhere.append)(work)
                work_of_turn.work_off(allowance)
                decided_at = time.perf_counter()
                # Alone on its database, the next process finds unfinished actions at its start, and repeats these.
                messages = work_of_turn.take_over_messages(also_repeatable=not self._store.is_exclusive)
                turn.save(work_of_turn.changes(messages))
        except BaseException as error:
            failed = error
            raise
        finally:
            if failed is not None:
                for root_id in with_roots | (work_of_turn.roots if work_of_turn else set()):
                    self._memory.forget_tree(root_id)
        ended_at = time.perf_counter()
        self.tally.turns.add(ended_at - began_at)
        self.tally.commits.add(ended_at - decided_at)
        self._memory.note_versions(turn.locked)
        self._finish(work_of_turn, elsewhere, beyond)

    def _within_reach(self, located: list[Work], beside: float) -> tuple[list[Work], list[Work]]:
        """What the turn may come to, callers first, and what it would only keep other processes from deciding."""
        if self._store.is_exclusive or len(located) <= self._reach:
            return located, []
        within: set[str] = {work.root_id for work in located if work.is_awaited}
        reach = self._reach if beside or not within else 0
        for work in located:
            if len(within) >= reach:
                break
            within.add(work.root_id)
        near: list[Work] = []
        far: list[Work] = []
        for work in located:
            (near if work.root_id in within else far).append(work)
        return near, far

    def _not_handled(self, works: list[Work], turn: Turn) -> list[Work]:
        """All but those whose message has been handled: where there are several processes, each may take any.

        One may even take what it has left itself, so the same message may be here twice.
        """
        kept = [work.message_id for work in works if work.message_id is not None and work.root_id in turn.locked]
        if not kept or self._store.is_exclusive:
            return works
        present, taken = turn.present_messages(kept), set(kept)
        left: list[Work] = []
        for work in works:
            if work.message_id in taken:
                if work.message_id not in present:
                    continue
                present.remove(work.message_id)
            left.append(work)
        return left

    def _finish(self, work: TurnWork, elsewhere: list[Work], beyond: list[Work]) -> None:
        """After the commit: answers first, then effects, then what is left for the next turn."""
        self._admissions.update(work.admitted, work.begun)
        for future, answer in work.answers:
            future.set_result(answer)
        for future, error in work.refused:
            future.set_exception(error)
        work.settle(self.tally)
        for execution_id, call in work.calls:
            if call.action_execution_id is not None and execution_id is not None:
                self._running_actions[call.action_execution_id] = execution_id
            self._start_call(call)
        if work.next_timer is not None:
            self._on_timer(work.next_timer)
        for notice in work.notices:
            self._on_notice(notice)
        self._on_commit(work.executions)
        front, back = work.left(self._inbox.has_more or bool(beyond))
        come_to = work.come_to
        others_waited = work.had_callers and not come_to
        self._pace.note(len(work.answers) if work.had_callers else 0, others_waited)
        if not others_waited:
            # Were all trees come to, the next turn may reach for more of them.
            was_too_far = any(each.root_id not in come_to for each in front)
            self._reach = max(LEAST_REACH, 2 * len(come_to)) if was_too_far else min(BATCH, 2 * self._reach)
        self._under_way = work.under_way
        self._inbox.leave([*front, *beyond], back)
        self._left = self._inbox.backlog
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
            if call.action_execution_id is not None and not self._store.is_exclusive:
                with contextlib.suppress(UnavailableError):
                    self._store.beat([call.action_execution_id], 0)

    def _give_up(self, batch: list[Work], error: UnavailableError) -> None:
        """Tell callers that it cannot be done now; keep for later what nobody would ask for again."""
        unanswered = [work for work in batch if work.future is None or not work.future.done()]
        later = [work for work in unanswered if work.insists or work.future is None]
        for work in unanswered:
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
        told = mask_text(f"Internal error while handling {type(work.command).__name__}: {failure!r}")
        stop = Work(steps.Stop(ERROR, told), work.execution_id, work.root_id, None, work.message_id)
        try:
            self._turn([stop])
        except Exception:
            log.exception("Execution %s could not be failed", work.execution_id)

    def _locate(self, work: Work) -> bool:
        """Find out which execution a command is for. False: nobody's; the caller has been told.

        Raises UnavailableError where the database does not say.
        """
        if work.root_id:
            return True
        try:
            work.execution_id, work.root_id = self._find(work)
        except UnavailableError:
            raise
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

    def _project_of(self, work: Work) -> str | None:
        """Whose a command is; None where that is not known without asking the database."""
        command = work.command
        if isinstance(command, commands.StartExecution):
            return command.project_id
        action_id = getattr(command, "action_id", None)
        execution_id = work.execution_id or getattr(command, "execution_id", None)
        execution_id = execution_id or (self._running_actions.get(action_id) if action_id else None)
        run = self._memory.get(execution_id) if execution_id else None
        return work.project_id if run is None else run.ex.project_id

    @staticmethod
    def _may_wait(work: Work, seconds: float) -> bool:
        """Send away who waits for a command that has to wait: it would keep a thread that others need."""
        if not work.is_awaited or work.future is None:
            return True
        said = f"Expressions of this project took too long just now: try again in {math.ceil(seconds)} s"
        work.future.set_exception(UnavailableError(said))
        return False

    @staticmethod
    def _found(found: Any, kind: str, identifier: str) -> Any:
        if found is None:
            raise NotFoundError(f"{kind} not found [id={identifier}]")
        return found
