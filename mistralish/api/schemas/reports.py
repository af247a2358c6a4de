"""What a report says of each execution, task execution and action execution in it."""

from marshmallow import Schema, fields

from mistralish.api.schemas.base import ErrorText, PreciseTimeText, ResourceSchema, TimeText, text


class StateChangeSchema(ResourceSchema):
    """A state, and when it began."""

    state = text()
    time = PreciseTimeText()


class EntrySchema(ResourceSchema):
    """An execution or a task execution in a report. ``state_changes`` are its states so far, from its history."""

    id = text()
    name = text()
    created_at = TimeText()
    updated_at = TimeText()
    state = text()
    state_info = ErrorText(allow_none=True)
    state_changes = fields.List(fields.Nested(StateChangeSchema))


class ActionEntrySchema(EntrySchema):
    """An action execution in a report."""

    accepted = fields.Boolean()
    last_heartbeat = TimeText()


class TaskEntrySchema(EntrySchema):
    """A task execution in a report, with what it ran."""

    retry_count = fields.Integer()
    action_executions = fields.List(fields.Nested(ActionEntrySchema))
    workflow_executions = fields.List(fields.Nested(lambda: ExecutionEntrySchema()))


class ExecutionEntrySchema(EntrySchema):
    """An execution in a report, with its tasks unless the report ends above them."""

    task_executions = fields.List(fields.Nested(TaskEntrySchema))


class StatisticsSchema(Schema):
    """How many tasks are in which state; ``estimated_time``: seconds left, -1 where nothing tells."""

    total_tasks_count = fields.Integer()
    running_tasks_count = fields.Integer()
    success_tasks_count = fields.Integer()
    error_tasks_count = fields.Integer()
    idle_tasks_count = fields.Integer()
    paused_tasks_count = fields.Integer()
    estimated_time = fields.Integer()


class ReportSchema(Schema):
    """A report on an execution."""

    root_workflow_execution = fields.Nested(ExecutionEntrySchema)
    statistics = fields.Nested(StatisticsSchema)
