"""The only places where states change: counts, times, history and notifications follow here."""

from typing import Any

import orjson

from mistralish import states
from mistralish.engine.effects import ArmTimer, DisarmTimer, Notify, SetAccepted
from mistralish.engine.run import Child, ChildRef, Run, TaskRun
from mistralish.engine.world import World
from mistralish.errors import InputError, WorkflowError
from mistralish.expressions.errors import TooDeepError, UseError
from mistralish.expressions.values import Meter
from mistralish.masking import mask_values
from mistralish.records import ActionExecution

_TASK_EVENTS = {
    states.RUNNING: "TASK_LAUNCHED",
    states.SUCCESS: "TASK_SUCCEEDED",
    states.ERROR: "TASK_FAILED",
    states.CANCELLED: "TASK_CANCELLED",
    states.SKIPPED: "TASK_SKIPPED",
    states.PAUSED: "TASK_PAUSED",
}
_WORKFLOW_EVENTS = {
    states.SUCCESS: "WORKFLOW_SUCCEEDED",
    states.ERROR: "WORKFLOW_FAILED",
    states.CANCELLED: "WORKFLOW_CANCELLED",
    states.PAUSED: "WORKFLOW_PAUSED",
}


def set_task_state(
    run: Run,
    task: TaskRun,
    world: World,
    state: str,
    info: str | None,
    processed: bool | None = None,
    rerun: bool = False,
    quiet: bool = False,
) -> None:
    """Put a task execution into a state. ``quiet``: it is only being made, so history need not know yet."""
    rec = task.rec
    before = rec.state
    if before == state and rec.state_info == info:
        return
    run.count(rec, -1)
    rec.state = state
    rec.state_info = info
    run.count(rec, 1)
    rec.updated_at = world.now
    is_first = rec.started_at is None
    if state == states.RUNNING and (before in (states.WAITING, states.IDLE) or rerun):
        rec.started_at = world.now
    if state in states.COMPLETED:
        rec.finished_at = world.now
        run.completions += 1
        rec.completed_seq = run.completions
    if rerun:
        rec.finished_at = None
    if processed is not None:
        rec.processed = processed
    run.touch(rec)
    if not quiet:
        payload: dict[str, Any] = {"task_id": rec.id, "name": rec.name, "state": state}
        if info:
            payload["state_info"] = info
        run.record(world.now, "task", payload)
        if run.ex.params.get("notify"):
            _notify_task(run, task, _task_event(before, state, is_first))


def set_error_handled(run: Run, task: TaskRun, handled: bool) -> None:
    """Note whether somebody takes care of a failed task."""
    run.count(task.rec, -1)
    task.rec.error_handled = handled
    run.count(task.rec, 1)


def set_workflow_state(run: Run, world: World, state: str, info: Any = None) -> None:
    """Put the execution into a state. Raises WorkflowError where it may not follow the present one.

    ``info`` is whatever the workflow's author gave as ``msg``: what is not text becomes JSON.
    """
    check_follows(run, state)
    ex = run.ex
    before = ex.state
    if info is not None and not isinstance(info, str):
        info = orjson.dumps(mask_values(info)).decode()
    if info is not None and world.field_limit >= 0:
        info = info[: world.field_limit * 1024]
    ex.state = state
    ex.state_info = info
    ex.accepted = state in states.COMPLETED
    touch_workflow(run, world)
    payload: dict[str, Any] = {"state": state}
    if info:
        payload["state_info"] = info
    run.record(world.now, "execution", payload)
    if ex.params.get("notify"):
        _notify_workflow(run, before, state)


def check_follows(run: Run, state: str) -> None:
    """Raise WorkflowError where the execution may not go from its present state to ``state``."""
    ex = run.ex
    if not states.may_follow(ex.state, state):
        raise WorkflowError(
            f"Can't change workflow execution state from {ex.state} to {state}. "
            f"[workflow={ex.name}, execution_id={ex.id}]"
        )


def touch_workflow(run: Run, world: World) -> None:
    """Note that the execution's own row has changed."""
    run.ex.updated_at = world.now
    run.is_touched = True
    run.mutations += 1


def set_action_state(run: Run, task: TaskRun, action: ActionExecution, world: World, state: str) -> None:
    """Put an action execution into a state."""
    if action.state not in states.COMPLETED and state in states.COMPLETED:
        task.running -= 1
    action.state = state
    action.updated_at = world.now
    run.touch(action)
    run.record(
        world.now, "action", {"action_id": action.id, "task_id": task.rec.id, "name": action.name, "state": state}
    )


def set_accepted(run: Run, task: TaskRun, child: Child, accepted: bool) -> None:
    """Let a child's result count, or no longer count, for its task."""
    if child.accepted == accepted:
        return
    step = 1 if accepted else -1
    child.accepted = accepted
    task.accepted += step
    if child.state == states.ERROR:
        task.errors += step
    elif child.state == states.CANCELLED:
        task.cancelled += step
    if isinstance(child, ChildRef):
        run.effects.append(SetAccepted(child.id, accepted))
    else:
        run.touch(child)


def leave_out(run: Run, task: TaskRun, child: ChildRef) -> None:
    """Let the result of a child execution that has ended not count, though it has said of itself that it does."""
    set_accepted(run, task, child, False)
    run.effects.append(SetAccepted(child.id, False))


def arm(run: Run, task: TaskRun, world: World, seconds: float, step: Any) -> None:
    """Have ``step`` decided after so many seconds."""
    timer_id = world.new_id()
    task.timers = [*(task.timers or ()), timer_id]
    run.effects.append(ArmTimer(timer_id, world.now + round(seconds * 1_000_000), run.ex.id, step))


def disarm_all(run: Run, task: TaskRun) -> None:
    """Forget what was to happen to the task."""
    for timer_id in task.timers or ():
        run.effects.append(DisarmTimer(timer_id))
    task.timers = None


def check_size(value: Any, world: World, owner: str, field: str) -> int:
    """Return how many bytes a value takes as JSON.

    Raises WorkflowError where it cannot be kept, or is larger than ``execution_field_size_limit_kb`` allows.
    """
    limit = world.field_limit
    if not value:
        return 0
    said = f"[class={owner}, field={field}"
    try:
        if limit >= 0:
            Meter(limit * 1024, each=1).take(value)
        size = len(orjson.dumps(value, default=str))
    except TooDeepError as error:
        raise WorkflowError(f"The value cannot be kept {said}]: {error}") from None
    except UseError:
        raise WorkflowError(f"Field size limit exceeded {said}, size>{limit}KB, limit={limit}KB]") from None
    except TypeError as error:
        raise WorkflowError(f"The value cannot be kept as JSON {said}]: {error}") from None
    if size > limit * 1024 and limit >= 0:
        raise WorkflowError(f"Field size limit exceeded {said}, size={size // 1024}KB, limit={limit}KB]")
    return size


def require_json(value: Any, what: str) -> None:
    """Raise InputError where a value cannot be kept as JSON."""
    try:
        orjson.dumps(value)
    except TypeError as error:
        raise InputError(f"{what} is not JSON: {error}") from None


def _task_event(before: str, state: str, is_first: bool) -> str | None:
    if state == states.RUNNING and before == states.ERROR:
        return "TASK_RERUN"
    if state == states.RUNNING and (
        before in (states.PAUSED, states.WAITING) or (not is_first and before == states.IDLE)
    ):
        return "TASK_RESUMED"
    return _TASK_EVENTS.get(state)


def _notify_task(run: Run, task: TaskRun, event: str | None) -> None:
    rec = task.rec
    _notify(
        run,
        event,
        {
            "id": rec.id,
            "name": rec.name,
            "workflow_execution_id": rec.workflow_execution_id,
            "workflow_name": rec.workflow_name,
            "workflow_namespace": rec.workflow_namespace,
            "workflow_id": rec.workflow_id,
            "state": rec.state,
            "state_info": rec.state_info,
            "type": rec.type,
            "project_id": rec.project_id,
            "created_at": rec.created_at,
            "updated_at": rec.updated_at,
            "started_at": rec.started_at,
            "finished_at": rec.finished_at,
        },
    )


def _notify_workflow(run: Run, before: str, state: str) -> None:
    ex = run.ex
    event = _WORKFLOW_EVENTS.get(state)
    if state == states.RUNNING:
        event = {states.PAUSED: "WORKFLOW_RESUMED", states.ERROR: "WORKFLOW_RERUN"}.get(before, "WORKFLOW_LAUNCHED")
    _notify(
        run,
        event,
        {
            "id": ex.id,
            "name": ex.name,
            "workflow_name": ex.workflow_name,
            "workflow_namespace": ex.workflow_namespace,
            "workflow_id": ex.workflow_id,
            "state": ex.state,
            "state_info": ex.state_info,
            "project_id": ex.project_id,
            "task_execution_id": ex.task_execution_id,
            "root_execution_id": ex.root_execution_id,
            "created_at": ex.created_at,
            "updated_at": ex.updated_at,
        },
    )


def _notify(run: Run, event: str | None, payload: dict[str, Any]) -> None:
    """Tell those who want to know. A state without an event of its own (DELAYED) is told to those who want it all."""
    asked = run.ex.params["notify"]
    publishers = [
        p
        for p in (asked if isinstance(asked, list) else ())
        if isinstance(p, dict) and (not p.get("event_types") or event in p["event_types"])
    ]
    if publishers:
        run.effects.append(Notify(run.root_id, publishers, event, payload))
