"""The engine: the face that the rest of the service sees of the state machine and its turn loop."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Protocol

from mistralish import states
from mistralish.actions import Registry, Result
from mistralish.engine import commands, steps
from mistralish.engine.admissions import Admissions
from mistralish.engine.loop import TurnLoop
from mistralish.engine.loose import KeepAction
from mistralish.engine.turns import ExecutorPlace
from mistralish.engine.watchers import Watchers
from mistralish.errors import InputError, NotFoundError, UnavailableError
from mistralish.executors import ActionCall, Load
from mistralish.executors.run import run_now
from mistralish.expressions import sandbox
from mistralish.ids import new_id
from mistralish.records import ActionExecution
from mistralish.sealing import Sealer
from mistralish.store import Store
from mistralish.tallies import TurnTally

log = logging.getLogger(__name__)

CALL_SECONDS = 10.0
"""How long a caller waits for a commit: where the disk hangs, nobody knows how long that will take."""

MOST_QUEUED = 10_000
"""While so many calls of a project wait for a thread of this process, nothing new is started for it."""

_PAGE = 1_000
_ALL = 1_000_000
_LOOK_AGAIN_SECONDS = 0.5
_CROWDED = "Too many actions of this project wait to be run: start it again later"
_STOPPED = "The service was stopped while the action ran, and it is not known to be safe to run again"


class Executor(Protocol):
    """Where actions run."""

    def submit(self, call: ActionCall) -> None:
        """Take a call; its result comes to the ``on_result`` that the executor was made with."""

    def in_flight(self, seconds: float) -> list[str]:
        """The action executions of calls that were taken at least so many seconds ago and have not ended."""

    @property
    def room(self) -> int:
        """How many more calls it would begin without much delay."""

    @property
    def load(self) -> Load:
        """How much it has to do."""

    def queued_of(self, project_id: str) -> int:
        """How many calls of a project wait for a thread."""

    def shutdown(self, seconds: float) -> tuple[str, ...]:
        """Take no more calls; return the ids of those that did not end in time."""


OnResult = Callable[[str | None, Result], None]


def _wall_clock() -> int:
    return time.time_ns() // 1_000


class Engine:
    """Decides what happens to executions. Safe to call from any thread.

    ``make_executor`` is given the function that results are to be told to. ``on_timer`` is told when (µs) the
    earliest timer armed in a turn is due; ``on_notice`` gets what ``notify`` publishers are to be told.
    ``field_limit_kb``: ``execution_field_size_limit_kb``, -1 for none. ``executor_name``: calls with this ``target``
    run here, others wait for a process that has their target's name; ``first_heartbeat_seconds`` is how much longer
    they may do so than a call that is under way may be silent. ``merges``: ``merge_strategy`` is "merge".
    ``most_running``: executions that a project may have under way at once, 0 for any number.
    ``notify``: publishers that are added to every execution's own. ``watchers`` is where callers wait for commits that
    concern an execution, ``most_waiting`` of them at once; ``admissions``, where they wait for what has
    not begun. ``sealer`` is for actions that callers wait for.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        make_executor: Callable[[OnResult], Executor],
        *,
        field_limit_kb: int = 1024,
        cached_runs: int = 4_000,
        clock: Callable[[], int] = _wall_clock,
        on_notice: Callable[[Any], None] = lambda notice: None,
        executor_name: str = "",
        first_heartbeat_seconds: int = 3600,
        merges: bool = False,
        most_running: int = 0,
        notify: Sequence[Mapping[str, Any]] = (),
        most_waiting: int = 8,
        sealer: Sealer | None = None,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._registry = registry
        self._clock = clock
        self._notify = list(notify)
        self.on_timer: Callable[[int], None] = lambda due_at: None
        self._results: dict[str, None] = {}
        self._executor = make_executor(self._take_result)
        self.watchers = Watchers(most_waiting, None if store.is_exclusive else _LOOK_AGAIN_SECONDS)
        self.admissions = Admissions(most_waiting)
        self._place = ExecutorPlace(executor_name, first_heartbeat_seconds * 1_000_000)
        self._loop = TurnLoop(
            store,
            registry,
            field_limit=field_limit_kb,
            cached_runs=cached_runs,
            clock=clock,
            submit_call=self._executor.submit,
            on_timer=lambda due_at: self.on_timer(due_at),
            on_notice=on_notice,
            on_commit=self.watchers.tell,
            admissions=self.admissions,
            executor=self._place,
            merges=merges,
            most_running=most_running,
        )

    def start(self) -> None:
        """Begin to work, first on what an earlier process has left."""
        sandbox.start()
        self._loop.start()
        self._recover()

    def stop(self, seconds: float) -> None:
        """Let running actions end and turns finish, for so many seconds; leave the others to whoever comes."""
        end = time.monotonic() + seconds
        self.watchers.close()
        left = self._executor.shutdown(seconds)
        if left:
            log.warning("%d actions did not end in time", len(left))
            # So long ago that another process need not wait before it takes care of them.
            self._store.beat(left, 0)
        self._loop.stop(max(1.0, end - time.monotonic()))

    def submit(self, command: Any, project_id: str | None = None) -> "Future[Any]":
        """Queue a command. Its future has the answer after the commit, or the command's MistralishError."""
        if isinstance(command, commands.RunAction):
            raise TypeError("RunAction is answered by call() only")
        if isinstance(command, commands.StartExecution) and self._is_crowded(command.project_id):
            refused: Future[Any] = Future()
            refused.set_exception(UnavailableError(_CROWDED))
            return refused
        if self._notify and isinstance(command, commands.StartExecution):
            own = command.params.get("notify")
            both = [*(own if isinstance(own, list) else ()), *self._notify]
            command = replace(command, params={**command.params, "notify": both})
        # Whoever reports a loss waits for nothing: the results that are there already come first.
        return self._loop.submit(command, insists=isinstance(command, commands.ActionLost), project_id=project_id)

    def call(self, command: Any, timeout: float = CALL_SECONDS, project_id: str | None = None) -> Any:
        """Have a command decided, and wait for its commit. Raises the command's MistralishError.

        With ``project_id``, NotFoundError where what the command is about is another project's. Raises UnavailableError
        after ``timeout`` seconds: the command may still be carried out then.
        """
        if isinstance(command, commands.RunAction):
            return self._run_action(command)
        return _answer(self.submit(command, project_id), timeout)

    @property
    def tally(self) -> TurnTally:
        """What has been decided since the start."""
        return self._loop.tally

    @property
    def waiting(self) -> int:
        """How many commands wait to be decided."""
        return self._loop.waiting

    @property
    def cached_runs(self) -> int:
        """How many executions are kept in memory."""
        return self._loop.cached_runs

    @property
    def executor_load(self) -> Load:
        """How much this process's executor has to do."""
        return self._executor.load

    def seconds_in_turn(self) -> float | None:
        """For how long the present turn has been going on, 0 between two; None when no turns are taken."""
        return self._loop.seconds_in_turn()

    def in_flight(self, seconds: float) -> list[str]:
        """The action executions that this process has been running for so many seconds, or has a result of."""
        return [*self._executor.in_flight(seconds), *list(self._results)]

    def take_calls(self) -> int:
        """Begin to run calls that wait for executors of this process's name; return how many."""
        taken = self._store.take_calls(self._place.name, self._executor.room, self._clock())
        for waiting in taken:
            self._executor.submit(ActionCall.from_json(waiting.call))
        return len(taken)

    def adopt_messages(self, seconds: float) -> None:
        """See to messages that nobody has handled for so long: the process that was to do it may be dead.

        Where it is not, whoever has the lock first handles them, and the other finds them gone.
        """
        self._take_messages(_PAGE, self._clock() - round(seconds * 1_000_000))

    def _take_messages(self, limit: int, made_before: int | None = None) -> None:
        for message in self._store.pending_messages(limit):
            if made_before is None or message.created_at < made_before:
                self._loop.submit(steps.from_json(message.command), message.id, message.execution_id, insists=True)

    def _is_crowded(self, project_id: str) -> bool:
        return self._executor.queued_of(project_id) >= MOST_QUEUED

    def _run_action(self, command: commands.RunAction) -> ActionExecution:
        if self._is_crowded(command.project_id):
            raise UnavailableError(_CROWDED)
        catalog = self._loop.catalog
        action = catalog.action(command.name, command.namespace, command.project_id)
        if action is None:
            raise NotFoundError(f"Failed to find action [action_name={command.name}]")
        action.check_parameters(command.input)
        given = dict(action.with_defaults(command.input))
        base, base_input = action.expand(given, {}, None)
        is_sync = action.system_action.is_sync(base_input)
        if command.run_sync and not is_sync:
            raise InputError("Action does not support synchronous execution.")
        now = self._clock()
        record = ActionExecution(
            id=new_id(),
            name=command.name,
            workflow_namespace=command.namespace,
            description=command.description,
            input=given,
            is_sync=is_sync,
            runtime_context={"index": 0, "safe_rerun": False},
            project_id=command.project_id,
            created_at=now,
        )
        context = {
            "action_execution_id": record.id,
            "callback_url": f"/v2/action_executions/{record.id}",
            "project_id": command.project_id,
        }
        call = ActionCall(record.id, base, base_input, context, command.target, command.timeout)
        elsewhere = self._place.is_elsewhere(command.target)
        if not command.run_sync and (command.save_result or not is_sync or elsewhere):
            _answer(self._loop.submit(KeepAction(record, call)))
            if not elsewhere:
                self._executor.submit(call)
            return record
        if elsewhere:
            raise InputError(
                f"Only an executor called '{command.target}' may run this action, and this process cannot wait for it: "
                "leave out 'run_sync' and ask for the action execution's result"
            )
        result = action.post_process(run_now(self._registry, call, self._sealer), {}, None)
        record.state = states.SUCCESS if result.is_success else states.ERROR
        record.output = result.to_output()
        record.updated_at = self._clock()
        if command.save_result:
            _answer(self._loop.submit(KeepAction(record)))
        return record

    def _take_result(self, action_id: str | None, result: Result) -> None:
        if action_id is None:
            return
        # Until it is on disk the action is not lost, however long there is other work before it.
        self._results[action_id] = None
        finished = commands.ActionFinished(
            action_id, result.data, result.error, is_error=result.is_error, cancel=result.cancel
        )
        future = self._loop.submit(finished, insists=True)
        future.add_done_callback(lambda _: self._results.pop(action_id, None))

    def _recover(self) -> None:
        """Go on with what was under way when the process before this one ended."""
        self._take_messages(_ALL)
        if not self._store.is_exclusive:
            return
        after = ""
        while page := self._store.actions_under_way(_PAGE, after):
            for action in page:
                self._loop.submit(commands.ActionLost(action.id, _STOPPED), insists=True)
            after = page[-1].id


def _answer(future: "Future[Any]", timeout: float = CALL_SECONDS) -> Any:
    try:
        return future.result(timeout)
    except TimeoutError:
        raise UnavailableError(
            f"The engine did not answer within {timeout:g} seconds; the request may still be carried out"
        ) from None
