"""Running work in bulk: the only raw SQL of the store, made from the models' metadata, once for each store.

Nothing here knows what the rows mean, and everything runs inside the caller's transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import peewee
from peewee import BigIntegerField, BooleanField, TextField

from mistralish import records
from mistralish.store import models
from mistralish.store.connection import POSTGRESQL, SQLITE, Connection
from mistralish.store.fields import DataKeyField, FlagField, JsonField
from mistralish.store.json_text import clean, dump, load
from mistralish.store.lasting import LastedField

MODEL_OF: dict[type, type[peewee.Model]] = {
    records.WorkflowExecution: models.WorkflowExecution,
    records.TaskExecution: models.TaskExecution,
    records.ActionExecution: models.ActionExecution,
    records.Timer: models.Timer,
    records.Message: models.Message,
    records.QueuedCall: models.QueuedCall,
    records.HistoryEvent: models.History,
}

_UPDATED = (records.WorkflowExecution, records.TaskExecution, records.ActionExecution)

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
        "input",
        "input_key",
        "input_slot",
        "tags",
        "tags_key",
        "project_id",
        "created_at",
        "unique_key",
        "last_heartbeat",  # changes outside of turns: what a run in memory knows of it is old
    )
)

# Ids in one statement: far below every database's limit of parameters.
_CHUNK = 500

# Parameters of one INSERT on SQLite: what every version of it since 3.32 allows.
_PARAMETERS = 32_766
# How many rows one INSERT takes on SQLite. Each statement lets other threads have the interpreter, and the turn waits
# to get it back: fewer statements, fewer waits.
_ROWS_AT_ONCE = (256, 64, 16, 4, 2)

# From so many rows on, PostgreSQL's COPY beats one INSERT a row (measured: 2.4 times at 200 rows).
_COPY_FROM = 4

Getter = Callable[[Any], tuple[Any, ...]]


class RowReader:
    """Makes records of one type from rows.

    ``columns`` are to be selected, in this order. Columns ``left_out`` keep the record's own default.
    """

    def __init__(self, record_type: type, left_out: Iterable[str] = ()) -> None:
        fields = MODEL_OF[record_type]._meta.fields
        skipped = frozenset(left_out)
        known: Iterable[str] = record_type.__dataclass_fields__  # type: ignore[attr-defined]
        self.names = [name for name in known if name not in skipped]
        self.columns = [fields[name] for name in self.names]
        self.table = MODEL_OF[record_type]._meta.table_name
        self._record_type = record_type
        self._positional = not skipped
        decoders = ((at, _decoder(field)) for at, field in enumerate(self.columns))
        self._decoders = [(at, decode) for at, decode in decoders if decode is not None]

    def make_all(self, rows: Iterable[Sequence[Any]]) -> list[Any]:
        """Return the records that the rows stand for."""
        return [self._make(row) for row in rows]

    def _make(self, row: Sequence[Any]) -> Any:
        values = list(row)
        for at, decode in self._decoders:
            values[at] = decode(values[at])
        if self._positional:
            return self._record_type(*values)
        return self._record_type(**dict(zip(self.names, values, strict=True)))


def load_by(
    connection: Connection, form: RowReader, column: str, values: Sequence[str], order: str = "created_at"
) -> list[Any]:
    """Return the records whose ``column`` is one of ``values``, ordered by ``order``, then id."""
    mark = connection.database.param
    names = ", ".join(f'"{name}"' for name in form.names)
    rows: list[Any] = []
    for part in chunks(values):
        marks = ", ".join([mark] * len(part))
        sql = f'SELECT {names} FROM "{form.table}" WHERE "{column}" IN ({marks}) ORDER BY "{order}", "id"'
        rows += connection.database.execute_sql(sql, tuple(part)).fetchall()
    return form.make_all(rows)


class Writer:
    """Writes rows in bulk. All methods run inside the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        mark = "?" if connection.dialect == SQLITE else "%s"
        self._mark = mark
        self._inserts = {record: _insert(model, mark) for record, model in MODEL_OF.items()}
        self._updates: dict[type, tuple[str, Getter]] = {record: _update(MODEL_OF[record], mark) for record in _UPDATED}
        self._copies = {record: _copy(model) for record, model in MODEL_OF.items()}
        self._many = {record: _insert_many(self._inserts[record][0]) for record in MODEL_OF}

    def insert(self, record_type: type, rows: Sequence[Any]) -> None:
        """Insert records of one type."""
        statement, getter = self._inserts[record_type]
        if self._connection.dialect == POSTGRESQL and len(rows) >= _COPY_FROM:
            self._copy(record_type, map(getter, rows))
        elif self._connection.dialect == SQLITE:
            self._execute_many(statement, self._insert_together(record_type, [getter(row) for row in rows]))
        else:
            self._execute_many(statement, map(getter, rows))

    def _insert_together(self, record_type: type, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Insert rows by statements that take several; return the few that are left."""
        cursor, done = self._connection.database.cursor(), 0
        for count, statement in self._many[record_type]:
            while len(rows) - done >= count:
                cursor.execute(statement, list(chain.from_iterable(rows[done : done + count])))
                done += count
        return rows[done:]

    def update(self, record_type: type, rows: Sequence[Any]) -> None:
        """Write what may have changed of records of one type."""
        statement, getter = self._updates[record_type]
        self._execute_many(statement, map(getter, rows))

    def insert_specs(self, specs: Iterable[tuple[str, Any]]) -> None:
        """Insert specifications that are not there yet."""
        mark = self._mark
        self._execute_many(
            f'INSERT INTO "specs" ("id", "data") VALUES ({mark}, {mark}) ON CONFLICT DO NOTHING',
            [(spec_id, dump(data)) for spec_id, data in specs],
        )

    def insert_roots(self, ids: Sequence[str], version: int) -> list[str]:
        """Insert roots that are not there, on PostgreSQL; return which. Waits for nobody who has one of the others."""
        statement = (
            'INSERT INTO "roots" ("id", "version") SELECT "new"."id", %s FROM unnest(%s::text[]) AS "new" ("id") '
            'WHERE NOT EXISTS (SELECT 1 FROM "roots" WHERE "roots"."id" = "new"."id") ORDER BY 1 '
            'ON CONFLICT DO NOTHING RETURNING "id"'
        )
        rows = self._connection.database.execute_sql(statement, (version, list(ids))).fetchall()
        return [row[0] for row in rows]

    def set_accepted(self, pairs: Sequence[tuple[str, bool]]) -> None:
        """Set ``accepted`` of workflow executions, given as (id, flag)."""
        mark = self._mark
        self._execute_many(
            f'UPDATE "workflow_executions" SET "accepted" = {mark} WHERE "id" = {mark}',
            [(flag, execution_id) for execution_id, flag in pairs],
        )

    def delete(self, model: type[peewee.Model], column: str, values: Sequence[str]) -> None:
        """Delete the rows whose ``column`` is one of ``values``."""
        table = model._meta.table_name
        self._execute_many(f'DELETE FROM "{table}" WHERE "{column}" = {self._mark}', [(value,) for value in values])

    def _execute_many(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        self._connection.database.cursor().executemany(statement, rows)

    def _copy(self, record_type: type, rows: Iterable[tuple[Any, ...]]) -> None:
        statement, types = self._copies[record_type]
        with self._connection.database.cursor().copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


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


def _insert_many(statement: str) -> list[tuple[int, str]]:
    """Return INSERTs of several rows, the largest first, made from that of one row."""
    start, _, marks = statement.rpartition(" VALUES ")
    most = _PARAMETERS // marks.count("?") if "?" in marks else 0
    return [(count, f"{start} VALUES {', '.join([marks] * count)}") for count in _ROWS_AT_ONCE if count <= most]


def _copy(model: type[peewee.Model]) -> tuple[str, list[str]]:
    """Return PostgreSQL's COPY for the columns in the order of ``_insert``, and their types in its binary form."""
    fields = model._meta.fields
    columns, _ = _getter(model, list(fields))
    names = ", ".join(f'"{name}"' for name in columns)
    return f'COPY "{model._meta.table_name}" ({names}) FROM STDIN (FORMAT BINARY)', [
        "int8"
        if isinstance(fields[name], BigIntegerField)
        else "bool"
        if isinstance(fields[name], BooleanField)
        else "text"
        for name in columns
    ]


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
    derived = [name for name in names if isinstance(fields[name], DataKeyField | LastedField)]
    plain = [name for name in names if name not in {*jsons, *texts, *derived}]
    get_plain, get_jsons, get_texts = _values(plain), _values(jsons), _values(texts)
    derive = [fields[name].derive for name in derived]

    if not texts:
        return plain + jsons, lambda record: (*get_plain(record), *map(dump, get_jsons(record)))
    return (
        plain + jsons + texts + derived,
        lambda record: (
            *get_plain(record),
            *map(dump, get_jsons(record)),
            *map(clean, get_texts(record)),
            *[each(record) for each in derive],
        ),
    )


def _values(names: Sequence[str]) -> Getter:
    if len(names) == 1:
        get = attrgetter(names[0])
        return lambda record: (get(record),)
    return attrgetter(*names) if names else lambda record: ()
