"""What a report says of each execution, task execution and action execution in it."""

from marshmallow import fields

from mistralish.api.schemas.base import ResourceSchema, TimeText, text


class EntrySchema(ResourceSchema):
    """An execution or a task execution in a report."""

    id = text()
    name = text()
    created_at = TimeText()
    updated_at = TimeText()
    state = text()
    state_info = text()


class ActionEntrySchema(EntrySchema):
    """An action execution in a report."""

    accepted = fields.Boolean()
    last_heartbeat = TimeText()
