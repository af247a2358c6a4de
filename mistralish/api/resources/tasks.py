"""``/v2/tasks``: runs of tasks."""

from typing import Any

from flask import Blueprint

from mistralish import states
from mistralish.api.arguments import Projection, SubExecutions
from mistralish.api.context import call_engine, project, store, tenant
from mistralish.api.contract import contract, lists
from mistralish.api.lists import answer_list, check_fields, owner
from mistralish.api.results import result_text
from mistralish.api.schemas.base import show, show_many
from mistralish.api.schemas.executions import ActionExecutionSchema, ExecutionSchema, TaskSchema
from mistralish.api.schemas.rows import PUBLISHED_GLOBAL, as_task
from mistralish.api.trees import load_below_task
from mistralish.engine import commands
from mistralish.errors import InputError, NotFoundError
from mistralish.store import Tenant

TASK = "task"
# Which attributes of a body run a task again.
_RERUN = ("state", "reset", "env", "name", "workflow_name")

blueprint = Blueprint("tasks", __name__, url_prefix="/v2/tasks")


@blueprint.get("")
@lists("tasks:list", TaskSchema, TASK)
def list_tasks() -> dict[str, Any]:
    """A page of tasks."""
    return answer_list(TASK, TaskSchema, "tasks", as_shown=as_task)


@blueprint.get("/<identifier>")
@contract("tasks:get", answers=TaskSchema, arguments=Projection)
def get_task(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One task execution, with its result and what it published globally."""
    only = check_fields(arguments["fields_"], TaskSchema)
    document = store().get(TASK, identifier, tenant=tenant())
    if not only or "result" in only:
        document["result"] = result_text(document)
    published = (document["runtime_context"] or {}).get(PUBLISHED_GLOBAL)
    if published and document["state"] in (states.SUCCESS, states.ERROR):
        document["published_global"] = published
    return show(TaskSchema, as_task(document), only=only or None)


@blueprint.put("/<identifier>")
@contract("tasks:update", answers=TaskSchema, body=TaskSchema, needs=("state",), uses=_RERUN)
def update_task(identifier: str, body: dict[str, Any]) -> dict[str, Any]:
    """Run a failed task again, or skip it."""
    task = store().get(TASK, identifier, tenant=tenant())
    _check_rerun(task, body)
    command = commands.RerunTask(
        identifier,
        reset=bool(body.get("reset")),
        skip=body["state"] == states.SKIPPED,
        env=body.get("env") or None,
    )
    call_engine(command, task)
    document = store().get(TASK, identifier, tenant=tenant())
    return show(TaskSchema, as_task({**document, "result": result_text(document)}))


@blueprint.get("/<identifier>/action_executions")
@lists("action_executions:list", ActionExecutionSchema, "action_execution")
def list_actions_of_task(identifier: str) -> dict[str, Any]:
    """A page of the action executions of a task."""
    fixed = {"task_execution_id": f"eq:{identifier}"}
    return answer_list(
        "action_execution", ActionExecutionSchema, "action_executions", fixed=fixed, within=_project_of(identifier)
    )


@blueprint.get("/<identifier>/workflow_executions")
@lists("executions:list", ExecutionSchema, "execution", "executions")
def list_executions_of_task(identifier: str) -> dict[str, Any]:
    """A page of the executions that a task started, without what went into them and came out."""
    fixed = {"task_execution_id": f"eq:{identifier}"}
    without = frozenset(("params", "input"))
    return answer_list(
        "execution", ExecutionSchema, "executions", fixed=fixed, within=_project_of(identifier), without=without
    )


@blueprint.get("/<identifier>/executions")
@contract("executions:get", answers=ExecutionSchema, collection="executions", arguments=SubExecutions)
def list_executions_below_task(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The executions that a task started, and all that they started in turn."""
    depth = arguments["max_depth"]
    include_output = arguments["include_output"]
    found = load_below_task(
        store().get(TASK, identifier, tenant=tenant()),
        errors_only=arguments["errors_only"],
        levels=None if depth < 0 else depth,
        include_output=include_output,
    )
    nodes = (node.execution for top in found for node in top.walk())
    hidden = ("published_global",) if include_output else ("output", "published_global")
    return {"executions": show_many(ExecutionSchema, nodes, without=hidden)}


def _project_of(identifier: str) -> Tenant:
    """The project of a task. A list below one that the caller may not see is empty, as below one that is not there."""
    try:
        return owner(store().get(TASK, identifier, tenant=tenant()))
    except NotFoundError:
        return project()


def _check_rerun(task: dict[str, Any], body: dict[str, Any]) -> None:
    if body.get("name") and body["name"] != task["name"]:
        raise InputError("Task name does not match.")
    if body.get("workflow_name") and body["workflow_name"] != task["workflow_name"]:
        raise InputError("Workflow name does not match.")
    state = body.get("state")
    if state not in (states.RUNNING, states.SKIPPED):
        raise InputError("Invalid task state. Only updating task to RUNNING or SKIPPED is supported.")
    if task["state"] != states.ERROR:
        raise InputError(
            "The current task execution must be in ERROR for rerun. Only updating task to rerun is supported."
        )
    if state == states.SKIPPED:
        return
    if "reset" not in body:
        raise InputError("Reset field is mandatory to rerun task.")
    if not body["reset"] and not _has_items(task):
        raise InputError("Only with-items task has the option to not reset.")


def _has_items(task: dict[str, Any]) -> bool:
    execution = store().get("execution", task["workflow_execution_id"], tenant=tenant(), with_spec=True)
    tasks = (execution["spec"] or {}).get("tasks") or {}
    return bool((tasks.get(task["name"]) or {}).get("with-items"))
