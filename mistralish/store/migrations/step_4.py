"""Version 4: keys of the data of executions (``data_keys``), so that lists by it cost the page and not the table."""

from typing import Any

from mistralish.store.connection import POSTGRESQL, Connection
from mistralish.store.data_keys import data_key
from mistralish.store.json_text import load
from mistralish.store.migrations.portions import portions

_EXECUTIONS, _TASKS, _ACTIONS = "workflow_executions", "task_executions", "action_executions"

# Of each table the data that has keys, and what most rows have there.
_DATA: dict[str, dict[str, Any]] = {
    _EXECUTIONS: {"input": None, "output": None, "params": {"env": {}, "namespace": ""}},
    _TASKS: {"published": None},
    _ACTIONS: {"input": None, "output": {"result": None}},
}


def apply(connection: Connection) -> None:
    """Add the columns, fill them, and make their indexes."""
    on_postgresql = connection.dialect == POSTGRESQL
    of_type = 'TEXT COLLATE "C"' if on_postgresql else "TEXT"
    nulls = " NULLS FIRST" if on_postgresql else ""
    for table, data in _DATA.items():
        for name in data:
            connection.database.execute_sql(f'ALTER TABLE "{table}" ADD COLUMN "{name}_key" {of_type}')
        _fill(connection, table, data)
        for name in data:
            listed = f'"project_id", "{name}_key"{nulls}, "created_at", "id"'
            where = f'"{name}_key" IS NOT NULL'
            connection.database.execute_sql(
                f'CREATE INDEX "ix_{table}_{name}_key_sparse" ON "{table}" ({listed}) WHERE ({where})'
            )


def _fill(connection: Connection, table: str, data: dict[str, Any]) -> None:
    mark = connection.database.param
    sets = ", ".join(f'"{name}_key" = {mark}' for name in data)
    for rows in portions(connection, table, list(data)):
        keys = [
            (*(data_key(load(text), usual) for text, usual in zip(texts, data.values(), strict=True)), row_id)
            for row_id, *texts in rows
        ]
        connection.database.cursor().executemany(f'UPDATE "{table}" SET {sets} WHERE "id" = {mark}', keys)
