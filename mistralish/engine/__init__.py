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
from mistralish.engine.loop import TurnLoop
from mistralish.engine.loose import KeepAction
from mistralish.engine.turns import ExecutorPlace
from mistralish.errors import InputError, NotFoundError, UnavailableError
from mistralish.executors import ActionCall
from mistralish.executors.run import run_now
from mistralish.ids import new_id
from mistralish.records import ActionExecution
from mistralish.store import Store

log = logging.getLogger(__name__)

_PAGE = 1_000
_ALL = 1_000_000
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
    ``notify``: publishers that are added to every execution's own.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        make_executor: Callable[[OnResult], Executor],
        *,
        field_limit_kb: int = 1024,
        cached_runs: int = 2_000,
        clock: Callable[[], int] = _wall_clock,
        on_notice: Callable[[Any], None] = lambda notice: None,
        executor_name: str = "",
        first_heartbeat_seconds: int = 3600,
        merges: bool = False,
        notify: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._notify = list(notify)
        self.on_timer: Callable[[int], None] = lambda due_at: None
        self._executor = make_executor(self._take_result)
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
            executor=self._place,
            merges=merges,
        )

    def start(self) -> None:
        """Begin to work, first on what an earlier process has left."""
        self._loop.start()
        self._recover()

    def stop(self, seconds: float) -> None:
        """Let running actions end and turns finish, for so many seconds; leave the others to whoever comes."""
        end = time.monotonic() + seconds
        left = self._executor.shutdown(seconds)
        if left:
            log.warning("%d actions did not end in time", len(left))
            # So long ago that another process need not wait before it takes care of them.
            self._store.beat(left, 0)
        self._loop.stop(max(1.0, end - time.monotonic()))

    def submit(self, command: Any) -> "Future[Any]":
        """Queue a command. Its future has the answer after the commit, or the command's MistralishError."""
        if isinstance(command, commands.RunAction):
            raise TypeError("RunAction is answered by call() only")
        if self._notify and isinstance(command, commands.StartExecution):
            own = command.params.get("notify")
            both = [*(own if isinstance(own, list) else ()), *self._notify]
            command = replace(command, params={**command.params, "notify": both})
        return self._loop.submit(command)

    def call(self, command: Any, timeout: float = 60) -> Any:
        """Have a command decided, and wait for its commit. Raises the command's MistralishError.

        Raises UnavailableError after ``timeout`` seconds: the command may still be carried out then.
        """
        if isinstance(command, commands.RunAction):
            return self._run_action(command)
        try:
            return self.submit(command).result(timeout)
        except TimeoutError:
            raise UnavailableError(
                f"The engine did not answer within {timeout} seconds; the request may still be carried out"
            ) from None

    def in_flight(self, seconds: float) -> list[str]:
        """The action executions that this process has been running for at least so many seconds."""
        return self._executor.in_flight(seconds)

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

    def _run_action(self, command: commands.RunAction) -> ActionExecution:
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
        context = {"action_execution_id": record.id, "callback_url": f"/v2/action_executions/{record.id}"}
        call = ActionCall(record.id, base, base_input, context, command.target, command.timeout)
        elsewhere = self._place.is_elsewhere(command.target)
        if not command.run_sync and (command.save_result or not is_sync or elsewhere):
            self._loop.submit(KeepAction(record, call)).result(60)
            if not elsewhere:
                self._executor.submit(call)
            return record
        if elsewhere:
            raise InputError(
                f"Only an executor called '{command.target}' may run this action, and this process cannot wait for it: "
                "leave out 'run_sync' and ask for the action execution's result"
            )
        result = action.post_process(run_now(self._registry, call), {}, None)
        record.state = states.SUCCESS if result.is_success else states.ERROR
        record.output = result.to_output()
        record.updated_at = self._clock()
        if command.save_result:
            self._loop.submit(KeepAction(record)).result(60)
        return record

    def _take_result(self, action_id: str | None, result: Result) -> None:
        if action_id is not None:
            self._loop.submit(
                commands.ActionFinished(
                    action_id, result.data, result.error, is_error=result.is_error, cancel=result.cancel
                ),
                insists=True,
            )

    def _recover(self) -> None:
        """Go on with what was under way when the process before this one ended."""
        self._take_messages(_ALL)
        if not self._store.is_exclusive:
            return
        after = ""
        while page := self._store.unfinished_actions(_PAGE, after):
            for action in page:
                if action.is_sync is not False and action.state == states.RUNNING:
                    self._loop.submit(commands.ActionLost(action.id, _STOPPED))
            after = page[-1].id
