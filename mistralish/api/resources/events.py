"""``/v2/events``: events told by HTTP, for those who have no broker. An extension of the reference's API."""

from typing import Any

from flask import Blueprint

from mistralish.api.access import require
from mistralish.api.context import call_engine, identity, service, store
from mistralish.api.contract import contract
from mistralish.api.schemas.base import show_many
from mistralish.api.schemas.events import EventSchema, StartedSchema
from mistralish.errors import InputError, MistralishError, UnavailableError
from mistralish.events import Event, starts

_NOT_STARTED = "The workflow of this trigger, which is another project's, could not be started"
_NEEDED = ("exchange", "topic", "event")

blueprint = Blueprint("events", __name__, url_prefix="/v2/events")


@blueprint.post("")
@contract("events:create", answers=StartedSchema, body=EventSchema, needs=_NEEDED, status=201, collection="executions")
def create_event(body: dict[str, Any]) -> dict[str, Any]:
    """Start the workflow of every trigger that waits for this event; what each started, after it is on disk.

    The event belongs to the caller's project; to another one only where the caller may do that. A trigger whose
    workflow cannot be started has an ``error``.
    """
    mine = identity().project_id
    project_id = body.get("project_id") or mine
    if project_id != mine:
        require("events:create:all_projects")
    missing = [name for name in _NEEDED if not body.get(name)]
    if missing:
        raise InputError(f"An event needs {', '.join(_NEEDED)}. Missing: {', '.join(missing)}")
    event = Event(
        exchange=body["exchange"],
        topic=body["topic"],
        event_type=body["event"],
        payload=body.get("payload"),
        publisher=body.get("publisher"),
        timestamp=body.get("timestamp"),
        message_id=body.get("message_id") or None,
        context={"project_id": project_id},
    )
    started = []
    for start in starts(event, store(), service().settings.project_id):
        row = {"event_trigger_id": start.trigger_id, "execution_id": start.command.execution_id, "error": None}
        try:
            call_engine(start.command)
        except UnavailableError:
            raise
        except MistralishError as error:
            # What another project's workflow lacks is its own affair.
            row["error"] = error.message if start.command.project_id == project_id else _NOT_STARTED
            del row["execution_id"]
        started.append(row)
    return {"executions": show_many(StartedSchema, started)}
