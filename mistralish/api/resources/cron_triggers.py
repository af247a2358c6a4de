"""``/v2/cron_triggers``: what starts workflows at given times."""

import time
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint

from mistralish import lang
from mistralish.api.arguments import Projection
from mistralish.api.context import project, store, tenant, wake_scheduler
from mistralish.api.contract import contract, lists
from mistralish.api.lists import answer_list, check_fields, read_all
from mistralish.api.schemas.base import show
from mistralish.api.schemas.triggers import CronTriggerSchema, as_cron_trigger
from mistralish.definitions import WORKFLOW, get
from mistralish.engine.machine.creation import check_input, check_place
from mistralish.errors import ConflictError, InputError, NotFoundError
from mistralish.scheduler import cron
from mistralish.store.filters import Filter

CRON_TRIGGER = "cron_trigger"
# Which attributes of a body make a trigger.
_WRITTEN = (
    "name",
    "workflow_id",
    "workflow_name",
    "workflow_input",
    "workflow_params",
    "pattern",
    "time_zone",
    "first_execution_time",
    "remaining_executions",
    "scope",
)
_EARLIEST_US = 60 * 1_000_000
_MICROSECOND = 1_000_000
_TIME_FORMATS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")

blueprint = Blueprint("cron_triggers", __name__, url_prefix="/v2/cron_triggers")


@blueprint.get("")
@lists("cron_triggers:list", CronTriggerSchema, CRON_TRIGGER)
def list_cron_triggers() -> dict[str, Any]:
    """A page of cron triggers."""
    return answer_list(CRON_TRIGGER, CronTriggerSchema, "cron_triggers", as_shown=as_cron_trigger)


@blueprint.post("")
@contract(
    "cron_triggers:create",
    answers=CronTriggerSchema,
    body=CronTriggerSchema,
    needs=("name",),
    uses=_WRITTEN,
    status=201,
    errors=(404, 409),
)
def create_cron_trigger(body: dict[str, Any]) -> dict[str, Any]:
    """Keep a new trigger; its times are in UTC unless it names a ``time_zone``."""
    values = _times(body, time.time_ns() // 1000)
    with store().transaction():
        values |= _what_to_start(body)
        _refuse_twin(values)
        created = store().create(CRON_TRIGGER, values, tenant=tenant())
    wake_scheduler()
    return show(CronTriggerSchema, as_cron_trigger(created), without=("updated_at",))


@blueprint.get("/<identifier>")
@contract("cron_triggers:get", answers=CronTriggerSchema, arguments=Projection)
def get_cron_trigger(identifier: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """One trigger, by name or id."""
    only = check_fields(arguments["fields_"], CronTriggerSchema)
    document = store().get(CRON_TRIGGER, identifier, tenant=tenant())
    return show(CronTriggerSchema, as_cron_trigger(document), only=only or None)


@blueprint.delete("/<identifier>")
@contract("cron_triggers:delete", status=204)
def delete_cron_trigger(identifier: str) -> None:
    """Remove a trigger. What it started goes on."""
    store().delete(CRON_TRIGGER, identifier, tenant=tenant())


def _refuse_twin(values: dict[str, Any]) -> None:
    """Raise ConflictError for a trigger that does just what another one of the project does at the same times."""
    telling = ("pattern", "remaining_executions", "first_execution_time")
    if any(values[name] is None for name in telling):
        return
    alike = {"pattern": values["pattern"], "workflow_name": values["workflow_name"], "project_id": project().project_id}
    filters = tuple(Filter(name, "eq", (value,)) for name, value in alike.items())
    compared = (*telling, "workflow_input", "workflow_params")
    for other in read_all(CRON_TRIGGER, filters, of=project()):
        if all(other[name] == values[name] for name in compared):
            raise ConflictError(
                f"Duplicate entry for CronTrigger: '{other['name']}' starts the same workflow with the same input, "
                "at the same times, as often; delete it first, or change one of them"
            )


def _what_to_start(body: dict[str, Any]) -> dict[str, Any]:
    params = body.get("workflow_params") or {}
    namespace = params.get("namespace", "")
    if not isinstance(namespace, str):
        raise InputError(f"workflow_params.namespace must be text, not {namespace!r}")
    identifier = body.get("workflow_id") or body.get("workflow_name")
    if not identifier:
        raise InputError("Workflow not found: give workflow_id or workflow_name")
    workflow = _workflow(identifier, namespace)
    check_place(params)
    values = body.get("workflow_input") or {}
    spec = lang.load_workflow(workflow["spec"])
    check_input(workflow["name"], spec.type, spec.input, values)
    return {
        "workflow_id": workflow["id"],
        "workflow_name": workflow["name"],
        "workflow_namespace": workflow["namespace"],
        "workflow_input": values,
        "workflow_params": params,
    }


def _workflow(identifier: str, namespace: str) -> dict[str, Any]:
    if namespace:
        try:
            return get(store(), WORKFLOW, identifier, namespace, project())
        except NotFoundError:
            pass
    return get(store(), WORKFLOW, identifier, "", project())


def _times(body: dict[str, Any], now: int) -> dict[str, Any]:
    if not body.get("name"):
        raise InputError("Name of the cron trigger is not provided.")
    pattern, zone = body.get("pattern") or None, body.get("time_zone") or None
    count = body.get("remaining_executions")
    first = _parse_time(body.get("first_execution_time"))
    if first is None and pattern is None:
        raise InputError("Pattern or first_execution_time must be specified.")
    if first is not None:
        if first < now + _EARLIEST_US:
            raise InputError("first_execution_time must be at least 1 minute in the future.")
        if pattern is None and count is not None and count > 1:
            raise InputError("Pattern must be provided if count is superior to 1.")
        count = 1 if pattern is None else count
    if pattern is not None:
        cron.validate(pattern, zone)
    elif zone is not None:
        cron.validate("* * * * *", zone)
    return {
        "name": body["name"],
        "scope": body.get("scope", "private"),
        "pattern": pattern,
        "time_zone": zone,
        "first_execution_time": first,
        "next_execution_time": first if first is not None else _next_time(str(pattern), now, zone),
        "remaining_executions": count,
    }


def _next_time(pattern: str, now: int, zone: str | None) -> int:
    due = cron.next_time(pattern, now, zone)
    if due is None:
        raise InputError(f"The specified pattern is not valid: {pattern}: it never comes true after now")
    return due


def _parse_time(text: str | None) -> int | None:
    if not text:
        return None
    for form in _TIME_FORMATS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()) * _MICROSECOND
        except ValueError:
            continue
    raise InputError(
        f"first_execution_time: time data '{text}' does not match format 'YYYY-MM-DD HH:MM' (UTC), "
        "such as '2030-01-31 12:00'"
    )
