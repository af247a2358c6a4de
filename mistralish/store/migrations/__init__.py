"""The schema and its versions.

A new database gets the tables of ``models`` at once. An older one is brought forward by the steps between
its version and this code's, each in its own module, in one transaction and under a lock. A step never changes tables
by ``models``: those move on, a step must not.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import peewee

from mistralish.errors import UnavailableError
from mistralish.store.connection import POSTGRESQL, SQLITE, Connection
from mistralish.store.indexes import INDEXES, LONG_TEXTS, IndexSpec
from mistralish.store.migrations import step_2, step_3, step_4, step_5
from mistralish.store.models import TABLES, Counter
from mistralish.store.statistics import write_statistics

SCHEMA_VERSION = "schema_version"
CATALOG_REVISION = "catalog_revision"
MAINTENANCE = "maintenance"

# Any number will do, as long as it never changes: processes that prepare one database take turns by it.
_LOCK = 7_461_932_205


@dataclass(frozen=True, slots=True)
class Step:
    """Brings a database from version ``number - 1`` to ``number``."""

    number: int
    description: str
    apply: Callable[[Connection], None]


STEPS: tuple[Step, ...] = (
    Step(2, "event triggers, members, dynamic actions, queued calls", step_2.apply),
    Step(3, "indexes for filters and sort keys of executions", step_3.apply),
    Step(4, "keys of the data of executions", step_4.apply),
    Step(5, "keys of the tags of executions, and how long these lasted", step_5.apply),
)
"""All steps after the first schema, which is version 1, in order."""


def latest() -> int:
    """Return the version that this code works with."""
    return STEPS[-1].number if STEPS else 1


def stored_version(connection: Connection) -> int:
    """Return the version of the database, 0 for an empty one."""
    with connection.read() as database:
        if not database.table_exists(Counter._meta.table_name):
            return 0
        query = Counter.select(Counter.value).where(Counter.name == SCHEMA_VERSION)
        row = database.execute(query).fetchone()
        return row[0] if row else 0


def upgrade(connection: Connection) -> int:
    """Bring the database to this code's version, from any older one or from nothing; return that version.

    Doing it twice, or in two processes at once, does no harm. Raises UnavailableError where the database is
    newer than this code.
    """
    with taking_turns(connection) as database:
        version = stored_version(connection)
        check_not_newer(version)
        if version == 0:
            _create(connection, database)
        for step in STEPS:
            if 0 < version < step.number:
                step.apply(connection)
        _remember(database, latest())
        if connection.dialect == SQLITE:
            write_statistics(database)
    return latest()


@contextlib.contextmanager
def taking_turns(connection: Connection) -> Iterator[peewee.Database]:
    """Give the database inside a transaction for what every process does at its start: one after the other."""
    with connection.write() as database:
        if connection.dialect == POSTGRESQL:
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        yield database


def check_not_newer(version: int) -> None:
    """Raise UnavailableError where a database of this ``version`` is too new for this code."""
    if version > latest():
        raise UnavailableError(
            f"The database has schema version {version}, this mistralish knows up to {latest()}: "
            "install the mistralish that made it, or a newer one"
        )


def _create(connection: Connection, database: peewee.Database) -> None:
    for model in TABLES:
        manager = peewee.SchemaManager(model, database)
        if model._meta.table_name == "history" and connection.dialect != POSTGRESQL:
            # peewee's own option for this would be written out for PostgreSQL too.
            table = manager._create_table(safe=False)  # type: ignore[attr-defined]
            database.execute(table.literal(" WITHOUT ROWID"))
        else:
            manager.create_table(safe=False)
    for index in INDEXES:
        create_index(connection, index)
    for name in (CATALOG_REVISION, MAINTENANCE):
        database.execute(Counter.insert(name=name, value=0))


def create_index(connection: Connection, spec: IndexSpec) -> None:
    """Create an index in which NULLs come first (as they do in SQLite anyway)."""
    fields = spec.model._meta.fields
    columns = []
    for name in spec.columns:
        if name in LONG_TEXTS and connection.dialect == POSTGRESQL:
            continue
        nulls = " NULLS FIRST" if fields[name].null and connection.dialect == POSTGRESQL else ""
        columns.append(peewee.SQL(f'"{name}"{nulls}'))
    where = spec.where(spec.model) if spec.where else None
    connection.database.execute(peewee.Index(spec.name, spec.model._meta.table, columns, where=where))


def _remember(database: peewee.Database, version: int) -> None:
    insert = Counter.insert(name=SCHEMA_VERSION, value=version)
    database.execute(insert.on_conflict(conflict_target=[Counter.name], update={Counter.value: version}))
