"""``/v2/event_triggers``: what starts workflows when something happens elsewhere."""

from typing import Any

from flask import Blueprint

from mistralish import lang
from mistralish.api.arguments import Projection
from mistralish.api.context import project, service, store, tenant, wake_listeners
from mistralish.api.contract import contract, lists
from mistralish.api.identifiers import check_uuid, is_uuid
from mistralish.api.lists import answer_list, check_fields, owner
from mistralish.api.schemas.base import show
from mistralish.api.schemas.events import EventTriggerSchema
from mistralish.engine.machine.creation import check_input, check_place
from mistralish.errors import InputError, NotFoundError
from mistralish.store import Tenant

EVENT_TRIGGER = "event_trigger"
_NEEDED = ("workflow_id", "exchange", "topic", "event")
_FIXED = ["exchange", "topic", "event"]
_CHANGED = ("name", "workflow_id", "workflow_input", "workflow_params", "scope")
_WRITTEN = (*_CHANGED, *_FIXED)

blueprint = Blueprint("event_triggers", __name__, url_prefix="/v2/event_triggers")


@blueprint.get("")
@lists("event_triggers:list", EventTriggerSchema, EVENT_TRIGGER)
def list_event_triggers() -> dict[str, Any]:
    """A page of event triggers."""
    return answer_list(EVENT_TRIGGER, EventTriggerSchema, "event_triggers")


@blueprint.post("")
@contract(
    "event_triggers:create",
    answers=EventTriggerSchema,
    body=EventTriggerSchema,
    needs=_NEEDED,
    uses=_WRITTEN,
    status=201,
    errors=(404, 409),
)
def create_event_trigger(body: dict[str, Any]) -> dict[str, Any]:
    """Keep a new trigger, and listen to its topic of its exchange from now on."""
    missing = [name for name in _NEEDED if not body.get(name)]
    if missing:
        raise InputError(
            f"Params {set(_NEEDED)} must be provided for creating event trigger. Missing: {', '.join(missing)}"
        )
    check_place(body.get("workflow_params") or {})
    with store().transaction():
        workflow = _workflow(body["workflow_id"], project())
        given = body.get("workflow_input") or {}
        spec = lang.load_workflow(workflow["spec"])
        check_input(workflow["name"], spec.type, spec.input, given)
        values = {
            "name": body.get("name") or "",
            "workflow_id": workflow["id"],
            "workflow_namespace": workflow["namespace"],
            "workflow_input": given,
            "workflow_params": body.get("workflow_params") or {},
            "scope": body.get("scope", "private"),
            **{name: body[name] for name in _FIXED},
        }
        _check_sources((values["exchange"], values["topic"]))
        created = store().create(EVENT_TRIGGER, values, tenant=tenant())
    wake_listeners()
    return show(EventTriggerSchema, created)


@blueprint.get("/<identifier>")
@contract("event_triggers:get", answers=EventTriggerSchema, arguments=Projection)
def get_event_trigger(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One trigger, by id."""
    check_uuid(identifier)
    only = check_fields(arguments["fields_"], EventTriggerSchema)
    return show(EventTriggerSchema, store().get(EVENT_TRIGGER, identifier, tenant=tenant()), only=only or None)


@blueprint.put("/<identifier>")
@contract(
    "event_triggers:update", answers=EventTriggerSchema, body=EventTriggerSchema, uses=_CHANGED, errors=(403, 409)
)
def update_event_trigger(identifier: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change what a trigger starts. Which event it waits for stays: that would be another trigger."""
    check_uuid(identifier)
    if any(body.get(name) for name in _FIXED):
        raise InputError(f"Can not update fields {_FIXED} of event trigger.")
    check_place(body.get("workflow_params") or {})
    with store().transaction():
        current = store().get(EVENT_TRIGGER, identifier, tenant=tenant())
        values = {name: body[name] for name in _CHANGED if body.get(name) is not None}
        if "workflow_id" in values:
            values["workflow_namespace"] = _workflow(values["workflow_id"], owner(current))["namespace"]
        return show(EventTriggerSchema, store().update(EVENT_TRIGGER, identifier, values, tenant=tenant()))


@blueprint.delete("/<identifier>")
@contract("event_triggers:delete", status=204, errors=(403,))
def delete_event_trigger(identifier: str) -> None:
    """Remove a trigger. What it started goes on."""
    check_uuid(identifier)
    store().delete(EVENT_TRIGGER, identifier, tenant=tenant())
    wake_listeners()


def _check_sources(source: tuple[str, str]) -> None:
    """Each exchange and topic takes a thread and a connection of the service's, unless it has no broker."""
    settings = service().settings
    most = settings.event_sources_per_project
    known = store().event_sources(project().project_id) if settings.event_broker_url else []
    if source not in known and len(known) >= most:
        raise InputError(
            f"The event triggers of a project may wait for {most} different topics of exchanges, and this one's do"
            " already (setting event_sources_per_project)"
        )


def _workflow(identifier: str, of: Tenant) -> dict[str, Any]:
    """The workflow of this id, as the trigger's project sees it."""
    if not is_uuid(identifier):
        raise InputError(f"Expected a uuid but received {identifier}.")
    try:
        found = store().get("workflow", identifier, tenant=of)
    except NotFoundError:
        raise NotFoundError(f"Workflow not found [workflow_id={identifier}]") from None
    if found["id"] != identifier:
        raise NotFoundError(f"Workflow not found [workflow_id={identifier}]")
    return found
