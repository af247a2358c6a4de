"""``/maintenance``: pausing everything, for the time that somebody works on the installation."""

from typing import Any

from flask import Blueprint, request
from marshmallow import Schema, fields

from mistralish.api import codec
from mistralish.api.context import maintenance, store
from mistralish.api.contract import contract
from mistralish.errors import InputError, LockedError
from mistralish.store.operation import PAUSING, RUNNING

PATH = "/maintenance"

blueprint = Blueprint("maintenance", __name__, url_prefix=PATH)


class MaintenanceSchema(Schema):
    """The mode of the service: RUNNING, PAUSING or PAUSED. It may be put into the first and the last."""

    status = fields.String()


@blueprint.get("")
@contract("maintenance:get", answers=MaintenanceSchema)
def get_maintenance() -> dict[str, Any]:
    """The mode that the service is in."""
    return {"status": store().maintenance()}


@blueprint.put("")
@contract("maintenance:update", answers=MaintenanceSchema, body=MaintenanceSchema, needs=("status",))
def update_maintenance(body: dict[str, Any]) -> dict[str, Any]:
    """Pause all executions and take no more work, or go on. PAUSED is reached by way of PAUSING."""
    return {"status": maintenance().change(str(body.get("status")))}


def refuse_under_maintenance() -> None:
    """Raise LockedError for a request that would change something while the service is under maintenance.

    Executions may still be cancelled, and while it is PAUSING, results of asynchronous actions are taken: it waits
    for them. Source: the reference's maintenance hook.
    """
    if request.method in ("GET", "HEAD", "OPTIONS") or request.path in (PATH, "/", "/v2/"):
        return
    mode = store().maintenance()
    if mode == RUNNING or (mode == PAUSING and _is_put("/v2/action_executions")) or _cancels():
        return
    raise LockedError(f"Current Mistral state is {mode}. Method is not allowed")


def _is_put(path: str) -> bool:
    return request.method == "PUT" and request.path.startswith(path)


def _cancels() -> bool:
    if not _is_put("/v2/executions"):
        return False
    try:
        body = codec.parse(request.get_data())
    except InputError:
        return False
    return isinstance(body, dict) and body.get("state") == "CANCELLED"
