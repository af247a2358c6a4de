"""Runs the pure state machine: no database, no threads, no clock.

A ``Simulation`` does what the turn loop does (it carries out effects) and checks after every decision that what
a run counts is what a recount gives, and that nothing hangs. With ``reload`` runs are forgotten and rebuilt from
their rows, as after a restart: before each command from outside ("turn"), or before each decision ("decision").
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from unit.engine import invariants
from unit.engine.rows import Rows
from unit.engine.world import REGISTRY, SimulatedWorld

from mistralish import states
from mistralish.actions import Result
from mistralish.engine import commands, effects, steps
from mistralish.engine.machine.creation import create_run
from mistralish.engine.machine.decide import decide
from mistralish.engine.memory import Memory
from mistralish.engine.run import Run
from mistralish.errors import MistralishError
from mistralish.executors import ActionCall
from mistralish.executors.run import run_action
from mistralish.records import ActionExecution, TaskExecution, WorkflowExecution

WAIT = object()
"""An outcome of an action: none yet, the test gives it with ``finish``."""

Mock = Callable[[effects.RunActionEffect], Any]


def ok(data: Any = None) -> Result:
    """An action's success."""
    return Result(data)


def error(said: Any = "broken") -> Result:
    """An action's failure."""
    return Result(error=said)


class RefusedAfterChangeError(AssertionError):
    """A command that nobody waits for was refused after it had changed something."""


class Simulation:
    """Executions of the workflows of ``text``, and all that happens to them.

    ``mocks``: by task or action name, the outcomes of its actions in order (the last goes on for ever), each a
    Result or WAIT, or a function from the effect to one. Other inline actions run; the rest wait.
    """

    def __init__(
        self,
        text: str = "",
        *,
        actions: str = "",
        workbook: str = "",
        mocks: dict[str, Any] | None = None,
        field_limit: int = -1,
        merges: bool = False,
        reload: Literal["", "turn", "decision"] = "",
        check: bool = True,
    ) -> None:
        self.world = SimulatedWorld(self, field_limit, merges)
        self.rows = Rows(copies=bool(reload))
        self.waiting: dict[str, effects.RunActionEffect] = {}
        self.calls: list[effects.RunActionEffect] = []
        self.notices: list[effects.Notify] = []
        self.decisions = 0
        self.root_id = ""
        self._mocks = {name: self._as_mock(outcomes) for name, outcomes in (mocks or {}).items()}
        self._reload = reload
        self._check = check
        self._queue: deque[tuple[str, Any]] = deque()
        self._memory = Memory(self.world, 1_000_000, merges)  # type: ignore[arg-type]
        if text:
            self.world.define(text)
        if actions:
            self.world.define_actions(actions)
        if workbook:
            self.world.define_workbook(workbook)

    # What is done to it

    def start(
        self,
        name: str = "main",
        given: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        namespace: str = "",
        openstack: dict[str, Any] | None = None,
    ) -> "Simulation":
        """Start a workflow; it becomes the root that the other methods are about."""
        definition = self.world.find_workflow(name, namespace, "")
        assert definition is not None, name
        params = {**(params or {}), **({"namespace": namespace} if namespace else {})}
        run = create_run(
            self.world,
            definition,
            execution_id=self.world.new_id(),
            given=given or {},
            params=params,
            openstack=openstack,
        )
        self.root_id = run.ex.id
        self._memory.add(run)
        self.decide(run.ex.id, steps.Begin())
        return self.settle()

    def tell(self, command: Any, execution: str = "") -> "Simulation":
        """Give a command that somebody waits for. Raises what it is refused with."""
        self._forget()
        self.decide(execution or self.root_id, command)
        return self.settle()

    def finish(self, which: str, result: Result | None = None, index: int | None = None) -> "Simulation":
        """Give the result of a waiting action: by its id, or by its task's name (and the item's index)."""
        result = result or ok()
        effect = self.waiting.pop(self._waiting_id(which, index))
        self._forget()
        self.decide(str(effect.record.workflow_execution_id), _as_step(effect.record.id, result))
        return self.settle()

    def advance(self, seconds: float) -> "Simulation":
        """Let time pass: timers that become due are handled one by one. Each decision takes 1 µs, not counted here."""
        end = -(-(self.world.now + round(seconds * 1_000_000)) // 1_000) * 1_000
        while due := min((t for t in self.rows.timers.values() if t.due_at <= end), key=_by_time, default=None):
            self.world.now = max(self.world.now, due.due_at)
            self._fire(due.id)
            self.settle()
        self.world.now = end
        return self

    def pause(self, message: Any = None, execution: str = "") -> "Simulation":
        return self.tell(commands.PauseExecution(execution or self.root_id, message), execution)

    def resume(self, env: dict[str, Any] | None = None, execution: str = "") -> "Simulation":
        return self.tell(commands.ResumeExecution(execution or self.root_id, env), execution)

    def stop(self, state: str, message: str | None = None, execution: str = "") -> "Simulation":
        return self.tell(commands.StopExecution(execution or self.root_id, state, message), execution)

    def rerun(self, task: TaskExecution, reset: bool = True, skip: bool = False, env: Any = None) -> "Simulation":
        return self.tell(commands.RerunTask(task.id, reset, skip, env), task.workflow_execution_id)

    # What has come of it

    @property
    def ex(self) -> WorkflowExecution:
        """The root execution."""
        return self.rows.executions[self.root_id]

    @property
    def state(self) -> str:
        return self.ex.state

    @property
    def output(self) -> Any:
        return self.ex.output

    def task(self, name: str, execution: str = "") -> TaskExecution:
        """The newest execution of a task."""
        return self.tasks(name, execution)[-1]

    def tasks(self, name: str = "", execution: str = "") -> list[TaskExecution]:
        """The executions of a task, or of all, oldest first."""
        wanted = execution or self.root_id
        rows = self.rows.tasks.values()
        return [t for t in rows if t.workflow_execution_id == wanted and name in ("", t.name)]

    def states(self, execution: str = "") -> dict[str, str]:
        """The state of the newest execution of each task, by name."""
        return {t.name: t.state for t in self.tasks(execution=execution)}

    def actions(self, task: str, execution: str = "") -> list[ActionExecution]:
        """The action executions of the newest execution of a task, oldest first."""
        return self.rows.children(self.task(task, execution).id)[0]

    def children(self, task: str, execution: str = "") -> list[WorkflowExecution]:
        """The child executions of the newest execution of a task, oldest first."""
        return self.rows.children(self.task(task, execution).id)[1]

    def run(self, execution_id: str = "") -> Run:
        """The run in memory."""
        run = self._memory.load(self.rows, execution_id or self.root_id)  # type: ignore[arg-type]
        assert run is not None
        return run

    # How it is done

    def decide(self, execution_id: str, command: Any) -> None:
        """Decide one command and keep what it changed; effects are queued."""
        if self._reload == "decision" and not isinstance(command, steps.Begin):
            self._forget()
            command = _through_json(command)
        run = self.run(execution_id)
        self.world.now += 1
        before = invariants.Before(run) if self._check else None
        self.decisions += 1
        mutations = run.mutations
        try:
            found = decide(run, command, self.world)
        except MistralishError as refusal:
            clean = run.mutations == mutations and not run.effects and not run.agenda
            raise refusal if clean else RefusedAfterChangeError(repr(command)) from refusal
        if before is not None:
            before.check(run, command, self.rows.history.get(execution_id, ()))
        self._save(run)
        for effect in found:
            self._carry_out(effect)

    def settle(self) -> "Simulation":
        """Decide what follows until nothing does; then see that the execution ends or waits for something."""
        while self._queue:
            execution_id, step = self._queue.popleft()
            try:
                self.decide(execution_id, step)
            except RefusedAfterChangeError:
                raise
            except MistralishError:
                continue
        if self._check and self.root_id and not self.waiting and not self.rows.timers:
            unfinished = [e for e in self.rows.executions.values() if e.state not in states.COMPLETED]
            assert all(e.state == states.PAUSED for e in unfinished), f"nothing will happen any more: {self.states()}"
        return self

    def _forget(self) -> None:
        if self._reload:
            self._memory = Memory(self.world, 1_000_000, self.world.merges)  # type: ignore[arg-type]

    def _save(self, run: Run) -> None:
        for record in (run.ex, *run.created, *run.changed.values()):
            self.rows.save(record)
        self.rows.history.setdefault(run.ex.id, []).extend(run.events)
        run.is_new = run.is_touched = False
        run.created.clear()
        run.changed.clear()
        run.events.clear()

    def _carry_out(self, effect: Any) -> None:
        match effect:
            case effects.RunActionEffect():
                self._run_action(effect)
            case effects.Tell(execution_id, step):
                self._queue.append((execution_id, step))
            case effects.StartChild(child):
                self._memory.add(child)
                self._save(child)
                self._queue.append((child.ex.id, steps.Begin()))
            case effects.ArmTimer(timer_id, due_at, execution_id, step):
                self.rows.arm(timer_id, due_at, execution_id, step)
            case effects.DisarmTimer(timer_id):
                self.rows.timers.pop(timer_id, None)
            case effects.SetAccepted(execution_id, accepted):
                self.rows.executions[execution_id].accepted = accepted
                self.run(execution_id).ex.accepted = accepted
            case effects.Notify():
                self.notices.append(effect)

    def _run_action(self, effect: effects.RunActionEffect) -> None:
        self.calls.append(effect)
        task_id = effect.record.task_execution_id or ""
        mock = self._mocks.get(self.rows.tasks[task_id].name) or self._mocks.get(effect.record.name)
        outcome = mock(effect) if mock else self._really_run(effect) if effect.inline else WAIT
        if outcome is WAIT:
            self.waiting[effect.record.id] = effect
        else:
            self._queue.append((str(effect.record.workflow_execution_id), _as_step(effect.record.id, outcome)))

    def _really_run(self, effect: effects.RunActionEffect) -> Any:
        action = REGISTRY.find(effect.action)
        assert action is not None
        result = run_action(action, ActionCall(effect.record.id, effect.action, effect.input, effect.context))
        return result if action.is_sync(effect.input) or not result.is_success else WAIT

    def _fire(self, timer_id: str) -> None:
        timer = self.rows.timers[timer_id]
        self._forget()
        task = self.run(timer.execution_id).tasks[timer.command["task_id"]]
        assert timer_id in (task.timers or ()), "a timer that its task knows nothing of"
        del self.rows.timers[timer_id]
        task.timers = [t for t in task.timers or () if t != timer_id]
        self.decide(timer.execution_id, steps.from_json(timer.command))

    def _waiting_id(self, which: str, index: int | None) -> str:
        if which in self.waiting:
            return which
        for action_id, effect in self.waiting.items():
            record = effect.record
            if self.rows.tasks[record.task_execution_id or ""].name == which and index in (
                None,
                record.runtime_context["index"],
            ):
                return action_id
        raise KeyError(f"{which} does not wait: {[e.record.name for e in self.waiting.values()]}")

    @staticmethod
    def _as_mock(outcomes: Any) -> Mock:
        if callable(outcomes):
            return outcomes  # type: ignore[no-any-return]
        left = deque(outcomes if isinstance(outcomes, list) else [outcomes])
        return lambda effect: left.popleft() if len(left) > 1 else left[0]


def _as_step(action_id: str, result: Result) -> steps.ActionResult:
    return steps.ActionResult(action_id, result.data, result.error, not result.is_success, result.cancel)


def _through_json(command: Any) -> Any:
    """A step as it is after it was kept in the database."""
    if type(command).__module__ != steps.__name__:
        return command
    from mistralish.store.json_text import dump, load

    return steps.from_json(load(dump(steps.to_json(command))))


def _by_time(timer: Any) -> tuple[int, str]:
    return timer.due_at, timer.id
