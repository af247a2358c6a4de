"""Environments and cron triggers as clients see them."""

from collections.abc import Mapping
from typing import Any

from marshmallow import validate

from mistralish.api.schemas.base import JsonText, ResourceSchema, TimeText, WholeNumber, name_text, scope, text

# What the reference shows for a trigger that has a first execution time and no pattern.
NO_PATTERN = "0 0 30 2 0"


class EnvironmentSchema(ResourceSchema):
    """Variables under a name."""

    id = text()
    name = name_text()
    description = text()
    variables = JsonText(allow_none=True)
    scope = scope()
    project_id = text(dump_only=True)
    created_at = TimeText()
    updated_at = TimeText()


class CronTriggerSchema(ResourceSchema):
    """When to start a workflow. ``time_zone`` (an IANA name) is an extension: without it, times are in UTC."""

    id = text()
    name = name_text()
    workflow_name = name_text()
    workflow_id = text()
    workflow_input = JsonText(allow_none=True)
    workflow_params = JsonText(allow_none=True)
    project_id = text(dump_only=True)
    scope = scope()
    pattern = text(validate=validate.Length(max=100, error="It must have at most 100 characters"))
    remaining_executions = WholeNumber(
        allow_none=True, validate=validate.Range(min=1, error="Value should be greater or equal to 1")
    )
    first_execution_time = TimeText(allow_none=True)
    next_execution_time = TimeText(allow_none=True)
    time_zone = text()
    created_at = TimeText()
    updated_at = TimeText()


def as_cron_trigger(document: Mapping[str, Any]) -> dict[str, Any]:
    """A stored cron trigger as it is shown: the time zone only where there is one."""
    shown = {**document, "pattern": document.get("pattern") or NO_PATTERN}
    if shown.get("time_zone") is None:
        shown.pop("time_zone", None)
    return shown
