"""The kinds of documents: which table each lies in, what it may be asked for, and how it is spoken of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import peewee

from mistralish.errors import InputError
from mistralish.store import models
from mistralish.store.fields import DataKeyField, DataSlotField
from mistralish.store.lasting import LastedField


@dataclass(frozen=True)
class Kind:
    """One kind of document.

    ``not_found`` and ``duplicate`` are the reference's words. ``computed`` maps attributes that clients see but no
    column holds to the columns they are computed from. ``heavy`` columns are in a list only when asked for.
    ``shared_as`` is the type under which resource members name documents of a kind that can be shared. ``notes`` are
    the engine's own: clients may see them, but not filter or sort by them.
    """

    name: str
    model: type[peewee.Model]
    not_found: str
    duplicate: str = ""
    writable: bool = False
    by_name: bool = False
    scoped: bool = False
    default_sort: str = "created_at"
    falls_back: bool = False
    computed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    heavy: frozenset[str] = frozenset()
    notes: frozenset[str] = frozenset()
    shared_as: str = ""

    @cached_property
    def columns(self) -> dict[str, peewee.Field]:
        """The columns by name that a document has, in the order of the table."""
        fields = self.model._meta.sorted_fields
        return {column.name: column for column in fields if not isinstance(column, DataKeyField | LastedField)}

    @cached_property
    def keys(self) -> dict[str, DataKeyField]:
        """The columns that stand for data in indexes, by the columns that they stand for."""
        fields = self.model._meta.sorted_fields
        return {
            each.of: each for each in fields if isinstance(each, DataKeyField) and not isinstance(each, DataSlotField)
        }

    @cached_property
    def slots(self) -> dict[str, DataSlotField]:
        """The columns by which indexes find those keys that have no index of their own, by what these stand for."""
        return {each.of: each for each in self.model._meta.sorted_fields if isinstance(each, DataSlotField)}

    @cached_property
    def lasted(self) -> LastedField | None:
        """The column that tells how long rows went on changing, where there is one."""
        return next((each for each in self.model._meta.sorted_fields if isinstance(each, LastedField)), None)

    @cached_property
    def ordering(self) -> dict[str, peewee.Field]:
        """The columns by which rows are in order, by name: those of a document, and the keys of its data."""
        return self.columns | {column.name: column for column in (*self.keys.values(), *self.slots.values())}

    @cached_property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that a client may filter and sort by."""
        return tuple(name for name in self.shown if name not in self.notes)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """The columns that a client may see."""
        return tuple(name for name in self.columns if name not in self.hidden)

    @cached_property
    def namespaced(self) -> bool:
        """Whether a name is unique within a namespace only."""
        return "namespace" in self.columns


_NAMED = "['name', 'namespace', 'project_id']: {name}, {namespace}, {project_id}"

_DEFINITION_HIDDEN = frozenset(("spec",))

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "workflow",
            models.WorkflowDefinition,
            "Workflow not found [workflow_identifier={identifier}, namespace={namespace}]",
            "Duplicate entry for WorkflowDefinition " + _NAMED,
            writable=True,
            by_name=True,
            scoped=True,
            computed={"interface": ("spec",)},
            hidden=_DEFINITION_HIDDEN,
            shared_as="workflow",
        ),
        Kind(
            "workbook",
            models.Workbook,
            "Workbook not found [workbook_name={identifier}, namespace={namespace}]",
            "Duplicate entry for WorkbookDefinition " + _NAMED,
            writable=True,
            by_name=True,
            scoped=True,
            hidden=_DEFINITION_HIDDEN,
        ),
        Kind(
            "action",
            models.ActionDefinition,
            "Action not found [name={identifier}, namespace={namespace}]",
            "Duplicate entry for Action " + _NAMED,
            writable=True,
            by_name=True,
            scoped=True,
            default_sort="name",
            falls_back=True,
            hidden=_DEFINITION_HIDDEN,
        ),
        Kind(
            "environment",
            models.Environment,
            "Environment not found [name={identifier}]",
            "Duplicate entry for Environment ['name', 'project_id']: {name}, {project_id}",
            writable=True,
            by_name=True,
            scoped=True,
        ),
        Kind(
            "cron_trigger",
            models.CronTrigger,
            "Cron trigger not found [identifier={identifier}]",
            "Duplicate entry for cron trigger ['name', 'project_id']: {name}, {project_id}",
            writable=True,
            by_name=True,
            scoped=True,
        ),
        Kind(
            "event_trigger",
            models.EventTrigger,
            "Event trigger not found [id={identifier}].",
            "Duplicate entry for EventTrigger ['exchange', 'topic', 'event', 'workflow_id', 'project_id']: "
            "{exchange}, {topic}, {event}, {workflow_id}, {project_id}",
            writable=True,
            scoped=True,
            hidden=frozenset(("workflow_namespace",)),
        ),
        Kind(
            "code_source",
            models.CodeSource,
            "Code Source not found [name={identifier},namespace={namespace}]",
            "Duplicate entry for CodeSource " + _NAMED,
            writable=True,
            by_name=True,
            scoped=True,
        ),
        Kind(
            "dynamic_action",
            models.DynamicAction,
            "Dynamic Action not found [name={identifier},namespace={namespace}]",
            "Duplicate entry for dynamic action definition "
            "[name={name}, namespace={namespace}, project_id={project_id}]",
            writable=True,
            by_name=True,
            scoped=True,
        ),
        Kind(
            "execution",
            models.WorkflowExecution,
            "WorkflowExecution not found [id={identifier}]",
            computed={"published_global": ("context",), "source_execution_id": ("params",)},
            hidden=frozenset(("context", "runtime_context", "spec_id")),
            heavy=frozenset(("output", "context", "runtime_context")),
        ),
        Kind(
            "task",
            models.TaskExecution,
            "Task execution not found [id={identifier}]",
            computed={"result": ("state", "runtime_context"), "published_global": ("runtime_context",)},
            hidden=frozenset(("completed_seq", "unique_key")),
            notes=frozenset(("next_tasks", "runtime_context")),
        ),
        Kind(
            "action_execution",
            models.ActionExecution,
            "ActionExecution not found [id={identifier}]",
            computed={"task_name": ("task_execution_id",), "params": ("input",)},
            hidden=frozenset(("runtime_context",)),
            heavy=frozenset(("output", "runtime_context")),
        ),
    )
}


def kind_of(name: str) -> Kind:
    """Return the kind called ``name``; raise InputError where there is none."""
    try:
        return KINDS[name]
    except KeyError:
        raise InputError(f"Unknown kind '{name}': choose from {', '.join(KINDS)}") from None
