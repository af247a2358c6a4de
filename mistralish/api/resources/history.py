"""``/v2/executions/{id}/history``: what happened to an execution, in order (our extension)."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request
from marshmallow import Schema, fields, validate

from mistralish.api.context import service, store, tenant
from mistralish.api.contract import contract
from mistralish.api.schemas.base import WholeNumber, show_many
from mistralish.api.schemas.history import HistoryEventSchema
from mistralish.api.watching import Waiting, wait_for, wait_for_beginnings
from mistralish.records import HistoryEvent

EXECUTION = "execution"
TYPES = ("execution", "task", "action")
_CHOSEN_BY = ("state", "name", "task_id", "action_id")

blueprint = Blueprint("history", __name__, url_prefix="/v2/executions")


class HistoryArguments(Waiting):
    """Which events: those beyond the number ``after``, at most ``limit``, of these properties."""

    after = WholeNumber(load_default=0, validate=validate.Range(0, error="It must not be negative"))
    limit = WholeNumber(load_default=None, validate=validate.Range(1, error="It must be positive"))
    type = fields.String(
        load_default=None, validate=validate.OneOf(TYPES, error=f"It must be one of {', '.join(TYPES)}")
    )
    state = fields.String(load_default=None)
    name = fields.String(load_default=None)
    task_id = fields.String(load_default=None)
    action_id = fields.String(load_default=None)


class HistorySchema(Schema):
    """A page of events; ``next`` is where those beyond it are, where there may be any by now."""

    history = fields.List(fields.Nested(HistoryEventSchema))
    next = fields.String()


@blueprint.get("/<identifier>/history")
@contract("executions:get", answers=HistorySchema, arguments=HistoryArguments)
def list_history(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What happened to an execution, the oldest first. With ``wait``, an empty page waits for an event to come."""
    settings = service().settings
    wait_for_beginnings()
    limit = min(arguments["limit"] or settings.default_limit, settings.max_limit)

    def find() -> list[HistoryEvent] | None:
        store().get(EXECUTION, identifier, tenant=tenant())
        wanted = {name: arguments[name] for name in _CHOSEN_BY if arguments[name] is not None}
        page = store().history(
            identifier, after=arguments["after"], limit=limit, kind=arguments["type"], payload=wanted
        )
        return page or None

    events = wait_for(identifier, find, arguments["wait"]) or []
    shown = ({"seq": event.seq, "time": event.time, "type": event.type, **event.payload} for event in events)
    answer: dict[str, Any] = {"history": show_many(HistoryEventSchema, shown)}
    if len(events) == limit:
        answer["next"] = _next_link(events[-1].seq)
    return answer


def _next_link(after: int) -> str:
    return f"{request.base_url}?{urlencode({**request.args, 'after': after})}"
