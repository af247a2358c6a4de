"""The life of a workflow execution: begun, paused, resumed, ended, run again."""

import itertools
from typing import Any

from mistralish import states
from mistralish.engine import steps
from mistralish.engine.context import deep_update
from mistralish.engine.effects import Tell
from mistralish.engine.machine import data, ending, flow, tasks
from mistralish.engine.machine.ancestry import SEEN, write_down
from mistralish.engine.machine.state import check_follows, set_workflow_state, touch_workflow
from mistralish.engine.machine.tries import GIVEN_UP
from mistralish.engine.run import ChildRef, Run, TaskRun
from mistralish.engine.world import World
from mistralish.errors import InputError

_KEPT_IN_A_RERUN = ("triggered_by", SEEN, GIVEN_UP)


def admit(run: Run, world: World) -> None:
    """Say that an execution that was just made is under way, before it does anything."""
    set_workflow_state(run, world, states.RUNNING)


def begin(run: Run, world: World) -> None:
    """Start the first tasks; not of what was paused, ended, or gone on with in the meantime."""
    if run.ex.state == states.IDLE:
        set_workflow_state(run, world, states.RUNNING)
    if run.ex.state != states.RUNNING or run.tasks:
        return
    dispatch(run, flow.to_continue(run, world), world)
    run.agenda.append(("check", None))


def dispatch(run: Run, commands: list[flow.FlowCommand], world: World) -> None:
    """Carry out commands, those first that waited for the execution to go on."""
    _carry_out(run, flow.take_backlog(run, world), world)
    _carry_out(run, commands, world)


def _carry_out(run: Run, commands: list[flow.FlowCommand], world: World) -> None:
    if not commands:
        return
    joins = {name for name, plan in run.plan.tasks.items() if plan.spec.join} if len(commands) > 1 else set()
    arranged = flow.arrange(commands, joins)
    made = _make_tasks(run, commands, arranged, world)
    for command in arranged:
        if run.ex.state in states.COMPLETED:
            break
        if run.ex.state == states.PAUSED:
            flow.keep_for_later(run, command, world)
        elif isinstance(command, flow.RunNew):
            run.agenda.append(("run", made.get(id(command)) or tasks.create(run, world, command)))
        elif isinstance(command, flow.RunExisting):
            run.agenda.append(("run_existing", (run.tasks[command.task_id], command.reset, command.rerun)))
        elif isinstance(command, flow.Skip):
            task = run.tasks[command.task_id]
            write_down(run, task)
            tasks.complete(run, task, world, states.SKIPPED, "Task was skipped.")
            tasks.refresh_joins(run, task, world)
        elif isinstance(command, flow.SetState):
            _set_by_command(run, world, command)


def _make_tasks(
    run: Run, commands: list[flow.FlowCommand], arranged: list[flow.FlowCommand], world: World
) -> dict[int, TaskRun]:
    """Make the tasks that come before any change of state, in the order in which they are written."""
    if run.ex.state in states.COMPLETED or run.ex.state == states.PAUSED:
        return {}
    head = {id(c) for c in itertools.takewhile(lambda c: not isinstance(c, flow.SetState), arranged)}
    return {id(c): tasks.create(run, world, c) for c in commands if isinstance(c, flow.RunNew) and id(c) in head}


def _set_by_command(run: Run, world: World, command: flow.SetState) -> None:
    if command.state == states.PAUSED:
        pause(run, world, command.message)
    else:
        stop(run, world, command.state, command.message)


def stop(run: Run, world: World, state: str, message: Any) -> None:
    """End the execution as told; a cancelled one takes its children with it."""
    if state == states.SUCCESS:
        ending.succeed(run, world, ending.final_context_or_nothing(run), message)
    elif state == states.ERROR:
        ending.fail(run, world, ending.final_context_or_nothing(run), message)
    else:
        ending.cancel(run, world, message)
        for child in _unfinished_children(run, world):
            run.effects.append(Tell(child.id, steps.Stop(state, message)))


def follow_up(run: Run, task: TaskRun, world: World, commands: list[flow.FlowCommand]) -> None:
    """Carry out the commands that follow from the end of ``task``."""
    with tasks.ErrorsFailExecution(run, task, world, "Failed to complete task"):
        dispatch(run, commands, world)


def pause(run: Run, world: World, message: Any = None, *, by_parent: bool = False) -> None:
    """Pause the execution, its children and its parents. Raises WorkflowError where it has ended.

    ``by_parent``: the parent has told it to, and need not follow it. Otherwise news of a pause and of a resumption, on
    their ways up and down a tree, could go after each other for ever.
    """
    check_follows(run, states.PAUSED)
    was_paused = run.ex.state == states.PAUSED
    for child in _unfinished_children(run, world):
        # One that was paused with us may go on by now without our knowing.
        if not (was_paused and child.state == states.PAUSED):
            run.effects.append(Tell(child.id, steps.Pause(message)))
    if was_paused:
        return
    set_workflow_state(run, world, states.PAUSED, message)
    _tell_parent_change(run, by_parent)


def resume(run: Run, world: World, env: dict[str, Any] | None = None, *, by_parent: bool = False) -> None:
    """Go on with a paused execution, its children and its parents. ``by_parent``: see ``pause``."""
    if run.ex.state not in (states.PAUSED, states.IDLE):
        return
    for child in _unfinished_children(run, world):
        run.effects.append(Tell(child.id, steps.Resume()))
    update_environment(run, world, env)
    set_workflow_state(run, world, states.RUNNING)
    _go_on(run, world, flow.to_continue(run, world))
    _tell_parent_change(run, by_parent)


def rerun(run: Run, task: TaskRun, world: World, reset: bool, skip: bool, env: dict[str, Any] | None) -> None:
    """Run a failed task again, or skip it, and with it all executions above."""
    if task.rec.state != states.ERROR:
        raise InputError(
            f"Task {task.rec.id} is in state {task.rec.state}: only a task in ERROR can be run again or skipped."
        )
    if run.ex.state == states.PAUSED:
        return
    update_environment(run, world, env)
    revive(run, world)
    command: flow.FlowCommand = (
        flow.Skip(task.rec.id) if skip else flow.RunExisting(task.rec.id, reset=reset, rerun=True)
    )
    task.rec.runtime_context = {k: v for k, v in task.rec.runtime_context.items() if k in _KEPT_IN_A_RERUN}
    run.touch(task.rec)
    _go_on(run, world, [command])


def revive(run: Run, world: World) -> None:
    """Put an ended execution, and those above it, back to work.

    One that ended while a task was held back by ``pause-before`` pauses again: somebody has yet to let that task go.
    """
    set_workflow_state(run, world, states.RUNNING)
    if any(task.rec.state == states.IDLE for task in run.tasks.values()):
        run.agenda.append(("pause", None))
    if run.ex.parent_execution_id and run.ex.task_execution_id:
        run.effects.append(Tell(run.ex.parent_execution_id, steps.ChildRerun(run.ex.task_execution_id, run.ex.id)))


def update_environment(run: Run, world: World, env: dict[str, Any] | None) -> None:
    """Merge ``env`` into the execution's environment, for it and for all of its tree if it is the root."""
    if not env:
        return
    run.ex.params = {**run.ex.params, "env": deep_update(run.ex.params.get("env") or {}, env)}
    touch_workflow(run, world)
    if run.ex.root_execution_id is None:
        run.environment.update(run.ex.params["env"])


def _go_on(run: Run, world: World, commands: list[flow.FlowCommand]) -> None:
    commands = [c for c in commands if not (isinstance(c, flow.SetState) and c.state == states.PAUSED)]
    for task in run.tasks.values():
        if task.rec.state in states.COMPLETED and not task.rec.processed:
            task.rec.processed = True
            run.touch(task.rec)
    dispatch(run, commands, world)
    look_at_waiting_joins(run)
    run.agenda.append(("check", None))


def look_at_waiting_joins(run: Run) -> None:
    """Have all waiting joins looked at: while the execution was paused, or over, nobody did."""
    for task in list(run.tasks.values()):
        if task.rec.state == states.WAITING and task.plan.spec.join and not task.timers:
            run.agenda.append(("join", task))


def _tell_parent_change(run: Run, by_parent: bool) -> None:
    ex = run.ex
    if ex.parent_execution_id and ex.task_execution_id:
        told = steps.ChildChanged(ex.task_execution_id, ex.id, ex.state, by_parent)
        run.effects.append(Tell(ex.parent_execution_id, told))


def _unfinished_children(run: Run, world: World) -> list[ChildRef]:
    """Those of finished tasks too: what a task no longer waits for may still run."""
    return [
        child
        for task in run.tasks.values()
        if task.rec.type == "WORKFLOW"
        for child in data.children(run, task, world).values()
        if isinstance(child, ChildRef) and child.state not in states.COMPLETED
    ]
