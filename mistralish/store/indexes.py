"""The indexes, and what queries must know of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import peewee
from peewee import SQL, Expression, Model

from mistralish.states import COMPLETED
from mistralish.store.fields import DataKeyField, DataSlotField, FlagField, TagsField
from mistralish.store.models import (
    ActionDefinition,
    ActionExecution,
    CodeSource,
    CronTrigger,
    DynamicAction,
    Environment,
    EventTrigger,
    Message,
    QueuedCall,
    ResourceMember,
    TaskExecution,
    Timer,
    Workbook,
    WorkflowDefinition,
    WorkflowExecution,
)


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """An index: NULLs come first in it, in every database. ``where`` makes it partial.

    ``label`` is for those whose columns would make a longer name than PostgreSQL takes (63 characters).
    """

    model: type[Model]
    columns: tuple[str, ...]
    where: Callable[[type[Model]], peewee.ColumnBase] | None = None
    label: str = ""

    @property
    def name(self) -> str:
        """The index's name in the database."""
        if self.label:
            return f"ix_{self.model._meta.table_name}_{self.label}"
        suffix = "_partial" if self.where else ""
        return f"ix_{self.model._meta.table_name}_{'_'.join(self.columns)}{suffix}"


def _paged(model: type[Model], *columns: str) -> tuple[IndexSpec, ...]:
    # Every list is ordered by (sort keys, created_at, id), so this index serves both the filter on a column
    # in the usual order and the sort by that column.
    return tuple(IndexSpec(model, (column, "created_at", "id")) for column in columns)


def _owned(model: type[Model], *columns: str) -> tuple[IndexSpec, ...]:
    # The same within a project: for columns with so few values that without the project in front, a small
    # project's list would read the rows of all others.
    return tuple(IndexSpec(model, ("project_id", column, "created_at", "id")) for column in columns)


def unfinished(model: type[Model]) -> Expression:
    """Return the condition that an execution is not completed: the one of the partial indexes, word for word."""
    # Written out: a planner takes a partial index only where it can see, without knowing any values, that the
    # index's condition holds.
    listed = SQL(f"({', '.join(repr(state) for state in sorted(COMPLETED))})")
    return Expression(model._meta.fields["state"], "NOT IN", listed)


def _keys(model: type[Model]) -> dict[str, Any]:
    """Keys, but in place of those that have slots only these."""
    fields = [field for field in model._meta.sorted_fields if isinstance(field, DataKeyField)]
    by_slot = {field.of for field in fields if isinstance(field, DataSlotField)}
    return {field.name: None for field in fields if field.of not in by_slot or isinstance(field, DataSlotField)}


SPARSE: dict[type[Model], dict[str, Any]] = {
    WorkflowExecution: {
        "workflow_namespace": "",
        "description": "",
        "state_info": None,
        "tags": None,
        "accepted": True,
        "task_execution_id": None,
        "parent_execution_id": None,
        "root_execution_id": None,
        "lasted": None,
        **_keys(WorkflowExecution),
    },
    TaskExecution: {
        "workflow_namespace": "",
        "type": "ACTION",
        "state_info": None,
        "tags": None,
        "processed": True,
        "has_next_tasks": True,
        "error_handled": False,
        "lasted": None,
        **_keys(TaskExecution),
    },
    ActionExecution: {
        "workflow_namespace": "",
        "description": "",
        "state_info": None,
        "tags": None,
        "accepted": True,
        "is_sync": True,
        "last_heartbeat": None,
        "lasted": None,
        **_keys(ActionExecution),
    },
}
"""Columns in which most rows have the same value: this one, the lowest unless it is a flag; or, of tags, none.

Their indexes have the other rows only, so they cost next to nothing to keep; the usual rows are found without one.
"""

# Indexed on SQLite only: PostgreSQL refuses a row whose indexed text is longer than about 2,700 bytes.
LONG_TEXTS = frozenset(("description", "state_info"))


def unusual(model: type[Model], column: str) -> peewee.ColumnBase:
    """Return the condition that a row has another value than the usual one: that of the index, word for word."""
    found, usual = model._meta.fields[column], SPARSE[model][column]
    if isinstance(found, TagsField):
        return Expression(found, "<>", SQL("'[]'"))
    if isinstance(usual, bool):
        return is_flag(found, not usual)
    return found.is_null(False) if usual is None else Expression(found, "<>", SQL(f"'{usual}'"))


def is_flag(column: peewee.Field, value: bool) -> peewee.ColumnBase:
    """Return the condition that a flag has ``value``, as indexes on flags have it."""
    return Expression(column, "IS", SQL("TRUE" if value else "FALSE"))


def _given(model: type[Model], column: str) -> IndexSpec:
    # What few executions have, because they are sub-workflows.
    return IndexSpec(model, (column, "created_at", "id"), lambda rows: rows._meta.fields[column].is_null(False))


def _sparse(model: type[Model], column: str) -> IndexSpec:
    field = model._meta.fields[column]
    flag_or_tags = isinstance(field, FlagField | TagsField)
    columns: tuple[str, ...] = ("project_id", *(() if flag_or_tags else (column,)), "created_at", "id")
    if isinstance(field, DataSlotField):
        # So that keys of the same slot are passed over without a look at their rows.
        columns += (f"{field.of}_key",)
    return IndexSpec(model, columns, lambda rows: unusual(rows, column), f"{column}_sparse")


def _of_project(model: type[Model], *columns: str) -> tuple[IndexSpec, ...]:
    return tuple(
        IndexSpec(model, ("project_id", column, "created_at", "id"), label=f"{column}_of_project") for column in columns
    )


INDEXES: tuple[IndexSpec, ...] = (
    *(IndexSpec(model, ("created_at", "id")) for model in (WorkflowExecution, TaskExecution, ActionExecution)),
    *_paged(WorkflowExecution, "project_id", "state", "workflow_id"),
    *(_given(WorkflowExecution, column) for column in ("task_execution_id", "root_execution_id")),
    *_owned(WorkflowExecution, "state", "workflow_name", "updated_at"),
    *_paged(TaskExecution, "project_id", "workflow_execution_id"),
    *_owned(TaskExecution, "state", "name", "workflow_name", "updated_at"),
    *_paged(ActionExecution, "project_id", "task_execution_id"),
    *_owned(ActionExecution, "state", "workflow_name", "updated_at"),
    *_of_project(WorkflowExecution, "name", "workflow_id"),
    *_of_project(TaskExecution, "workflow_id", "started_at", "finished_at"),
    *_of_project(ActionExecution, "name", "workflow_execution_id", "workflow_id"),
    *(_sparse(model, column) for model, columns in SPARSE.items() for column in columns),
    IndexSpec(WorkflowExecution, ("id",), unfinished),
    IndexSpec(ActionExecution, ("id",), unfinished),
    *(
        IndexSpec(model, ("created_at", "id"))
        for model in (
            *(WorkflowDefinition, Workbook, ActionDefinition, Environment),
            *(CronTrigger, EventTrigger, CodeSource, DynamicAction),
        )
    ),
    IndexSpec(CronTrigger, ("next_execution_time", "id")),
    IndexSpec(CronTrigger, ("workflow_id",)),
    IndexSpec(EventTrigger, ("workflow_id",)),
    IndexSpec(ResourceMember, ("member_id", "resource_type")),
    IndexSpec(DynamicAction, ("code_source_id",)),
    IndexSpec(Timer, ("due_at", "id")),
    IndexSpec(Timer, ("execution_id",)),
    IndexSpec(Message, ("execution_id",)),
    IndexSpec(QueuedCall, ("target", "id")),
    IndexSpec(QueuedCall, ("execution_id",)),
)
