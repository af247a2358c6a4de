"""The end of a workflow execution: when, how, with which output; and what its parent is told.

Source: the language reference, "Common workflow attributes" (output, output-on-error).
"""

from typing import Any

from mistralish import states
from mistralish.engine import steps
from mistralish.engine.context import EMPTY, Context, deep_update, merge
from mistralish.engine.effects import Tell
from mistralish.engine.machine import data
from mistralish.engine.machine.state import check_size, set_workflow_state
from mistralish.engine.run import ChildRef, Run, TaskRun
from mistralish.engine.scope import RunScope
from mistralish.engine.world import World
from mistralish.errors import MistralishError
from mistralish.masking import mask_values


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


def succeed(run: Run, world: World, context: Context, message: Any) -> None:
    """End the execution with SUCCESS and its output. Raises EvaluationError from ``output``."""
    output = _output(run, world, run.plan.output, context)
    check_size(output, world, "WorkflowExecution", "output")
    set_workflow_state(run, world, states.SUCCESS, message)
    run.ex.output = output
    _tell_parent_end(run)


def fail(run: Run, world: World, context: Context, message: Any) -> None:
    """End the execution with ERROR; its output holds the message and what ``output-on-error`` says."""
    if run.ex.state in states.COMPLETED or run.ex.state == states.PAUSED:
        return
    extra: dict[str, Any] = {}
    try:
        extra = _output(run, world, run.plan.output_on_error, context)
    except MistralishError as error:
        message = (
            f"Failed to evaluate expression in output-on-error! (output-on-error: "
            f"'{run.plan.spec.output_on_error}', exception: '{error.message}' Cause: '{message}'"
        )
    set_workflow_state(run, world, states.ERROR, message)
    run.ex.output = deep_update({"result": _cut(message, world)}, extra)
    _tell_parent_end(run)


def cancel(run: Run, world: World, message: Any) -> None:
    """End the execution with CANCELLED."""
    if run.ex.state in states.COMPLETED:
        return
    set_workflow_state(run, world, states.CANCELLED, message)
    run.ex.output = {"result": _cut(message, world)}
    _tell_parent_end(run)


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


def _output(run: Run, world: World, plan: Any, context: Context) -> dict[str, Any]:
    view = data.workflow_view(run, context.vars)
    output = plan.evaluate(view, RunScope(run, world))
    return output or dict(context.vars)


def _cut(message: Any, world: World) -> str | None:
    """A message as the output's ``result``: text, no longer than a field may be."""
    if message is None:
        return None
    message = str(mask_values(message))
    if world.field_limit < 0:
        return message
    limit = world.field_limit * 1024
    return message if len(message) <= limit else message[:limit]


def _tell_parent_end(run: Run) -> None:
    ex = run.ex
    if ex.parent_execution_id and ex.task_execution_id:
        told = steps.ChildEnded(ex.task_execution_id, ex.id, ex.state, ex.state_info, ex.output)
        run.effects.append(Tell(ex.parent_execution_id, told))


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
                f"    [{label}={c.id}, idx={i}]: {mask_values((c.output or {}).get('result', 'Unknown'))!s}\n"
                for i, c in enumerate(same)
                if c.state == states.ERROR
            )
    return "".join(lines)


def _is_taken_care_of(run: Run, task: TaskRun) -> bool:
    return not run.plan.is_reverse and bool(task.plan.on_error)


def _cancelled_message(run: Run) -> str:
    names = sorted(t.rec.name for t in run.tasks.values() if t.rec.state == states.CANCELLED)
    return f"Cancelled tasks: {', '.join(names)}"
