"""``/v2/executions``: runs of workflows."""

from typing import Any

from flask import Blueprint, Response

from mistralish import states
from mistralish.api.arguments import ForceDelete, Projection, Report, SubExecutions
from mistralish.api.context import call_engine, project, store, tenant
from mistralish.api.contract import contract, lists
from mistralish.api.lists import answer_list, check_fields, owner
from mistralish.api.openstack import openstack_data
from mistralish.api.reports import build_report
from mistralish.api.schemas.base import show, show_many
from mistralish.api.schemas.executions import ExecutionSchema, TaskSchema
from mistralish.api.schemas.reports import ReportSchema
from mistralish.api.schemas.rows import as_document, as_task, published_global
from mistralish.api.trees import load_tree
from mistralish.api.watching import Waiting, wait_for_change
from mistralish.definitions import WORKFLOW
from mistralish.engine import commands
from mistralish.engine.context import deep_update
from mistralish.engine.machine.creation import PLACE
from mistralish.errors import ConflictError, InputError, NotFoundError
from mistralish.ids import new_id
from mistralish.logs import about_execution
from mistralish.masking import shown

EXECUTION = "execution"
_TARGET_STATES = (states.RUNNING, states.PAUSED, states.SUCCESS, states.ERROR, states.CANCELLED)
# Which attributes of a body start an execution, and which change one.
_START = (
    "id",
    "workflow_id",
    "workflow_name",
    "workflow_namespace",
    "source_execution_id",
    "description",
    "input",
    "params",
)
_CHANGE = ("state", "state_info", "description", "params")
# About so many rows: some 20 to 40 ms of SQLite's time.
_REMOVED_AT_ONCE = 1_000
# Of an execution's params, those that say where it is in a tree; a new execution is elsewhere.
_PLACE = frozenset((*PLACE, "index"))


class ProjectionWhenChanged(Projection, Waiting):
    """Which attributes of an execution, and how long to wait for it to end or to change."""


blueprint = Blueprint("executions", __name__, url_prefix="/v2/executions")


@blueprint.get("")
@lists("executions:list", ExecutionSchema, EXECUTION)
def list_executions() -> dict[str, Any]:
    """A page of executions."""
    return answer_list(EXECUTION, ExecutionSchema, "executions")


@blueprint.post("")
@contract(
    "executions:create", answers=ExecutionSchema, body=ExecutionSchema, uses=_START, status=201, errors=(404, 409, 429)
)
def create_execution(body: dict[str, Any]) -> dict[str, Any]:
    """Start a workflow. An ``id`` that an execution has already answers that one, and starts nothing."""
    identifier = body.get("id") or None
    existing = _existing(identifier)
    if existing is not None:
        return _show(existing)
    wanted = _with_source(body)
    # A client that sends an empty workflow_id means none, whatever its name says.
    workflow = wanted.get("workflow_id") or wanted.get("workflow_name")
    if not workflow:
        raise InputError("Workflow ID or workflow name must be provided. Workflow ID is recommended.")
    namespace = wanted.get("workflow_namespace") or ""
    if namespace:
        # Only a sub-workflow is looked for in the default namespace too.
        store().get(WORKFLOW, workflow, tenant=project(), namespace=namespace)
    command = commands.StartExecution(
        execution_id=identifier or new_id(),
        workflow=workflow,
        namespace=namespace,
        input=wanted.get("input") or {},
        description=wanted.get("description") or "",
        params=wanted.get("params") or {},
        project_id=project().project_id,
        openstack=openstack_data(),
        is_new=identifier is None,
    )
    about_execution(command.execution_id)
    started = call_engine(command)
    if started.project_id != command.project_id:
        raise ConflictError(f"Duplicate entry for WorkflowExecution with ID: {identifier}")
    return _show(as_document(started))


@blueprint.get("/<identifier>")
@contract("executions:get", answers=ExecutionSchema, arguments=ProjectionWhenChanged, errors=(304,))
def get_execution(identifier: str, arguments: dict[str, Any]) -> dict[str, Any] | Response:
    """One execution. With ``wait``, its end, or, with ``If-None-Match``, another than what the client has already."""
    only = check_fields(arguments["fields_"], ExecutionSchema)
    document = wait_for_change(
        identifier, lambda: store().get(EXECUTION, identifier, tenant=tenant()), arguments["wait"]
    )
    if document is None:
        return Response(status=304)
    if not only or "published_global" in only:
        document["published_global"] = published_global(document, store().load_spec)
    return show(ExecutionSchema, document, only=only or None)


@blueprint.put("/<identifier>")
@contract("executions:update", answers=ExecutionSchema, body=ExecutionSchema, uses=_CHANGE)
def update_execution(identifier: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change the description, the environment or the state of an execution."""
    current = store().get(EXECUTION, identifier, tenant=tenant())
    state, description = body.get("state"), body.get("description")
    env = _env(body)
    if not (state or description or env):
        raise InputError("The property state, description, or env is not provided for update.")
    if description and state:
        raise InputError("The property description must be updated separately from state.")
    if env and state and state != states.RUNNING:
        raise InputError(
            "The property env can only be updated when workflow execution is not running or on resume from pause."
        )
    if state:
        return _show(as_document(call_engine(_to_state(identifier, state, env, body.get("state_info")), current)))
    changed = call_engine(commands.UpdateExecution(identifier, description=description or None, env=env), current)
    # The reference leaves out what it had no need to load.
    return _show(as_document(changed), without=("input", "output") if env else ("params", "input", "output"))


@blueprint.delete("/<identifier>")
@contract("executions:delete", arguments=ForceDelete, status=204, errors=(403,))
def delete_execution(identifier: str, arguments: dict[str, Any]) -> None:
    """Remove an execution with all that belongs to it; an unfinished one only by ``force``."""
    current = store().get(EXECUTION, identifier, tenant=tenant())
    # In portions, so that a large one holds nobody up. Where that breaks off there is no 204: the client asks again.
    command = commands.DeleteExecution(identifier, force=arguments["force"], at_most=_REMOVED_AT_ONCE)
    while call_engine(command, current) is False:
        pass


@blueprint.get("/<identifier>/tasks")
@lists("tasks:list", TaskSchema, "task", errors=(404,))
def list_tasks_of_execution(identifier: str) -> dict[str, Any]:
    """A page of the tasks of an execution."""
    within = owner(store().get(EXECUTION, identifier, tenant=tenant()))
    fixed = {"workflow_execution_id": f"eq:{identifier}"}
    return answer_list("task", TaskSchema, "tasks", fixed=fixed, within=within, as_shown=as_task)


@blueprint.get("/<identifier>/executions")
@contract("executions:get", answers=ExecutionSchema, collection="executions", arguments=SubExecutions)
def list_executions_below(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """An execution and all that it started, and they in turn."""
    root = store().get(EXECUTION, identifier, tenant=tenant())
    depth = arguments["max_depth"]
    include_output = arguments["include_output"]
    tree = load_tree(
        root,
        errors_only=arguments["errors_only"],
        levels=None if depth < 0 else depth,
        with_actions=False,
        include_output=include_output,
    )
    hidden = ("published_global",) if include_output else ("output", "published_global")
    return {"executions": show_many(ExecutionSchema, (n.execution for n in tree.walk()), without=hidden)}


@blueprint.get("/<identifier>/report")
@contract("executions:get", answers=ReportSchema, arguments=Report)
def get_report(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What ran in an execution and below it, as a tree, and figures about it."""
    return build_report(store().get(EXECUTION, identifier, tenant=tenant()), **arguments)


def _show(document: dict[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    return show(ExecutionSchema, document, without=("published_global", *without))


def _existing(identifier: str | None) -> dict[str, Any] | None:
    if identifier is None:
        return None
    try:
        return store().get(EXECUTION, identifier, tenant=tenant())
    except NotFoundError:
        return None


def _with_source(body: dict[str, Any]) -> dict[str, Any]:
    """The request, and from the execution that it is based on what it does not say itself."""
    source_id = body.get("source_execution_id")
    if not source_id:
        return body
    source = store().get(EXECUTION, source_id, tenant=project())
    wanted = {name: source[name] for name in ("workflow_id", "workflow_name", "workflow_namespace", "input")}
    wanted["params"] = {name: value for name, value in source["params"].items() if name not in _PLACE}
    if body.get("workflow_name") and not body.get("workflow_id"):
        del wanted["workflow_id"]
    description = f"{body.get('description') or ''} Based on the execution '{source_id}'".strip()
    return {**deep_update(wanted, body), "description": description}


def _env(body: dict[str, Any]) -> dict[str, Any] | None:
    env = (body.get("params") or {}).get("env")
    if not env:
        return None
    if not isinstance(env, dict):
        raise InputError(f"params.env must be an object of variables, not {shown(env)}")
    return env


def _to_state(identifier: str, state: str, env: dict[str, Any] | None, message: str | None) -> Any:
    if state == states.PAUSED:
        return commands.PauseExecution(identifier)
    if state == states.RUNNING:
        return commands.ResumeExecution(identifier, env)
    if state in _TARGET_STATES:
        return commands.StopExecution(identifier, state, message or None)
    raise InputError(f"Cannot change state to {state}. Allowed states are: '{', '.join(_TARGET_STATES)}'")
