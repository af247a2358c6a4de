"""Event triggers, and events that come by HTTP, as clients see them."""

from marshmallow import fields, validate

from mistralish.api.schemas.base import JsonText, ResourceSchema, TimeText, name_text, scope, text


def _short_text(length: int, **kwargs: object) -> fields.String:
    too_long = validate.Length(max=length, error=f"It must have at most {length} characters")
    return text(validate=too_long, **kwargs)


class EventTriggerSchema(ResourceSchema):
    """Which event starts which workflow."""

    id = text(dump_only=True)
    created_at = TimeText(dump_only=True)
    updated_at = TimeText(dump_only=True)
    project_id = text(dump_only=True)
    name = _short_text(200)
    workflow_id = text()
    workflow_input = JsonText(allow_none=True)
    workflow_params = JsonText(allow_none=True)
    exchange = _short_text(80)
    topic = _short_text(80)
    event = _short_text(80)
    scope = scope()


class EventSchema(ResourceSchema):
    """Something that happened, told by HTTP. With a ``message_id``, it starts nothing twice."""

    exchange = _short_text(80)
    topic = _short_text(80)
    event = _short_text(80)
    payload = fields.Raw(allow_none=True)
    publisher = _short_text(255)
    timestamp = _short_text(255)
    message_id = _short_text(255)
    project_id = name_text()


class StartedSchema(ResourceSchema):
    """What a trigger made of an event: an execution, or an error."""

    event_trigger_id = fields.String()
    execution_id = fields.String()
    error = fields.String(allow_none=True)
