"""The raw SQL of the store: bulk writes of running work, made from the models' metadata.

Nothing here knows what the rows mean. A ``Writer`` belongs to a store; its statements are made once.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import peewee
from peewee import TextField

from mistralish import records
from mistralish.store import models
from mistralish.store.connection import SQLITE, Connection
from mistralish.store.fields import FlagField, JsonField, NameField
from mistralish.store.json_text import clean, dump, load

MODEL_OF: dict[type, type[peewee.Model]] = {
    records.WorkflowExecution: models.WorkflowExecution,
    records.TaskExecution: models.TaskExecution,
    records.ActionExecution: models.ActionExecution,
    records.Timer: models.Timer,
    records.Message: models.Message,
    records.HistoryEvent: models.History,
}

# What never changes after the insert is left out of updates: an index is rewritten for a column that is set,
# whether its value is new or not.
_CONSTANT = frozenset(
    (
        "id",
        "name",
        "workflow_name",
        "workflow_id",
        "workflow_namespace",
        "workflow_execution_id",
        "task_execution_id",
        "parent_execution_id",
        "root_execution_id",
        "spec_id",
        "project_id",
        "created_at",
        "unique_key",
    )
)

_CHUNK = 500

Getter = Callable[[Any], tuple[Any, ...]]


class Writer:
    """Writes rows in bulk. All methods run inside the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        mark = "?" if connection.dialect == SQLITE else "%s"
        self._mark = mark
        self._inserts = {record: _insert(model, mark) for record, model in MODEL_OF.items()}
        updated = (records.WorkflowExecution, records.TaskExecution, records.ActionExecution)
        self._updates = {record: _update(MODEL_OF[record], mark) for record in updated}

    def insert(self, record_type: type, rows: Sequence[Any]) -> None:
        """Insert records of one type."""
        statement, getter = self._inserts[record_type]
        self.execute_many(statement, map(getter, rows))

    def update(self, record_type: type, rows: Sequence[Any]) -> None:
        """Write what may have changed of records of one type."""
        statement, getter = self._updates[record_type]
        self.execute_many(statement, map(getter, rows))

    def insert_specs(self, specs: Iterable[tuple[str, Any]]) -> None:
        """Insert specifications that are not there yet."""
        mark = self._mark
        self.execute_many(
            f'INSERT INTO "specs" ("id", "data") VALUES ({mark}, {mark}) ON CONFLICT DO NOTHING',
            [(spec_id, dump(data)) for spec_id, data in specs],
        )

    def set_accepted(self, pairs: Sequence[tuple[str, bool]]) -> None:
        """Set ``accepted`` of workflow executions, given as (id, flag)."""
        mark = self._mark
        self.execute_many(
            f'UPDATE "workflow_executions" SET "accepted" = {mark} WHERE "id" = {mark}',
            [(flag, execution_id) for execution_id, flag in pairs],
        )

    def delete(self, model: type[peewee.Model], column: str, values: Sequence[str]) -> None:
        """Delete the rows whose ``column`` is one of ``values``."""
        table = model._meta.table_name
        self.execute_many(f'DELETE FROM "{table}" WHERE "{column}" = {self._mark}', [(value,) for value in values])

    def execute_many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run a statement once for each row. Raises peewee's errors."""
        with peewee.__exception_wrapper__:
            self._connection.database.cursor().executemany(statement, rows)


def reader(record_type: type, left_out: Iterable[str] = ()) -> tuple[str, Callable[[Sequence[Any]], Any]]:
    """Return the column list of a SELECT and the function that makes a record of its row.

    Columns ``left_out`` keep the record's own default.
    """
    fields = MODEL_OF[record_type]._meta.fields
    skipped = frozenset(left_out)
    names = [name for name in record_type.__dataclass_fields__ if name not in skipped]  # type: ignore[attr-defined]
    decoders = [(at, _decoder(fields[name])) for at, name in enumerate(names) if _decoder(fields[name])]

    def make(row: Sequence[Any]) -> Any:
        values = list(row)
        for at, decode in decoders:
            values[at] = decode(values[at])
        return record_type(**dict(zip(names, values, strict=True))) if skipped else record_type(*values)

    return ", ".join(f'"{name}"' for name in names), make


def chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    """Cut a long list of ids into pieces that fit into one statement."""
    return (values[at : at + _CHUNK] for at in range(0, len(values), _CHUNK))


def _decoder(field: peewee.Field) -> Any:
    if isinstance(field, JsonField):
        return load
    if isinstance(field, FlagField):
        return lambda value: None if value is None else bool(value)
    return None


def _insert(model: type[peewee.Model], mark: str) -> tuple[str, Getter]:
    columns, getter = _getter(model, list(model._meta.fields))
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join([mark] * len(columns))
    return f'INSERT INTO "{model._meta.table_name}" ({names}) VALUES ({marks})', getter


def _update(model: type[peewee.Model], mark: str) -> tuple[str, Getter]:
    columns, getter = _getter(model, [name for name in model._meta.fields if name not in _CONSTANT])
    sets = ", ".join(f'"{name}" = {mark}' for name in columns)
    identity = attrgetter("id")
    statement = f'UPDATE "{model._meta.table_name}" SET {sets} WHERE "id" = {mark}'
    return statement, lambda record: (*getter(record), identity(record))


def _getter(model: type[peewee.Model], names: Sequence[str]) -> tuple[list[str], Getter]:
    """Return columns in the order in which the getter gives a record's values, ready for the driver."""
    fields = model._meta.fields
    jsons = [name for name in names if isinstance(fields[name], JsonField)]
    texts = [name for name in names if type(fields[name]) is TextField]
    plain = [name for name in names if name not in jsons and name not in texts]
    get_plain, get_jsons, get_texts = _values(plain), _values(jsons), _values(texts)

    if not texts:
        return plain + jsons, lambda record: (*get_plain(record), *map(dump, get_jsons(record)))
    return (
        plain + jsons + texts,
        lambda record: (*get_plain(record), *map(dump, get_jsons(record)), *map(clean, get_texts(record))),
    )


def _values(names: Sequence[str]) -> Getter:
    if len(names) == 1:
        get = attrgetter(names[0])
        return lambda record: (get(record),)
    return attrgetter(*names) if names else lambda record: ()


__all__ = ["MODEL_OF", "NameField", "Writer", "chunks", "reader"]
