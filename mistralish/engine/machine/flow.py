"""What comes next: the commands that follow from a finished task, and the order in which they are carried out.

Source: the language reference, "Direct workflow" and "Reverse workflow".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mistralish import states
from mistralish.engine.context import View
from mistralish.engine.machine import data
from mistralish.engine.machine.state import touch_workflow
from mistralish.engine.plan import Link
from mistralish.engine.run import Run, TaskRun
from mistralish.engine.scope import RunScope
from mistralish.engine.world import World

BACKLOG = "backlog_commands"

_COMMAND_STATES = {"fail": states.ERROR, "succeed": states.SUCCESS, "pause": states.PAUSED}


@dataclass(frozen=True, slots=True)
class RunNew:
    """Make and run a task."""

    name: str
    triggered_by: list[dict[str, str]] = field(default_factory=list)
    handles_error: bool = False


@dataclass(frozen=True, slots=True)
class RunExisting:
    """Run a task execution that exists: one that was held back, or a failed one again."""

    task_id: str
    reset: bool = True
    rerun: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """Skip a failed task."""

    task_id: str


@dataclass(frozen=True, slots=True)
class SetState:
    """``fail``, ``succeed`` or ``pause``."""

    state: str
    message: Any = None
    handles_error: bool = False


@dataclass(frozen=True, slots=True)
class Noop:
    """Nothing; it counts as care taken of an error."""

    handles_error: bool = False


FlowCommand = RunNew | RunExisting | Skip | SetState | Noop


def after_task(run: Run, task: TaskRun, world: World) -> list[FlowCommand]:
    """The commands that follow from a finished task."""
    if run.ex.state in states.COMPLETED:
        return []
    if run.plan.is_reverse:
        return list(_reverse_after(run, task))
    return [_as_command(task, link, params) for link, params in _chosen_links(run, task, world)]


def to_continue(run: Run, world: World) -> list[FlowCommand]:
    """The commands with which an execution starts, or goes on after a pause."""
    if run.ex.state in states.COMPLETED:
        return []
    held_back: list[FlowCommand] = [RunExisting(t.rec.id) for t in run.tasks.values() if t.rec.state == states.IDLE]
    if run.plan.is_reverse:
        return held_back + [RunNew(name) for name in _target_line(run) if _is_satisfied(run, name)]
    if not run.tasks:
        return [RunNew(name) for name in run.plan.spec.start_tasks]
    for task in list(run.tasks.values()):
        if task.rec.state in states.COMPLETED and not task.rec.processed:
            held_back.extend(after_task(run, task, world))
    return held_back


def arrange(commands: list[FlowCommand], joins: set[str]) -> list[FlowCommand]:
    """Commands in the order in which they are carried out: joins last, nothing after a change of state.

    What follows a ``pause`` is kept: it waits in the backlog. The order of the others is the reference's, which
    starts the last of them first.
    """
    commands = [c for c in commands if not isinstance(c, Noop)]
    at = next((i for i, c in enumerate(commands) if isinstance(c, SetState)), len(commands))
    head = commands[:at]
    head.reverse()
    head.sort(key=lambda c: c.name if isinstance(c, RunNew) and c.name in joins else "")
    if at == len(commands):
        return head
    change = commands[at]
    tail = commands[at + 1 :] if isinstance(change, SetState) and change.state == states.PAUSED else []
    return [*head, change, *tail]


def keep_for_later(run: Run, command: FlowCommand, world: World) -> None:
    """Put a command into the backlog of a paused execution."""
    run.ex.runtime_context.setdefault(BACKLOG, []).append(_to_json(command))
    touch_workflow(run, world)


def take_backlog(run: Run, world: World) -> list[FlowCommand]:
    """The commands that waited for the execution to go on."""
    if not run.ex.runtime_context.get(BACKLOG):
        return []
    touch_workflow(run, world)
    return [_from_json(entry) for entry in run.ex.runtime_context.pop(BACKLOG)]


def _to_json(command: FlowCommand) -> dict[str, Any]:
    if isinstance(command, RunNew):
        return {"run": command.name, "triggered_by": command.triggered_by}
    if isinstance(command, RunExisting):
        return {"rerun": command.task_id, "reset": command.reset, "again": command.rerun}
    if isinstance(command, Skip):
        return {"skip": command.task_id}
    assert isinstance(command, SetState)
    return {"state": command.state, "message": command.message}


def _from_json(entry: dict[str, Any]) -> FlowCommand:
    if "run" in entry:
        return RunNew(entry["run"], entry["triggered_by"])
    if "rerun" in entry:
        return RunExisting(entry["rerun"], entry["reset"], entry["again"])
    if "skip" in entry:
        return Skip(entry["skip"])
    return SetState(entry["state"], entry["message"])


def _as_command(task: TaskRun, link: Link, params: dict[str, Any]) -> FlowCommand:
    handles_error = link.event == "on-error"
    if link.target == "noop":
        return Noop(handles_error)
    if link.is_command:
        return SetState(_COMMAND_STATES[link.target], params.get("msg"), handles_error)
    return RunNew(link.target, [{"task_id": task.rec.id, "event": link.event}], handles_error)


def _chosen_links(run: Run, task: TaskRun, world: World) -> Iterator[tuple[Link, dict[str, Any]]]:
    state = task.rec.state
    plan = task.plan
    chosen: list[tuple[Link, dict[str, Any]]] = []
    view = data.out_view(run, task) if _needs_view(task) else None
    scope = RunScope(run, world, task)
    if state == states.ERROR:
        chosen = list(_holding(plan.on_error, view, scope))
    elif state == states.SKIPPED:
        chosen = list(_holding(plan.on_skip, view, scope))
    if state == states.SUCCESS or (state == states.SKIPPED and not chosen):
        chosen = list(_holding(plan.on_success, view, scope))
    yield from chosen
    if state in (states.SUCCESS, states.ERROR):
        yield from _holding(plan.on_complete, view, scope)


def _needs_view(task: TaskRun) -> bool:
    plan = task.plan
    return any(
        link.condition is not None or link.params is not None
        for links in (plan.on_error, plan.on_skip, plan.on_success, plan.on_complete)
        for link in links
    )


def _holding(links: tuple[Link, ...], view: View | None, scope: RunScope) -> Iterator[tuple[Link, dict[str, Any]]]:
    for link in links:
        if link.condition is None or link.condition.evaluate(view or {}, scope):
            yield link, link.params.evaluate(view or {}, scope) if link.params is not None else {}


def _reverse_after(run: Run, task: TaskRun) -> Iterator[RunNew]:
    if task.rec.state not in (states.SUCCESS, states.SKIPPED):
        return
    wanted = _target_line(run)
    for name in wanted:
        if task.plan.name in run.plan.spec.tasks[name].requires and _is_satisfied(run, name):
            yield RunNew(name)


def _target_line(run: Run) -> list[str]:
    """The target task of a reverse workflow and all that it needs, the needed first."""
    target: str = run.ex.params["task_name"]
    tasks = run.plan.spec.tasks
    line: list[str] = []
    seen: set[str] = set()
    todo = [(target, False)]
    while todo:
        name, expanded = todo.pop()
        if expanded:
            line.append(name)
        elif name not in seen:
            seen.add(name)
            todo.append((name, True))
            todo.extend((needed, False) for needed in reversed(tasks[name].requires))
    return line


def _is_satisfied(run: Run, name: str) -> bool:
    if name in run.by_name:
        return False
    return all(
        any(t.rec.state in (states.SUCCESS, states.SKIPPED) for t in run.by_name.get(needed, ()))
        for needed in run.plan.spec.tasks[name].requires
    )
