"""Executions, task executions and action executions as clients see them."""

from marshmallow import fields, validate

from mistralish.api.schemas.base import ErrorText, JsonText, ResourceSchema, TimeText, name_text, tags, text


class ExecutionSchema(ResourceSchema):
    """One run of a workflow."""

    deferred = frozenset(("output", "published_global"))
    derived = frozenset(("published_global", "source_execution_id"))

    id = text(validate=validate.Length(max=255, error="It must have at most 255 characters"))
    workflow_id = text()
    workflow_name = name_text()
    workflow_namespace = name_text()
    description = text()
    tags = tags()
    params = JsonText(allow_none=True)
    task_execution_id = text()
    root_execution_id = text()
    source_execution_id = text(load_only=True)
    state = text()
    state_info = ErrorText(allow_none=True)
    input = JsonText(allow_none=True)
    output = JsonText(allow_none=True)
    created_at = TimeText(allow_none=True)
    updated_at = TimeText(allow_none=True)
    project_id = text(dump_only=True)
    published_global = JsonText(allow_none=True)


class TaskSchema(ResourceSchema):
    """One run of a task. ``reset`` and ``env`` are sent to run it again; they are not kept."""

    deferred = frozenset(("result", "published_global"))
    derived = frozenset(("result", "published_global", "reset", "env"))

    id = text()
    name = name_text()
    type = text()
    workflow_name = name_text()
    workflow_namespace = name_text()
    workflow_id = text()
    workflow_execution_id = text()
    tags = tags()
    state = text()
    state_info = ErrorText(allow_none=True)
    project_id = text(dump_only=True)
    runtime_context = JsonText(allow_none=True)
    result = text()
    published = JsonText(allow_none=True)
    published_global = JsonText(allow_none=True)
    processed = fields.Boolean(allow_none=True)
    created_at = TimeText(allow_none=True)
    updated_at = TimeText(allow_none=True)
    started_at = TimeText(allow_none=True)
    finished_at = TimeText(allow_none=True)
    reset = fields.Boolean(allow_none=True, load_only=True)
    env = JsonText(allow_none=True, load_only=True)


class ActionExecutionSchema(ResourceSchema):
    """One run of an action. ``params`` are sent to run one outside any workflow; they are not kept."""

    deferred = frozenset(("output", "task_name"))
    derived = frozenset(("params",))

    id = text()
    workflow_name = name_text()
    workflow_namespace = name_text()
    task_name = name_text()
    task_execution_id = text()
    state = text()
    state_info = ErrorText(allow_none=True)
    tags = tags()
    name = name_text()
    description = text()
    project_id = text(dump_only=True)
    accepted = fields.Boolean(allow_none=True)
    input = JsonText(allow_none=True)
    output = JsonText(allow_none=True)
    created_at = TimeText(allow_none=True)
    updated_at = TimeText(allow_none=True)
    params = JsonText(allow_none=True, load_only=True)
