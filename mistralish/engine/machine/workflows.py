"""The life of a workflow execution: begun, paused, resumed, ended, run again."""

from typing import Any

from mistralish import states
from mistralish.engine import steps
from mistralish.engine.context import EMPTY, Context, deep_update, merge
from mistralish.engine.effects import Tell
from mistralish.engine.machine import data, flow, tasks
from mistralish.engine.machine.state import check_size, set_workflow_state, touch_workflow
from mistralish.engine.run import ChildRef, Run, TaskRun
from mistralish.engine.scope import RunScope
from mistralish.engine.world import World
from mistralish.errors import MistralishError, NotAllowedError


def begin(run: Run, world: World) -> None:
    """Start an execution that was just made."""
    set_workflow_state(run, world, states.RUNNING)
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
    for command in flow.arrange(commands, joins):
        if run.ex.state in states.COMPLETED:
            break
        if run.ex.state == states.PAUSED:
            flow.keep_for_later(run, command, world)
        elif isinstance(command, flow.RunNew):
            task = tasks.create(run, world, command)
            run.agenda.append(("run", task))
        elif isinstance(command, flow.RunExisting):
            run.agenda.append(("run_existing", (run.tasks[command.task_id], command.reset, command.rerun)))
        elif isinstance(command, flow.Skip):
            task = run.tasks[command.task_id]
            tasks.complete(run, task, world, states.SKIPPED, "Task was skipped.")
            tasks.refresh_joins(run, task, world)
        elif isinstance(command, flow.SetState):
            _set_by_command(run, world, command)


def _set_by_command(run: Run, world: World, command: flow.SetState) -> None:
    if command.state == states.PAUSED:
        pause(run, world, command.message)
    else:
        stop(run, world, command.state, command.message)


def check(run: Run, world: World) -> None:
    """End the execution if there is nothing left to do in it."""
    if run.ex.state in states.COMPLETED or run.ex.state == states.PAUSED or run.incomplete:
        return
    try:
        if run.cancelled:
            cancel(run, world, _cancelled_message(run))
        elif run.unhandled == 0:
            succeed(run, world, final_context(run), None)
        else:
            fail(run, world, final_context(run), _failed_message(run, world))
    except MistralishError as error:
        message = f"Failed to check and complete [wf_ex_id={run.ex.id}, wf_name={run.ex.name}]: {error.message}"
        fail(run, world, final_context_or_nothing(run), message)


def succeed(run: Run, world: World, context: Context, message: str | None) -> None:
    """End the execution with SUCCESS and its output. Raises EvaluationError from ``output``."""
    output = _output(run, world, run.plan.output, context)
    check_size(output, world, "WorkflowExecution", "output")
    set_workflow_state(run, world, states.SUCCESS, message)
    run.ex.output = output
    _tell_parent_end(run)


def fail(run: Run, world: World, context: Context, message: str | None) -> None:
    """End the execution with ERROR; its output holds the message and what ``output-on-error`` says."""
    if run.ex.state in states.COMPLETED or run.ex.state == states.PAUSED:
        return
    extra: dict[str, Any] = {}
    if run.plan.spec.output_on_error:
        try:
            extra = _output(run, world, run.plan.output_on_error, context)
        except MistralishError as error:
            message = (
                f"Failed to evaluate expression in output-on-error! (output-on-error: "
                f"'{run.plan.spec.output_on_error}', exception: '{error.message}' Cause: '{message}'"
            )
    else:
        extra = dict(context.vars)
    set_workflow_state(run, world, states.ERROR, message)
    run.ex.output = deep_update({"result": _cut(message, world)}, extra)
    _tell_parent_end(run)


def cancel(run: Run, world: World, message: str | None) -> None:
    """End the execution with CANCELLED."""
    if run.ex.state in states.COMPLETED:
        return
    set_workflow_state(run, world, states.CANCELLED, message)
    run.ex.output = {"result": _cut(message, world)}
    _tell_parent_end(run)


def stop(run: Run, world: World, state: str, message: str | None) -> None:
    """End the execution as told; a cancelled one takes its children with it."""
    if state == states.SUCCESS:
        succeed(run, world, final_context_or_nothing(run), message)
    elif state == states.ERROR:
        fail(run, world, final_context_or_nothing(run), message)
    else:
        cancel(run, world, message)
        for child in _unfinished_children(run):
            run.effects.append(Tell(child.id, steps.Stop(state, message)))


def pause(run: Run, world: World, message: str | None = None) -> None:
    """Pause the execution, its children and its parents."""
    for child in _unfinished_children(run):
        if child.state != states.PAUSED:
            run.effects.append(Tell(child.id, steps.Pause(message)))
    if run.ex.state == states.PAUSED:
        return
    set_workflow_state(run, world, states.PAUSED, message)
    _tell_parent_change(run)


def resume(run: Run, world: World, env: dict[str, Any] | None = None) -> None:
    """Go on with a paused execution, its children and its parents."""
    if run.ex.state not in (states.PAUSED, states.IDLE):
        return
    for child in _unfinished_children(run):
        run.effects.append(Tell(child.id, steps.Resume()))
    update_environment(run, world, env)
    set_workflow_state(run, world, states.RUNNING)
    _go_on(run, world, flow.to_continue(run, world))
    for task in list(run.tasks.values()):
        if task.rec.state == states.WAITING and task.plan.spec.join:
            run.agenda.append(("join", task))
    _tell_parent_change(run)


def rerun(run: Run, task: TaskRun, world: World, reset: bool, skip: bool, env: dict[str, Any] | None) -> None:
    """Run a failed task again, or skip it, and with it all executions above."""
    if run.ex.state == states.PAUSED:
        return
    update_environment(run, world, env)
    revive(run, world)
    command: flow.FlowCommand = (
        flow.Skip(task.rec.id) if skip else flow.RunExisting(task.rec.id, reset=reset, rerun=True)
    )
    kept = (
        {"triggered_by": task.rec.runtime_context["triggered_by"]} if "triggered_by" in task.rec.runtime_context else {}
    )
    task.rec.runtime_context = kept
    run.touch(task.rec)
    _go_on(run, world, [command])


def revive(run: Run, world: World) -> None:
    """Put an ended execution, and those above it, back to work."""
    if not states.may_follow(run.ex.state, states.RUNNING):
        raise NotAllowedError(
            f"Can't change workflow execution state from {run.ex.state} to RUNNING. "
            f"[workflow={run.ex.name}, execution_id={run.ex.id}]"
        )
    set_workflow_state(run, world, states.RUNNING)
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


def final_context(run: Run) -> Context:
    """What the last tasks of all branches, merged, have published."""
    if run.plan.is_reverse:
        target = run.latest(str(run.ex.params.get("task_name")))
        return data.out_context(run, target) if target is not None else EMPTY
    ends = [t for t in run.tasks.values() if t.rec.state in states.COMPLETED and not t.rec.has_next_tasks]
    ends.sort(key=lambda t: t.rec.completed_seq)
    return merge(data.out_context(run, t) for t in ends)


def final_context_or_nothing(run: Run) -> Context:
    """The final context of an execution that is stopped from without: nothing where it cannot be had."""
    try:
        return final_context(run)
    except MistralishError:
        return EMPTY


def _go_on(run: Run, world: World, commands: list[flow.FlowCommand]) -> None:
    commands = [c for c in commands if not (isinstance(c, flow.SetState) and c.state == states.PAUSED)]
    for task in run.tasks.values():
        if task.rec.state in states.COMPLETED and not task.rec.processed:
            task.rec.processed = True
            run.touch(task.rec)
    if commands or run.ex.runtime_context.get(flow.BACKLOG):
        dispatch(run, commands, world)
    else:
        run.agenda.append(("check", None))


def _output(run: Run, world: World, plan: Any, context: Context) -> dict[str, Any]:
    view = data.workflow_view(run, context.vars)
    output = plan.evaluate(view, RunScope(run, world))
    return output or dict(context.vars)


def _cut(message: str | None, world: World) -> str | None:
    if message is None or world.field_limit < 0:
        return message
    limit = world.field_limit * 1024
    return message if len(message) <= limit else message[:limit]


def _tell_parent_end(run: Run) -> None:
    ex = run.ex
    if ex.parent_execution_id and ex.task_execution_id:
        told = steps.ChildEnded(ex.task_execution_id, ex.id, ex.state, ex.state_info, ex.output)
        run.effects.append(Tell(ex.parent_execution_id, told))


def _tell_parent_change(run: Run) -> None:
    ex = run.ex
    if ex.parent_execution_id and ex.task_execution_id:
        told = steps.ChildChanged(ex.task_execution_id, ex.id, ex.state)
        run.effects.append(Tell(ex.parent_execution_id, told))


def _unfinished_children(run: Run) -> list[ChildRef]:
    return [
        child
        for task in run.tasks.values()
        for child in (task.children or {}).values()
        if isinstance(child, ChildRef) and child.state not in states.COMPLETED
    ]


def _failed_message(run: Run, world: World) -> str:
    """Which tasks failed, and of each which actions and child executions, and why."""
    failed = sorted(
        (t for t in run.tasks.values() if t.rec.state == states.ERROR and not _is_taken_care_of(run, t)),
        key=lambda t: t.rec.name,
    )
    lines = [f"Failure caused by error in tasks: {', '.join(t.rec.name for t in failed)}\n"]
    for task in failed:
        lines.append(f"\n  {task.rec.name} [task_ex_id={task.rec.id}] -> {task.rec.state_info}\n")
        both = data.children(run, task, world).values()
        for is_child, label in ((False, "action_ex_id"), (True, "wf_ex_id")):
            same = [c for c in both if isinstance(c, ChildRef) == is_child]
            lines.extend(
                f"    [{label}={c.id}, idx={i}]: {(c.output or {}).get('result', 'Unknown')!s}\n"
                for i, c in enumerate(same)
                if c.state == states.ERROR
            )
    return "".join(lines)


def _is_taken_care_of(run: Run, task: TaskRun) -> bool:
    return not run.plan.is_reverse and bool(task.plan.on_error)


def _cancelled_message(run: Run) -> str:
    names = sorted(t.rec.name for t in run.tasks.values() if t.rec.state == states.CANCELLED)
    return f"Cancelled tasks: {', '.join(names)}"
