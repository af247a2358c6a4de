"""One turn: several commands decided, one transaction, then answers and effects."""

import copy
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from mistralish import states
from mistralish.actions import Registry, Result
from mistralish.engine import commands, effects, steps
from mistralish.engine.ceiling import Ceiling
from mistralish.engine.lookups import TurnWorld
from mistralish.engine.loose import KeepAction, LooseActions
from mistralish.engine.machine.creation import check_place, create_run
from mistralish.engine.machine.decide import decide
from mistralish.engine.memory import Memory
from mistralish.engine.pace import Allowance
from mistralish.engine.rota import Rota
from mistralish.engine.run import Run
from mistralish.errors import ConflictError, MistralishError, NotAllowedError, NotFoundError
from mistralish.executors import ActionCall
from mistralish.executors.run import run_action
from mistralish.expressions import decision
from mistralish.ids import new_id
from mistralish.logs import about_execution
from mistralish.records import ActionExecution, Message, QueuedCall, Timer, WorkflowExecution
from mistralish.store import Changes, Turn
from mistralish.tallies import TurnTally


@dataclass(slots=True)
class Work:
    """A command on its way: for which execution, who waits for the answer, and where it is kept if it is.

    ``insists``: nobody would ask again, so it is tried until the database can take it. ``project_id``: whose the
    execution must be, where only its owner may ask. ``is_repeatable``: should it be lost with this process, whatever
    comes after it finds out the same again.
    """

    command: Any
    execution_id: str | None
    root_id: str
    future: "Future[Any] | None" = None
    message_id: str | None = None
    insists: bool = False
    project_id: str | None = None
    is_repeatable: bool = False

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for the answer."""
        return self.future is not None and not self.insists


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
        ceiling: Ceiling,
        under_way: tuple[str, int],
    ) -> None:
        self._turn = turn
        self._world = world
        self._memory = memory
        self._registry = registry
        self._known_specs = known_specs
        self._executor = executor
        self._ceiling = ceiling
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
        self._deleted_trees: set[str] = set()
        self.loose = LooseActions(turn, world)
        self._callers: deque[Work] = deque()
        self._rota: Rota[Work] = Rota(under_way)
        self.decided = 0
        self.had_callers = False
        self.admitted: list[tuple[str, str]] = []
        self.begun: list[str] = []
        self.refused: list[tuple[Future[Any], MistralishError]] = []
        self.answers: list[tuple[Future[Any], Any]] = []
        self.calls: list[tuple[str | None, ActionCall]] = []
        self.notices: list[effects.Notify] = []

    def add(self, work: Work) -> None:
        """Queue a command for this turn."""
        if work.is_awaited:
            self._callers.append(work)
        else:
            self._rota.give(work)

    def work_off(self, allowance: Allowance) -> None:
        """Decide the queued commands and those that follow from them; what there is no time for stays queued.

        Those that somebody waits for come first. Where others get any time, it is enough for one.
        """
        end = time.monotonic() + allowance.for_callers
        self.had_callers = bool(self._callers)
        while self._callers:
            work = self._callers.popleft()
            beginning = self._rota.take_first(work.root_id, steps.Begin)
            if beginning is not None:
                self._handle(beginning)  # whoever answers for an execution has begun it
            self._handle(work)
            if time.monotonic() > end:
                break
        left = allowance.beside_callers if self.had_callers else allowance.without_callers
        if self.had_callers and left <= 0:
            return
        end = time.monotonic() + left
        while self._rota and self._has_time(end, allowance.to_finish):
            self._handle(self._rota.take())

    def _has_time(self, end: float, to_finish: float) -> bool:
        now = time.monotonic()
        return now < end or not self._rota.come_to or (self._rota.goes_on and now < end + to_finish)

    def left(self, others_wait: bool) -> tuple[list[Work], list[Work]]:
        """The queued commands that are to keep their place, and those that go behind all that waits already.

        ``others_wait``: there are commands beyond those that the turn was given.
        """
        front, back = self._rota.left(others_wait)
        return [*self._callers, *front], back

    @property
    def come_to(self) -> set[str]:
        """The trees of which something that nobody waited for was decided."""
        return self._rota.come_to

    @property
    def under_way(self) -> tuple[str, int]:
        """Where the turn broke off, for the next one."""
        return self._rota.under_way

    def take_over_messages(self, *, also_repeatable: bool) -> list[Message]:
        """Messages for the commands that are left and that nobody waits for: they must survive this process."""
        made: list[Message] = []
        for work in self._rota:
            if work.is_repeatable and not also_repeatable:
                continue
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
            touched=self.roots | self._deleted_trees,
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

    def settle(self, tally: TurnTally) -> None:
        """After the commit: the runs are as saved; those that are over need not be kept. Count what happened."""
        tally.commands += self.decided
        for run in self._runs.values():
            tally.changes.update([(event.type, event.payload["state"]) for event in run.events])
            run.is_new = run.is_touched = False
            run.created.clear()
            run.changed.clear()
            run.events.clear()
            if run.is_finished:
                self._memory.forget(run)
        # What was asked of them after the deletion may have brought some of them back.
        for root_id in self._deleted_trees:
            self._memory.forget_tree(root_id)
        self._known_specs.update(self._specs)

    @property
    def roots(self) -> set[str]:
        """The trees that the turn has touched."""
        return {run.root_id for run in self._runs.values()}

    @property
    def executions(self) -> Iterable[str]:
        """The executions that the turn has changed or removed."""
        return (*self._runs, *self._deleted)

    @property
    def next_timer(self) -> int | None:
        """When the first of the newly armed timers is due."""
        return min((timer.due_at for timer in self._timers.values()), default=None)

    def _handle(self, work: Work) -> None:
        self.decided += 1
        about_execution(work.execution_id or work.root_id)
        if isinstance(work.command, steps.Begin) and work.execution_id is not None:
            self.begun.append(work.execution_id)
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
            return self._delete(command, work.project_id)
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
            return self.loose.handle(command, work.project_id)
        if isinstance(command, commands.TimerDue):
            return self._timer(work, command)
        if isinstance(command, steps.ChildEnded) and self._is_outdated(command):
            return None
        run = self._load(work.execution_id)
        if run is None or work.project_id not in (None, run.ex.project_id):
            raise NotFoundError(f"WorkflowExecution not found [id={work.execution_id}]")
        self._apply(run, _as_step(command))
        return _answer(run, command)

    def _apply(self, run: Run, step: Any) -> None:
        self._runs[run.ex.id] = run
        # Each decision has a time of its own: what came first can be told from the rows.
        self._world.now += 1
        before = run.mutations
        decision.begin()
        try:
            found = decide(run, step, self._world)
        except MistralishError as error:
            if run.mutations != before or run.effects or run.agenda:
                raise RejectedAfterChangeError from error
            raise
        finally:
            decision.end(run.ex.project_id)
        for effect in found:
            self._carry_out(run, effect)

    def _start(self, command: commands.StartExecution) -> Any:
        existing = None if command.is_new else self._memory.load(self._turn, command.execution_id)
        if existing is not None:
            if existing.ex.project_id != command.project_id:
                raise ConflictError(f"Duplicate entry for WorkflowExecution with ID: {command.execution_id}")
            return existing.ex
        check_place(command.params)
        claim = command.claim
        if claim is not None and not self._turn.claim_cron_trigger(
            claim.trigger_id, claim.expected, claim.next, claim.remaining
        ):
            return None
        # A trigger has moved on by now: a firing for which there is no room is left out.
        self._ceiling.check(command.project_id, self._runs.values())
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
            openstack=command.openstack,
        )
        self._take_in(run)
        self._apply(run, steps.Admit())
        self.admitted.append((run.ex.id, run.ex.project_id))
        self._rota.follow(Work(steps.Begin(), run.ex.id, run.root_id))
        return run.ex

    def _take_in(self, run: Run) -> None:
        """Keep a new run in memory, and its specification with what the turn writes."""
        spec_id = run.plan.spec_id
        if spec_id not in self._known_specs:
            self._specs[spec_id] = dict(run.plan.spec.data)
        self._memory.add(run)

    def _delete(self, command: commands.DeleteExecution, project_id: str | None) -> bool:
        run = self._memory.get(command.execution_id)
        ex = run.ex if run is not None else self._turn.load_execution(command.execution_id)
        if ex is None or ex.id in self._deleted or project_id not in (None, ex.project_id):
            raise NotFoundError(f"WorkflowExecution not found [id={command.execution_id}]")
        if not command.force and ex.state not in states.COMPLETED:
            raise NotAllowedError(
                "Only completed executions can be deleted. Use --force to override this. "
                f"Execution {command.execution_id} is in {ex.state} state"
            )
        if command.at_most is not None and not self._remove_some(ex, command.at_most):
            return False
        self._memory.forget_tree(ex.root_execution_id or ex.id)
        self._deleted.append(ex.id)
        self._deleted_trees.add(ex.root_execution_id or ex.id)
        return True

    def _remove_some(self, ex: WorkflowExecution, at_most: int) -> bool:
        """Remove a part of what is below an execution; say whether nothing is left of it.

        One that has not ended is cancelled first: nothing may go on while it is removed piece by piece.
        """
        run = None if states.is_completed(ex.state) else self._load(ex.id)
        if run is not None:
            self._apply(run, steps.Stop(states.CANCELLED, "The execution is being deleted."))
            return False
        root_id = ex.root_execution_id or ex.id
        if root_id in self.roots:
            # What this turn has decided of the tree is written after this, and would be left behind.
            return False
        self._memory.forget_tree(root_id)
        self._deleted_trees.add(root_id)
        return self._turn.empty(ex.id, at_most)

    def _load(self, execution_id: str) -> Run | None:
        """A run as the turn has it; None where there is no such execution, or no longer: its rows go at the end."""
        run = self._memory.load(self._turn, execution_id)
        gone = run is not None and (run.ex.id in self._deleted or run.root_id in self._deleted)
        return None if gone else run

    def _is_outdated(self, told: steps.ChildEnded) -> bool:
        """Whether a child that has ended, as we are told, was run again since: its next end is told too, or will be."""
        run = self._runs.get(told.child_id) or self._memory.get(told.child_id)
        ex = run.ex if run is not None else self._turn.load_execution(told.child_id)
        return ex is not None and ex.state != told.state

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
        elif action.task_execution_id is not None and self._may_run_again(action):
            self._again.add(action.id)
            return steps.RunAgain(action.id)
        return commands.ActionFinished(action.id, error=command.reason, is_error=True)

    def _may_run_again(self, action: ActionExecution) -> bool:
        """Whether the task, or the action itself, says that a second run does no harm."""
        if action.runtime_context.get("safe_rerun"):
            return True
        found = self._world.find_action(action.name, action.workflow_namespace, action.project_id)
        return found is not None and found.system_action.idempotent

    def _timer(self, work: Work, command: commands.TimerDue) -> None:
        run = self._load(command.execution_id)
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
            case effects.Tell(execution_id, steps.ChildRerun() as command):
                # Before anybody is answered: a rerun that the executions above do not allow is refused as a whole.
                try:
                    self._decide(Work(command, execution_id, run.root_id))
                except MistralishError as error:
                    raise RejectedAfterChangeError from error
            case effects.Tell(execution_id, command):
                self._rota.follow(Work(command, execution_id, run.root_id))
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
        self._rota.follow(Work(steps.Begin(), child.ex.id, child.root_id))

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
        # What runs within the turn is nobody's to lose: its result is kept with it, or found again at the next start.
        if elsewhere or not effect.inline:
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
        self._rota.follow(Work(as_step(effect.record.id, result), run.ex.id, run.root_id, is_repeatable=True))


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
