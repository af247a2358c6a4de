"""Starting a task's action or child execution, and taking their results."""

from typing import Any

from mistralish import states
from mistralish.actions import Action
from mistralish.engine.context import deep_update
from mistralish.engine.effects import RunActionEffect, StartChild
from mistralish.engine.machine import creation, data, policies
from mistralish.engine.machine.state import check_size
from mistralish.engine.run import ChildRef, Run, TaskRun
from mistralish.engine.scope import RunScope
from mistralish.engine.world import World
from mistralish.errors import MistralishError, WorkflowError
from mistralish.lang.fields import MAX_NAME_LENGTH
from mistralish.masking import holds_sealed, shown
from mistralish.records import ActionExecution

MAX_DEPTH = 100
"""Sub-workflows within each other: so many levels below the execution that was started."""


def start_one(run: Run, task: TaskRun, world: World, item: dict[str, Any] | None = None, index: int = 0) -> None:
    """Start the action or workflow of a task, for one item where there are items.

    Raises TaskFailureError for what fails the task, another MistralishError for what fails the whole execution.
    """
    given = _input_of(run, task, world, item)
    if task.plan.workflow is not None:
        scope = RunScope(run, world, task)
        name = str(task.plan.workflow.evaluate(data.task_view(run, task, item), scope))
        with ErrorsFailTask():
            _start_child(run, task, world, name, given, index)
        return
    if item is None:
        action = _find_action(run, task, world, item)
    else:
        with ErrorsFailTask():
            action = _find_action(run, task, world, item)
    # As in the reference, parameters that do not fit are the workflow's mistake: on-error does not take care of it.
    action.check_parameters(given)
    with ErrorsFailTask():
        _start_action(run, task, world, action, given, index)


class TaskFailureError(WorkflowError):
    """An error that fails the task, so that its ``on-error`` may take care of it."""


class ErrorsFailTask:
    """Within it every error of a caller's making becomes a TaskFailureError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MistralishError) and not isinstance(error, TaskFailureError):
            raise TaskFailureError(error.message) from error


def _input_of(run: Run, task: TaskRun, world: World, item: dict[str, Any] | None) -> dict[str, Any]:
    plan = task.plan
    if plan.input.constant:
        given = plan.input.evaluate({}, None)
    else:
        given = plan.input.evaluate(data.task_view(run, task, item), RunScope(run, world, task))
    if not isinstance(given, dict):
        raise WorkflowError(
            f"Wrong dynamic input for task: {plan.name}. Dict type is expected. "
            f"Actual type: {type(given).__name__}. Actual value: {shown(given)}"
        )
    defaults = _action_defaults(run, task)
    return deep_update(given, defaults, overwrite=False) if defaults else dict(given)


def _action_defaults(run: Run, task: TaskRun) -> dict[str, Any]:
    """Default input from the environment's ``__actions``. Source: release notes, "default action input"."""
    env = run.ex.params.get("env")
    defaults = env.get("__actions") if isinstance(env, dict) else None
    name = task.plan.spec.action
    found = defaults.get(name) if isinstance(defaults, dict) and isinstance(name, str) else None
    return found if isinstance(found, dict) else {}


def _find_action(run: Run, task: TaskRun, world: World, item: dict[str, Any] | None) -> Action:
    name = "std.noop"
    compiled = task.plan.action
    if compiled is not None:
        if compiled.constant:
            name = task.plan.spec.action
        else:
            name = compiled.evaluate(data.task_view(run, task, item), RunScope(run, world, task)) or name
    ex = run.ex
    workbook = ex.runtime_context.get("wb_name")
    found = None
    if workbook:
        found = world.find_action(f"{workbook}.{name}", ex.workflow_namespace, ex.project_id)
    found = found or world.find_action(name, ex.workflow_namespace, ex.project_id)
    if found is None:
        raise WorkflowError(f"Failed to find action [action_name={name}, namespace={ex.workflow_namespace}]")
    return found


def _start_action(run: Run, task: TaskRun, world: World, action: Action, given: dict[str, Any], index: int) -> None:
    check_size(given, world, "ActionExecution", "input")
    scope = RunScope(run, world, task)
    view = data.task_view(run, task)
    given = dict(action.with_defaults(given))
    base, base_input = action.expand(given, view, scope)
    ex = run.ex
    record = ActionExecution(
        id=world.new_id(),
        name=action.name,
        task_execution_id=task.rec.id,
        workflow_execution_id=ex.id,
        workflow_name=ex.workflow_name,
        workflow_id=ex.workflow_id,
        workflow_namespace=ex.workflow_namespace,
        state=states.RUNNING,
        input=given,
        is_sync=action.system_action.is_sync(base_input),
        runtime_context={"index": index, "safe_rerun": task.plan.spec.safe_rerun},
        project_id=ex.project_id,
        created_at=data.after_others(task, world.now),
        updated_at=world.now,
    )
    run.created.append(record)
    run.add_child(task, record)
    # What is sealed is opened by an executor only, so that no key is needed, and no time spent on it, in a turn.
    inline = action.system_action.is_inline(base_input) and not holds_sealed(base_input)
    if not inline:
        run.record(
            world.now,
            "action",
            {"action_id": record.id, "task_id": task.rec.id, "name": action.name, "state": states.RUNNING},
        )
    send(run, task, world, record, base, base_input, inline)


def send(
    run: Run, task: TaskRun, world: World, record: ActionExecution, base: str, base_input: Any, inline: bool
) -> None:
    """Have a system action run for ``record``, where the task's ``target`` says."""
    run.effects.append(
        RunActionEffect(
            record=record,
            action=base,
            input=base_input,
            context=call_context(record, run.ex.workflow_name),
            inline=inline,
            safe_rerun=task.plan.spec.safe_rerun,
            target=_target(run, task, world, record.input),
            timeout=None if inline else policies.action_timeout(run, task, world),
        )
    )


def _target(run: Run, task: TaskRun, world: World, given: dict[str, Any] | None) -> str | None:
    """The name of the executors that are to run a task's action; its expression sees the action's input first."""
    if task.plan.target is None:
        return None
    target = task.plan.target.evaluate(data.task_view(run, task, given), RunScope(run, world, task))
    if target is None or target == "":
        return None
    name = str(target)
    if len(name) > MAX_NAME_LENGTH or "\0" in name:
        raise WorkflowError(
            f"The target of task '{task.plan.name}' is no name of executors: that has at most {MAX_NAME_LENGTH} "
            "characters, and none of them is NUL"
        )
    return name


def call_context(record: ActionExecution, workflow_name: str | None) -> dict[str, Any]:
    """What an action is told of where it runs."""
    return {
        "workflow_execution_id": record.workflow_execution_id,
        "task_execution_id": record.task_execution_id,
        "workflow_name": workflow_name,
        "action_execution_id": record.id,
        "callback_url": f"/v2/action_executions/{record.id}",
        "project_id": record.project_id,
    }


def _start_child(run: Run, task: TaskRun, world: World, name: str, given: dict[str, Any], index: int) -> None:
    ex = run.ex
    if creation.depth_of(run) >= MAX_DEPTH:
        raise WorkflowError(
            f"Workflow '{name}' cannot be started: there are {MAX_DEPTH} sub-workflows within each other already, "
            "which is the most that is allowed; does it call itself without end?"
        )
    namespace = ex.params.get("namespace", ex.workflow_namespace)
    workbook = ex.runtime_context.get("wb_name")
    found = world.find_workflow(f"{workbook}.{name}", namespace, ex.project_id) if workbook else None
    found = found or world.find_workflow(name, namespace, ex.project_id)
    if found is None:
        raise WorkflowError(f"Failed to find workflow [name={name}] [namespace={namespace}]")
    accepted = found.plan.spec.input
    params: dict[str, Any] = {
        "root_execution_id": run.root_id,
        "task_execution_id": task.rec.id,
        "index": index,
        "namespace": namespace,
    }
    if "notify" in ex.params:
        params["notify"] = ex.params["notify"]
    more = {k: v for k, v in given.items() if k not in accepted}
    creation.check_place(more)
    params.update(more)
    child = creation.create_run(
        world,
        found,
        execution_id=world.new_id(),
        given={k: v for k, v in given.items() if k in accepted},
        description="sub-workflow execution",
        params=params,
        project_id=ex.project_id,
        parent=run,
    )
    child.ex.created_at = data.after_others(task, world.now)
    run.add_child(task, ChildRef(child.ex))
    run.effects.append(StartChild(child))
