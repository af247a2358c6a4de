"""What actions and child executions tell of themselves, and what callers change in an execution directly."""

from mistralish import states
from mistralish.actions import Result
from mistralish.engine import commands, steps
from mistralish.engine.machine import actions, data, items, tasks, tries, workflows
from mistralish.engine.machine.ancestry import write_down
from mistralish.engine.machine.reports import check_new_state, outcome
from mistralish.engine.machine.state import (
    check_size,
    leave_out,
    set_accepted,
    set_action_state,
    set_task_state,
    touch_workflow,
)
from mistralish.engine.run import ChildRef, Run, TaskRun
from mistralish.engine.scope import RunScope
from mistralish.engine.world import World
from mistralish.errors import MistralishError, NotAllowedError, NotFoundError, WorkflowError
from mistralish.records import ActionExecution


def action_result(run: Run, step: steps.ActionResult, world: World) -> None:
    """Keep the result of an action, and let its task take notice.

    Raises NotFoundError, InputError where there is a result already.
    """
    task, action = _find_action(run, step.action_id, world)
    state, result = outcome(action, step)
    try:
        result = _post_processed(run, task, action, result, world)
        output = result.to_output()
        check_size(output, world, "ActionExecution", "output")
    except MistralishError as error:
        message = f"Failed to complete action [error={error.message}, action={action.name}, task={task.rec.name}]"
        action.output = {"result": message}
        set_action_state(run, task, action, world, states.ERROR)
        if not tries.is_given_up(task, action):
            tasks.force_fail(run, task, world, message)
        return
    action.output = output
    set_action_state(run, task, action, world, state)
    if tries.is_given_up(task, action):
        return
    set_accepted(run, task, action, True)
    tasks.action_ended(run, task, world, state, action.output)


def action_state(run: Run, step: steps.ActionState, world: World) -> None:
    """Put an asynchronous action into PAUSED or back into RUNNING; its task and execution follow.

    Raises InputError where the action may not be in that state.
    """
    task, action = _find_action(run, step.action_id, world)
    check_new_state(action, step.state)
    set_action_state(run, task, action, world, step.state)
    if not tries.is_given_up(task, action):
        tasks.update(run, task, world, step.state)
        _follow(run, step.state, world)


def run_again(run: Run, step: steps.RunAgain, world: World) -> None:
    """Run an action again that was lost on its way. It fails where that cannot be done."""
    task, action = _find_action(run, step.action_id, world)
    if action.state in states.COMPLETED:
        return
    try:
        found = world.find_action(action.name, action.workflow_namespace, action.project_id)
        if found is None:
            raise WorkflowError(
                f"Failed to find action [action_name={action.name}, namespace={action.workflow_namespace}]"
            )
        view, scope = data.task_view(run, task), RunScope(run, world, task)
        base, base_input = found.expand(dict(action.input or {}), view, scope)
        actions.send(run, task, world, action, base, base_input, inline=False)
    except MistralishError as error:
        action_result(run, steps.ActionResult(action.id, error=error.message, is_error=True), world)


def child_ended(run: Run, task: TaskRun, step: steps.ChildEnded, world: World) -> None:
    """Take the end of a child execution."""
    child = _find_child(run, task, step.child_id, world)
    if child is None:
        return
    is_known = child.state in states.COMPLETED
    if not is_known:
        task.running -= 1
    child.state = step.state
    child.state_info = step.state_info
    child.output = step.output
    if tries.is_given_up(task, child):
        leave_out(run, task, child)
        return
    # Told of twice, or loaded after it had ended, it is counted already, unless a retry has decided otherwise since.
    if not is_known:
        set_accepted(run, task, child, True)
    if task.accepted > items.count(task):
        _take_the_place(run, task, child, world)
    output = step.output if step.state == states.SUCCESS else {"result": step.state_info or _said(step)}
    tasks.action_ended(run, task, world, step.state, output)


def child_changed(run: Run, task: TaskRun, step: steps.ChildChanged, world: World) -> None:
    """Follow a child execution that was paused or goes on."""
    child = _find_child(run, task, step.child_id, world)
    if child is not None and child.state not in states.COMPLETED:
        child.state = step.state
        if not tries.is_given_up(task, child):
            tasks.update(run, task, world, step.state)
            if not step.by_parent:
                _follow(run, step.state, world)


def child_rerun(run: Run, task: TaskRun, step: steps.ChildRerun, world: World) -> None:
    """A child execution runs again: so does its task, and so do we."""
    child = _find_child(run, task, step.child_id, world)
    if child is not None:
        if child.state in states.COMPLETED:
            task.running += 1
        set_accepted(run, task, child, False)
        child.state = states.RUNNING
        tries.take_up(run, task, child, world)
        _take_the_place(run, task, child, world)
    workflows.revive(run, world)
    write_down(run, task)
    set_task_state(run, task, world, states.RUNNING, None, processed=False)
    if items.were_started(task):
        items.take_up(run, task, world)
    workflows.look_at_waiting_joins(run)


def _take_the_place(run: Run, task: TaskRun, child: ChildRef, world: World) -> None:
    """Let no other result for the item count: a child that runs again may have been followed by others since."""
    index = data.index_of(child)
    for other in data.children(run, task, world).values():
        if other is not child and data.index_of(other) == index:
            set_accepted(run, task, other, False)


def update_execution(run: Run, command: commands.UpdateExecution, world: World) -> None:
    """Change the description or the environment of an execution."""
    if command.description is not None:
        run.ex.description = command.description
        touch_workflow(run, world)
    if command.env:
        if run.ex.state not in (states.IDLE, states.PAUSED, states.ERROR):
            raise NotAllowedError(
                "Updating env to workflow execution is only permitted if it is in IDLE, PAUSED, or ERROR state: "
                f"execution {run.ex.id} is in state {run.ex.state}"
            )
        workflows.update_environment(run, world, command.env)


def _follow(run: Run, state: str, world: World) -> None:
    if state == states.PAUSED:
        if run.ex.state not in (*states.COMPLETED, states.PAUSED):
            workflows.pause(run, world)
    elif state == states.RUNNING and not any(t.rec.state == states.PAUSED for t in run.tasks.values()):
        workflows.resume(run, world)


def _find_action(run: Run, action_id: str, world: World) -> tuple[TaskRun, ActionExecution]:
    task = run.actions.get(action_id)
    if task is None:
        task = run.tasks.get(world.task_of_action(action_id) or "")
    child = None if task is None else data.children(run, task, world).get(action_id)
    if task is None or not isinstance(child, ActionExecution):
        raise NotFoundError(f"ActionExecution not found [id={action_id}]")
    return task, child


def _find_child(run: Run, task: TaskRun, child_id: str, world: World) -> ChildRef | None:
    child = data.children(run, task, world).get(child_id)
    return child if isinstance(child, ChildRef) else None


def _post_processed(run: Run, task: TaskRun, action: ActionExecution, result: Result, world: World) -> Result:
    found = world.find_action(action.name, action.workflow_namespace, action.project_id)
    if found is None:
        return result
    return found.post_process(result, data.task_view(run, task), RunScope(run, world, task))


def _said(step: steps.ChildEnded) -> str:
    kind = "Cancelled" if step.state == states.CANCELLED else "Failed"
    return f"{kind} subworkflow [execution_id={step.child_id}]"
