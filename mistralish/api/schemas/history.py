"""What happened to an execution, as clients see it."""

from marshmallow import fields

from mistralish.api.schemas.base import ErrorText, PreciseTimeText, ResourceSchema, text


class HistoryEventSchema(ResourceSchema):
    """One change of a state: of the execution itself, of one of its tasks, or of an action."""

    seq = fields.Integer()
    time = PreciseTimeText()
    type = text()
    state = text()
    state_info = ErrorText(allow_none=True)
    name = text()
    task_id = text()
    action_id = text()
