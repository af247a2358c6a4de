"""Version 2: event triggers, resource members, code sources, dynamic actions, calls that wait for an executor, and
the maintenance mode.

The tables are written out as they were then: ``models`` moves on, this does not.
"""

from mistralish.store.connection import POSTGRESQL, SQLITE, Connection

# What NAME and NUMBER are in the tables below.
_TYPES = {SQLITE: ("TEXT", "INTEGER"), POSTGRESQL: ('TEXT COLLATE "C"', "BIGINT")}

_ROW = "id NAME NOT NULL PRIMARY KEY, project_id NAME NOT NULL, created_at NUMBER NOT NULL, updated_at NUMBER"

_TABLES = {
    "event_triggers": f"{_ROW}, name NAME NOT NULL, workflow_id NAME NOT NULL, workflow_namespace NAME NOT NULL, "
    "workflow_input NAME, workflow_params NAME, exchange NAME NOT NULL, topic NAME NOT NULL, event NAME NOT NULL, "
    "scope NAME NOT NULL, UNIQUE (exchange, topic, event, workflow_id, project_id)",
    "resource_members": f"{_ROW}, resource_id NAME NOT NULL, resource_type NAME NOT NULL, member_id NAME NOT NULL, "
    "status NAME NOT NULL, UNIQUE (resource_id, resource_type, member_id)",
    "code_sources": f"{_ROW}, name NAME NOT NULL, namespace NAME NOT NULL, content NAME NOT NULL, "
    "version NUMBER NOT NULL, tags NAME, scope NAME NOT NULL, UNIQUE (name, namespace, project_id)",
    "dynamic_action_definitions": f"{_ROW}, name NAME NOT NULL, namespace NAME NOT NULL, class_name NAME NOT NULL, "
    "code_source_id NAME NOT NULL, code_source_name NAME NOT NULL, scope NAME NOT NULL, "
    "UNIQUE (name, namespace, project_id)",
    "queued_calls": "id NAME NOT NULL PRIMARY KEY, target NAME NOT NULL, execution_id NAME, call NAME NOT NULL, "
    "created_at NUMBER NOT NULL",
}

_INDEXES = (
    ("event_triggers", ("created_at", "id")),
    ("event_triggers", ("workflow_id",)),
    ("resource_members", ("member_id", "resource_type")),
    ("code_sources", ("created_at", "id")),
    ("dynamic_action_definitions", ("created_at", "id")),
    ("dynamic_action_definitions", ("code_source_id",)),
    ("queued_calls", ("target", "id")),
    ("queued_calls", ("execution_id",)),
)

# Columns of these indexes that may be NULL, and come first.
_NULLABLE = frozenset((("queued_calls", "execution_id"),))


def apply(connection: Connection) -> None:
    """Make the new tables and the counter of the maintenance mode."""
    database = connection.database
    name, number = _TYPES[connection.dialect]
    for table, columns in _TABLES.items():
        database.execute_sql(f'CREATE TABLE "{table}" ({columns.replace("NAME", name).replace("NUMBER", number)})')
    for table, index in _INDEXES:
        listed = ", ".join(_column(connection, table, column) for column in index)
        database.execute_sql(f'CREATE INDEX "ix_{table}_{"_".join(index)}" ON "{table}" ({listed})')
    database.execute_sql("INSERT INTO counters (name, value) VALUES ('maintenance', 0)")


def _column(connection: Connection, table: str, column: str) -> str:
    first = connection.dialect == POSTGRESQL and (table, column) in _NULLABLE
    return f'"{column}"' + (" NULLS FIRST" if first else "")
