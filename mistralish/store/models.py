"""The tables. Models are not bound to a database: a process may have several stores open (tests do).

The columns of the three kinds of executions are the fields of ``mistralish.records``.
"""

from peewee import SQL, BigIntegerField, CompositeKey, Model, TextField

from mistralish.store.fields import (
    DataKeyField,
    DataSlotField,
    FlagField,
    JsonField,
    NameField,
    TagsField,
    TagsKeyField,
    TimeField,
)
from mistralish.store.lasting import LastedField


class Row(Model):
    """What most tables have: an id, an owner and the two times."""

    id = NameField(primary_key=True)
    project_id = NameField(default="")
    created_at = TimeField()
    updated_at = TimeField(null=True)

    class Meta:
        legacy_table_names = False


class Definition(Row):
    """What somebody wrote in the language."""

    name = NameField()
    namespace = NameField(default="")
    definition = TextField(default="")
    spec = JsonField(null=True)
    tags = TagsField(null=True)
    scope = NameField(default="private")
    is_system = FlagField(default=False)
    checksum = NameField(null=True)
    description = TextField(null=True)


class WorkflowDefinition(Definition):
    """A workflow. ``input`` is its parameters as text, ``workbook_name`` the workbook it came with."""

    input = TextField(null=True)
    workbook_name = NameField(null=True)

    class Meta:
        table_name = "workflow_definitions"
        constraints = (SQL("UNIQUE (name, namespace, project_id)"),)


class Workbook(Definition):
    """A workbook."""

    class Meta:
        table_name = "workbooks"
        constraints = (SQL("UNIQUE (name, namespace, project_id)"),)


class ActionDefinition(Definition):
    """An action: ad-hoc, or one of the system's."""

    input = TextField(null=True)
    workbook_name = NameField(null=True)

    class Meta:
        table_name = "action_definitions"
        constraints = (SQL("UNIQUE (name, namespace, project_id)"),)


class Environment(Row):
    """A set of variables."""

    name = NameField()
    description = TextField(null=True)
    variables = JsonField(null=True)
    scope = NameField(default="private")

    class Meta:
        table_name = "environments"
        constraints = (SQL("UNIQUE (name, project_id)"),)


class CronTrigger(Row):
    """A trigger. ``remaining_executions`` None: without end. ``next_execution_time`` is never None while it lives."""

    name = NameField()
    pattern = TextField(null=True)
    time_zone = TextField(null=True)
    workflow_id = NameField(null=True)
    workflow_name = NameField()
    workflow_namespace = NameField(default="")
    workflow_input = JsonField(null=True)
    workflow_params = JsonField(null=True)
    first_execution_time = TimeField(null=True)
    next_execution_time = TimeField(null=True)
    remaining_executions = BigIntegerField(null=True)
    scope = NameField(default="private")

    class Meta:
        table_name = "cron_triggers"
        constraints = (SQL("UNIQUE (name, project_id)"),)


class EventTrigger(Row):
    """What starts a workflow when an event comes. ``workflow_namespace`` is the workflow's."""

    name = NameField(default="")
    workflow_id = NameField()
    workflow_namespace = NameField(default="")
    workflow_input = JsonField(null=True)
    workflow_params = JsonField(null=True)
    exchange = NameField()
    topic = NameField()
    event = NameField()
    scope = NameField(default="private")

    class Meta:
        table_name = "event_triggers"
        constraints = (SQL("UNIQUE (exchange, topic, event, workflow_id, project_id)"),)


class ResourceMember(Row):
    """With which project (``member_id``) a resource is shared, and whether that project wants it (``status``)."""

    resource_id = NameField()
    resource_type = NameField()
    member_id = NameField()
    status = NameField()

    class Meta:
        table_name = "resource_members"
        constraints = (SQL("UNIQUE (resource_id, resource_type, member_id)"),)


class CodeSource(Row):
    """A Python module that dynamic actions are taken from; ``version`` grows with every change of it."""

    name = NameField()
    namespace = NameField(default="")
    content = TextField()
    version = BigIntegerField(default=1)
    tags = TagsField(null=True)
    scope = NameField(default="private")

    class Meta:
        table_name = "code_sources"
        constraints = (SQL("UNIQUE (name, namespace, project_id)"),)


class DynamicAction(Row):
    """An action that is a class in a code source."""

    name = NameField()
    namespace = NameField(default="")
    class_name = NameField()
    code_source_id = NameField()
    code_source_name = NameField()
    scope = NameField(default="private")

    class Meta:
        table_name = "dynamic_action_definitions"
        constraints = (SQL("UNIQUE (name, namespace, project_id)"),)


class Spec(Model):
    """A specification that executions run, kept once however many run it. ``id`` is ``json_text.spec_id(data)``."""

    id = NameField(primary_key=True)
    data = JsonField()

    class Meta:
        table_name = "specs"


class WorkflowExecution(Row):
    """See ``records.WorkflowExecution``."""

    name = NameField()
    workflow_name = NameField()
    workflow_id = NameField()
    spec_id = NameField()
    workflow_namespace = NameField()
    description = TextField()
    tags = TagsField(null=True)
    state = NameField()
    state_info = TextField(null=True)
    input = JsonField(null=True)
    output = JsonField(null=True)
    params = JsonField(null=True)
    context = JsonField(null=True)
    runtime_context = JsonField(null=True)
    accepted = FlagField()
    task_execution_id = NameField(null=True)
    parent_execution_id = NameField(null=True)
    root_execution_id = NameField(null=True)
    input_key = DataKeyField("input")
    output_key = DataKeyField("output")
    params_key = DataKeyField("params", {"env": {}, "namespace": ""})
    tags_key = TagsKeyField("tags")
    lasted = LastedField("updated_at")

    class Meta:
        table_name = "workflow_executions"


class TaskExecution(Row):
    """See ``records.TaskExecution``."""

    name = NameField()
    workflow_execution_id = NameField()
    workflow_name = NameField()
    workflow_id = NameField()
    workflow_namespace = NameField()
    type = NameField()
    tags = TagsField(null=True)
    state = NameField()
    state_info = TextField(null=True)
    unique_key = NameField(null=True)
    processed = FlagField()
    has_next_tasks = FlagField()
    next_tasks = JsonField(null=True)
    error_handled = FlagField()
    published = JsonField(null=True)
    runtime_context = JsonField(null=True)
    completed_seq = BigIntegerField()
    started_at = TimeField(null=True)
    finished_at = TimeField(null=True)
    published_key = DataKeyField("published")
    tags_key = TagsKeyField("tags")
    lasted = LastedField("updated_at", "started_at", "finished_at")

    class Meta:
        table_name = "task_executions"


class ActionExecution(Row):
    """See ``records.ActionExecution``."""

    name = NameField()
    task_execution_id = NameField(null=True)
    workflow_execution_id = NameField(null=True)
    workflow_name = NameField(null=True)
    workflow_id = NameField(null=True)
    workflow_namespace = NameField()
    description = TextField()
    tags = TagsField(null=True)
    state = NameField()
    state_info = TextField(null=True)
    input = JsonField(null=True)
    output = JsonField(null=True)
    accepted = FlagField()
    is_sync = FlagField(null=True)
    runtime_context = JsonField(null=True)
    last_heartbeat = TimeField(null=True)
    input_key = DataKeyField("input")
    output_key = DataKeyField("output", {"result": None})
    tags_key = TagsKeyField("tags")
    lasted = LastedField("updated_at")
    input_slot = DataSlotField("input")
    output_slot = DataSlotField("output", {"result": None})

    class Meta:
        table_name = "action_executions"


class Timer(Model):
    """See ``records.Timer``."""

    id = NameField(primary_key=True)
    due_at = TimeField()
    execution_id = NameField()
    command = JsonField()

    class Meta:
        table_name = "timers"


class Message(Model):
    """See ``records.Message``."""

    id = NameField(primary_key=True)
    execution_id = NameField()
    command = JsonField()
    created_at = TimeField()

    class Meta:
        table_name = "messages"


class QueuedCall(Model):
    """See ``records.QueuedCall``."""

    id = NameField(primary_key=True)
    target = NameField()
    execution_id = NameField(null=True)
    call = JsonField()
    created_at = TimeField()

    class Meta:
        table_name = "queued_calls"


class History(Model):
    """See ``records.HistoryEvent``. On SQLite the rows lie in the order of their key: one tree to write, not two."""

    execution_id = NameField()
    seq = BigIntegerField()
    time = TimeField()
    type = NameField()
    payload = JsonField()

    class Meta:
        table_name = "history"
        primary_key = CompositeKey("execution_id", "seq")


class Root(Model):
    """The lock of a tree of executions, and how often the tree was written. Not used on SQLite."""

    id = NameField(primary_key=True)
    version = BigIntegerField(default=0)

    class Meta:
        table_name = "roots"


class Counter(Model):
    """Numbers about the whole database: ``schema_version``, ``catalog_revision``, ``maintenance``."""

    name = NameField(primary_key=True)
    value = BigIntegerField()

    class Meta:
        table_name = "counters"


TABLES: tuple[type[Model], ...] = (
    WorkflowDefinition,
    Workbook,
    ActionDefinition,
    Environment,
    CronTrigger,
    EventTrigger,
    ResourceMember,
    CodeSource,
    DynamicAction,
    Spec,
    WorkflowExecution,
    TaskExecution,
    ActionExecution,
    Timer,
    Message,
    QueuedCall,
    History,
    Root,
    Counter,
)
