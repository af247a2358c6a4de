"""One turn: several commands decided, one transaction, then answers and effects."""

import copy
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from mistralish import states
from mistralish.actions import Registry, Result
from mistralish.engine import commands, effects, steps
from mistralish.engine.lookups import TurnWorld
from mistralish.engine.loose import KeepAction, LooseActions
from mistralish.engine.machine.creation import create_run
from mistralish.engine.machine.decide import decide
from mistralish.engine.memory import Memory
from mistralish.engine.run import Run
from mistralish.errors import MistralishError, NotAllowedError, NotFoundError
from mistralish.executors import ActionCall
from mistralish.executors.run import run_action
from mistralish.ids import new_id
from mistralish.records import ActionExecution, Message, QueuedCall, Timer
from mistralish.store import Changes, Turn

TURN_SECONDS = 0.01
"""How long a turn goes on deciding before it commits. A bound on how long a caller waits for the others."""


@dataclass(slots=True)
class Work:
    """A command on its way: for which execution, who waits for the answer, and where it is kept if it is.

    ``insists``: nobody would ask again, so it is tried until the database can take it.
    """

    command: Any
    execution_id: str | None
    root_id: str
    future: "Future[Any] | None" = None
    message_id: str | None = None
    insists: bool = False


@dataclass(frozen=True, slots=True)
class ExecutorPlace:
    """The executor of this process, as turns see it.

    ``name``: what a task's ``target`` must be to run here, as it does without a target. ``first_heartbeat_us``: how
    much longer (µs) than others a call may wait that nobody has taken yet.
    """

    name: str
    first_heartbeat_us: int

    def is_elsewhere(self, target: str | None) -> bool:
        """Whether a call with this target is for executors of another name."""
        return target is not None and target != "" and target != self.name


class RejectedAfterChangeError(Exception):
    """A command was refused after it had changed something: the turn must be taken back."""


class TurnWork:
    """The state of one turn while it is being decided. Made anew for each; ``changes`` is what it will write."""

    def __init__(
        self,
        turn: Turn,
        world: TurnWorld,
        memory: Memory,
        registry: Registry,
        known_specs: set[str],
        executor: ExecutorPlace,
    ) -> None:
        self._turn = turn
        self._world = world
        self._memory = memory
        self._registry = registry
        self._known_specs = known_specs
        self._executor = executor
        self._runs: dict[str, Run] = {}
        self._specs: dict[str, Any] = {}
        self._timers: dict[str, Timer] = {}
        self._removed_timers: list[str] = []
        self._removed_messages: list[str] = []
        self._queued_calls: list[QueuedCall] = []
        self._removed_calls: list[str] = []
        self._again: set[str] = set()
        self._accepted: list[tuple[str, bool]] = []
        self._deleted: list[str] = []
        self.loose = LooseActions(turn, world)
        self.queue: deque[Work] = deque()
        self.refused: list[tuple[Future[Any], MistralishError]] = []
        self.answers: list[tuple[Future[Any], Any]] = []
        self.calls: list[tuple[str | None, ActionCall]] = []
        self.notices: list[effects.Notify] = []

    def work_off(self, seconds: float) -> None:
        """Decide the queued commands and those that follow from them, for so long; the rest stays queued."""
        end = time.monotonic() + seconds
        while self.queue:
            work = self.queue.popleft()
            self._handle(work)
            if time.monotonic() > end:
                break

    def take_over_messages(self) -> list[Message]:
        """Messages for the commands that are left and that nobody waits for: they must survive this process."""
        made: list[Message] = []
        for work in self.queue:
            if work.future is None and work.message_id is None and work.execution_id is not None:
                work.message_id = new_id()
                made.append(Message(work.message_id, work.execution_id, steps.to_json(work.command), self._world.now))
        return made

    def changes(self, messages: list[Message]) -> Changes:
        """All that the turn has changed."""
        changes = Changes(
            specs=self._specs,
            add_timers=list(self._timers.values()),
            remove_timers=self._removed_timers,
            add_messages=messages,
            remove_messages=self._removed_messages,
            add_calls=self._queued_calls,
            remove_calls=self._removed_calls,
            accepted=self._accepted,
            delete_executions=self._deleted,
            delete_actions=self.loose.deleted,
        )
        insert: list[Any] = list(self.loose.created)
        update: list[Any] = list(self.loose.changed)
        history: list[Any] = []
        for run in self._runs.values():
            if run.is_new:
                insert.append(run.ex)
            elif run.is_touched:
                update.append(run.ex)
            if run.created:
                insert.extend(run.created)
                new = {rec.id for rec in run.created}
                update.extend(rec for key, rec in run.changed.items() if key not in new)
            else:
                update.extend(run.changed.values())
            history.extend(run.events)
        changes.insert, changes.update, changes.history = insert, update, history
        return changes

    def settle(self) -> None:
        """After the commit: the runs are as saved; those that are over need not be kept."""
        for run in self._runs.values():
            run.is_new = run.is_touched = False
            run.created.clear()
            run.changed.clear()
            run.events.clear()
            if run.is_finished:
                self._memory.forget(run)
        self._known_specs.update(self._specs)

    @property
    def roots(self) -> set[str]:
        """The trees that the turn has touched."""
        return {run.root_id for run in self._runs.values()}

    @property
    def next_timer(self) -> int | None:
        """When the first of the newly armed timers is due."""
        return min((timer.due_at for timer in self._timers.values()), default=None)

    def _handle(self, work: Work) -> None:
        if work.message_id is not None:
            self._removed_messages.append(work.message_id)
        try:
            answer = self._decide(work)
        except MistralishError as error:
            if work.future is not None:
                self.refused.append((work.future, error))
            return
        if work.future is not None:
            self.answers.append((work.future, copy.copy(answer)))

    def _decide(self, work: Work) -> Any:
        command = work.command
        if isinstance(command, commands.StartExecution):
            return self._start(command)
        if isinstance(command, commands.DeleteExecution):
            return self._delete(command)
        if isinstance(command, commands.ActionLost):
            command = self._lost(command)
            if command is None:
                return None
        if isinstance(command, KeepAction):
            elsewhere = command.call is not None and self._executor.is_elsewhere(command.call.target)
            self._expect_heartbeat(command.record, elsewhere)
            if command.call is not None and elsewhere:
                self._queue_call(command.call, None)
        if work.execution_id is None:
            return self.loose.handle(command)
        if isinstance(command, commands.TimerDue):
            return self._timer(work, command)
        run = self._memory.load(self._turn, work.execution_id)
        if run is None:
            raise NotFoundError(f"WorkflowExecution not found [id={work.execution_id}]")
        self._apply(run, _as_step(command))
        return _answer(run, command)

    def _apply(self, run: Run, step: Any) -> None:
        self._runs[run.ex.id] = run
        # Each decision has a time of its own: what came first can be told from the rows.
        self._world.now += 1
        before = run.mutations
        try:
            found = decide(run, step, self._world)
        except MistralishError as error:
            if run.mutations != before or run.effects or run.agenda:
                raise RejectedAfterChangeError from error
            raise
        for effect in found:
            self._carry_out(run, effect)

    def _start(self, command: commands.StartExecution) -> Any:
        existing = self._memory.load(self._turn, command.execution_id)
        if existing is not None:
            return existing.ex
        claim = command.claim
        if claim is not None and not self._turn.claim_cron_trigger(
            claim.trigger_id, claim.expected, claim.next, claim.remaining
        ):
            return None
        definition = self._world.find_workflow(command.workflow, command.namespace, command.project_id)
        if definition is None:
            raise NotFoundError(
                f"Workflow not found [workflow_identifier={command.workflow}, namespace={command.namespace}]"
            )
        params = dict(command.params)
        if command.namespace:
            params["namespace"] = command.namespace
        run = create_run(
            self._world,
            definition,
            execution_id=command.execution_id,
            given=command.input,
            description=command.description,
            params=params,
            project_id=command.project_id,
        )
        self._begin(run)
        return run.ex

    def _begin(self, run: Run) -> None:
        self._take_in(run)
        try:
            self._apply(run, steps.Begin())
        except RejectedAfterChangeError as error:
            self._memory.forget(run)
            del self._runs[run.ex.id]
            raise error.__cause__ or error from None

    def _take_in(self, run: Run) -> None:
        """Keep a new run in memory, and its specification with what the turn writes."""
        spec_id = run.plan.spec_id
        if spec_id not in self._known_specs:
            self._specs[spec_id] = dict(run.plan.spec.data)
        self._memory.add(run)

    def _delete(self, command: commands.DeleteExecution) -> bool:
        run = self._memory.get(command.execution_id)
        ex = run.ex if run is not None else self._turn.load_execution(command.execution_id)
        if ex is None or ex.id in self._deleted:
            raise NotFoundError(f"WorkflowExecution not found [id={command.execution_id}]")
        if not command.force and ex.state not in states.COMPLETED:
            raise NotAllowedError(
                "Only completed executions can be deleted. Use --force to override this. "
                f"Execution {command.execution_id} is in {ex.state} state"
            )
        self._memory.forget_tree(ex.root_execution_id or ex.id)
        if command.at_most is not None and not self._turn.empty(ex.id, command.at_most):
            return False
        self._deleted.append(ex.id)
        return True

    def _lost(self, command: commands.ActionLost) -> Any:
        """What is to be done about a lost action: run it again, let it fail, or (None) nothing: it is not lost."""
        action = self._turn.load_action(command.action_id)
        if action is None or action.state != states.RUNNING or action.is_sync is False:
            return None
        waits = self._turn.is_call_queued(action.id)
        if command.silent_since is None:
            if waits:
                return None
        elif action.last_heartbeat is None or action.last_heartbeat >= command.silent_since:
            return None
        if waits:
            self._removed_calls.append(action.id)
        elif action.task_execution_id is not None and action.runtime_context.get("safe_rerun"):
            self._again.add(action.id)
            return steps.RunAgain(action.id)
        return commands.ActionFinished(action.id, error=command.reason, is_error=True)

    def _timer(self, work: Work, command: commands.TimerDue) -> None:
        run = self._memory.load(self._turn, command.execution_id)
        self._removed_timers.append(command.timer_id)
        if run is None:
            return
        step = steps.from_json(command.command)
        task = run.tasks.get(step.task_id)
        if task is None or command.timer_id not in (task.timers or ()):
            return
        task.timers = [t for t in task.timers or () if t != command.timer_id]
        self._apply(run, step)

    def _carry_out(self, run: Run, effect: Any) -> None:
        match effect:
            case effects.RunActionEffect():
                self._run_action(run, effect)
            case effects.Tell(execution_id, command):
                self.queue.append(Work(command, execution_id, run.root_id))
            case effects.StartChild(child):
                self._adopt(child)
            case effects.ArmTimer(timer_id, due_at, execution_id, step):
                self._timers[timer_id] = Timer(timer_id, due_at, execution_id, steps.to_json(step))
            case effects.DisarmTimer(timer_id):
                if self._timers.pop(timer_id, None) is None:
                    self._removed_timers.append(timer_id)
            case effects.SetAccepted(execution_id, accepted):
                self._set_accepted(execution_id, accepted)
            case effects.Notify():
                self.notices.append(effect)

    def _adopt(self, child: Run) -> None:
        self._take_in(child)
        self._runs[child.ex.id] = child
        self.queue.append(Work(steps.Begin(), child.ex.id, child.root_id))

    def _set_accepted(self, execution_id: str, accepted: bool) -> None:
        child = self._memory.get(execution_id)
        if child is not None:
            child.ex.accepted = accepted
        self._accepted.append((execution_id, accepted))

    def _expect_heartbeat(self, record: ActionExecution, elsewhere: bool) -> None:
        record.last_heartbeat = self._world.now + (self._executor.first_heartbeat_us if elsewhere else 0)
        if record.id in self._again:
            self._turn.beat(record.id, record.last_heartbeat)

    def _queue_call(self, call: ActionCall, execution_id: str | None) -> None:
        """Keep a call for the executors of its target."""
        action_id, target = str(call.action_execution_id), str(call.target)
        self._queued_calls.append(QueuedCall(action_id, target, execution_id, call.to_json(), self._world.now))

    def _run_action(self, run: Run, effect: effects.RunActionEffect) -> None:
        call = ActionCall(
            effect.record.id,
            effect.action,
            effect.input,
            effect.context,
            effect.target,
            effect.timeout,
            effect.safe_rerun,
        )
        elsewhere = self._executor.is_elsewhere(effect.target)
        self._expect_heartbeat(effect.record, elsewhere)
        if elsewhere:
            self._queue_call(call, run.ex.id)
            return
        if not effect.inline:
            self.calls.append((run.ex.id, call))
            return
        action = self._registry.find(call.action)
        result = Result(error=f"Failed to find action [action_name={call.action}]")
        if action is not None:
            result = run_action(action, call)
            if result.is_success and not action.is_sync(call.input):
                return
        self.queue.append(Work(as_step(effect.record.id, result), run.ex.id, run.root_id))


def as_step(action_id: str, result: Result) -> steps.ActionResult:
    """A result as the machine takes it."""
    return steps.ActionResult(action_id, result.data, result.error, not result.is_success, result.cancel)


def _as_step(command: Any) -> Any:
    if isinstance(command, commands.ActionFinished):
        return steps.ActionResult(command.action_id, command.data, command.error, command.is_error, command.cancel)
    if isinstance(command, commands.UpdateAction):
        return steps.ActionState(command.action_id, command.state)
    return command


def _answer(run: Run, command: Any) -> Any:
    if isinstance(command, commands.RerunTask):
        return run.tasks[command.task_id].rec
    if isinstance(command, commands.ActionFinished | commands.UpdateAction):
        task = run.actions[command.action_id]
        return (task.children or {})[command.action_id]
    return run.ex
