"""Version 5: keys of the tags of executions, so that a certain tag need not be looked for in all that have some."""

from mistralish.store.connection import POSTGRESQL, Connection
from mistralish.store.data_keys import data_key
from mistralish.store.json_text import load

_ROWS_AT_ONCE = 1_000


def apply(connection: Connection) -> None:
    """Add the columns, fill them where there are tags, and make their indexes."""
    on_postgresql = connection.dialect == POSTGRESQL
    of_type = 'TEXT COLLATE "C"' if on_postgresql else "TEXT"
    nulls = " NULLS FIRST" if on_postgresql else ""
    for table in ("workflow_executions", "task_executions", "action_executions"):
        connection.database.execute_sql(f'ALTER TABLE "{table}" ADD COLUMN "tags_key" {of_type}')
        _fill(connection, table)
        listed = f'"project_id", "tags_key"{nulls}, "created_at", "id"'
        connection.database.execute_sql(
            f'CREATE INDEX "ix_{table}_tags_key_sparse" ON "{table}" ({listed}) WHERE ("tags_key" IS NOT NULL)'
        )


def _fill(connection: Connection, table: str) -> None:
    mark = connection.database.param
    tagged = "\"tags\" <> '[]'"  # as in the index that has all of them
    query = f'SELECT "id", "tags" FROM "{table}" WHERE {tagged} AND "id" > {mark} ORDER BY "id" LIMIT {_ROWS_AT_ONCE}'
    last = ""
    while rows := connection.database.execute_sql(query, (last,)).fetchall():
        keys = [(data_key(load(text)), row_id) for row_id, text in rows]
        connection.database.cursor().executemany(f'UPDATE "{table}" SET "tags_key" = {mark} WHERE "id" = {mark}', keys)
        last = rows[-1][0]
