"""``/v2/action_executions``: runs of actions, for tasks or on their own."""

from typing import Any

from flask import Blueprint

from mistralish import states
from mistralish.api.arguments import Projection
from mistralish.api.context import call_engine, project, store, tenant
from mistralish.api.contract import contract, lists
from mistralish.api.lists import answer_list, check_fields
from mistralish.api.schemas.base import show
from mistralish.api.schemas.executions import ActionExecutionSchema
from mistralish.api.schemas.rows import as_document
from mistralish.api.secrets import seal_again
from mistralish.engine import commands
from mistralish.errors import InputError, NotAllowedError, NotFoundError

ACTION_EXECUTION = "action_execution"
_TARGET_STATES = [states.SUCCESS, states.ERROR, states.CANCELLED, states.PAUSED, states.RUNNING]
# Which attributes of a body run an action.
_RUN = ("name", "input", "params", "description", "workflow_namespace")
# What an action that was run but not kept has none of.
_OF_KEPT = ("id", "description", "project_id", "accepted", "created_at", "updated_at")

blueprint = Blueprint("action_executions", __name__, url_prefix="/v2/action_executions")


@blueprint.get("")
@lists("action_executions:list", ActionExecutionSchema, ACTION_EXECUTION)
def list_action_executions() -> dict[str, Any]:
    """A page of action executions."""
    return answer_list(ACTION_EXECUTION, ActionExecutionSchema, "action_executions")


@blueprint.post("")
@contract(
    "action_executions:create",
    answers=ActionExecutionSchema,
    body=ActionExecutionSchema,
    needs=("name",),
    uses=_RUN,
    status=201,
)
def run_action(body: dict[str, Any]) -> dict[str, Any]:
    """Run an action outside any workflow. Unless its result is saved, or comes later, nothing is kept of it."""
    if not body.get("name"):
        raise InputError("Please provide at least action name to run action.")
    params = body.get("params") or {}
    save = _flag(params, "save_result")
    command = commands.RunAction(
        name=body["name"],
        input=body.get("input") or {},
        namespace=_text(params, "namespace") or body.get("workflow_namespace") or "",
        description=body.get("description") or "",
        project_id=project().project_id,
        run_sync=_flag(params, "run_sync"),
        save_result=save,
        target=_text(params, "target"),
        timeout=_seconds(params, "timeout"),
    )
    try:
        document = as_document(call_engine(command))
    except NotFoundError as error:
        # What is not found is part of the request's body, not its path: 400, as in the reference.
        raise InputError(error.message) from None
    if not save and states.is_completed(document["state"]):
        document |= dict.fromkeys(_OF_KEPT)
    return show(ActionExecutionSchema, document)


@blueprint.get("/<identifier>")
@contract("action_executions:get", answers=ActionExecutionSchema, arguments=Projection)
def get_action_execution(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One action execution."""
    only = check_fields(arguments["fields_"], ActionExecutionSchema)
    return show(ActionExecutionSchema, store().get(ACTION_EXECUTION, identifier, tenant=tenant()), only=only or None)


@blueprint.put("/<identifier>")
@contract(
    "action_executions:update",
    answers=ActionExecutionSchema,
    body=ActionExecutionSchema,
    needs=("state",),
    uses=("state", "output"),
)
def update_action_execution(identifier: str, body: dict[str, Any]) -> dict[str, Any]:
    """Give the result of an asynchronous action, or pause it, or let it go on."""
    document = store().get(ACTION_EXECUTION, identifier, tenant=tenant())
    state = body.get("state")
    if state not in _TARGET_STATES:
        raise InputError(f"Error. Expected one of {_TARGET_STATES}, actual: {state}")
    output = body.get("output") and seal_again(body["output"], _given(document), document["project_id"])
    return show(ActionExecutionSchema, as_document(call_engine(_to_state(identifier, state, output), document)))


@blueprint.delete("/<identifier>")
@contract("action_executions:delete", status=204, errors=(403,))
def delete_action_execution(identifier: str) -> None:
    """Remove a finished action execution that belongs to no task."""
    document = store().get(ACTION_EXECUTION, identifier, tenant=tenant())
    if document["task_execution_id"]:
        raise NotAllowedError("Only ad-hoc action execution can be deleted.")
    if not states.is_completed(document["state"]):
        raise NotAllowedError("Only completed action execution can be deleted.")
    call_engine(commands.DeleteAction(identifier), document)


def _given(action: dict[str, Any]) -> list[Any]:
    """Where the secrets are that may have been told to whoever ran an action."""
    execution_id = action["workflow_execution_id"]
    if execution_id is None:
        return [action["input"]]
    execution = store().get("execution", execution_id, tenant=tenant())
    return [action["input"], execution["input"], execution["params"]]


def _to_state(identifier: str, state: str, output: dict[str, Any] | None) -> Any:
    if state == states.SUCCESS:
        # The reference makes no difference between no output and an empty one.
        return commands.ActionFinished(identifier, data=output or {})
    if state == states.ERROR:
        return commands.ActionFinished(identifier, error=output or "Unknown error", is_error=True)
    if state == states.CANCELLED:
        return commands.ActionFinished(identifier, cancel=True)
    return commands.UpdateAction(identifier, state)


def _flag(params: dict[str, Any], name: str) -> bool:
    value = params.get(name)
    if value not in (None, True, False):
        raise InputError(f"params.{name} must be true or false, not {value!r}")
    return bool(value)


def _text(params: dict[str, Any], name: str) -> str | None:
    value = params.get(name)
    if value is not None and not isinstance(value, str):
        raise InputError(f"params.{name} must be text, not {value!r}")
    return value


def _seconds(params: dict[str, Any], name: str) -> float | None:
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise InputError(f"params.{name} must be a number of seconds, not {value!r}")
    return float(value)
