"""Version 5: keys of the tags of executions, how long these lasted, and slots of actions' data.

So a certain tag need not be looked for in all rows that have some, nor what changed after some time in all that did;
and the items of a task no longer spread over the indexes of their data.
"""

from mistralish.store.connection import POSTGRESQL, Connection
from mistralish.store.data_keys import data_key, data_slot
from mistralish.store.json_text import load
from mistralish.store.migrations.portions import portions

_TIMES = {
    "workflow_executions": ("updated_at",),
    "task_executions": ("updated_at", "started_at", "finished_at"),
    "action_executions": ("updated_at",),
}

# How long rows of each class last at most, in microseconds.
_BOUNDS = (1_000_000, 60_000_000, 3_600_000_000, 360_000_000_000)


def apply(connection: Connection) -> None:
    """Add the columns, fill them where there are tags, and make their indexes."""
    database, on_postgresql = connection.database, connection.dialect == POSTGRESQL
    of_type = 'TEXT COLLATE "C"' if on_postgresql else "TEXT"
    number = "BIGINT" if on_postgresql else "INTEGER"
    nulls = " NULLS FIRST" if on_postgresql else ""
    for table, times in _TIMES.items():
        database.execute_sql(f'ALTER TABLE "{table}" ADD COLUMN "tags_key" {of_type}')
        database.execute_sql(f'ALTER TABLE "{table}" ADD COLUMN "lasted" {number}')
        _fill_keys(connection, table)
        _fill_lasted(connection, table, times)
        for column in ("tags_key", "lasted"):
            listed = f'"project_id", "{column}"{nulls}, "created_at", "id"'
            database.execute_sql(
                f'CREATE INDEX "ix_{table}_{column}_sparse" ON "{table}" ({listed}) WHERE ("{column}" IS NOT NULL)'
            )

    for name in ("input", "output"):
        database.execute_sql(f'ALTER TABLE "action_executions" ADD COLUMN "{name}_slot" {of_type}')
    _fill_slots(connection)
    for name in ("input", "output"):
        database.execute_sql(f'DROP INDEX "ix_action_executions_{name}_key_sparse"')
        listed = f'"project_id", "{name}_slot"{nulls}, "created_at", "id", "{name}_key"{nulls}'
        database.execute_sql(
            f'CREATE INDEX "ix_action_executions_{name}_slot_sparse" ON "action_executions" ({listed})'
            f' WHERE ("{name}_slot" IS NOT NULL)'
        )


def _fill_keys(connection: Connection, table: str) -> None:
    mark = connection.database.param
    # As in the index that has all of them.
    for rows in portions(connection, table, ["tags"], "\"tags\" <> '[]'"):
        keys = [(data_key(load(text)), row_id) for row_id, text in rows]
        connection.database.cursor().executemany(f'UPDATE "{table}" SET "tags_key" = {mark} WHERE "id" = {mark}', keys)


def _fill_lasted(connection: Connection, table: str, times: tuple[str, ...]) -> None:
    least, greatest = ("LEAST", "GREATEST") if connection.dialect == POSTGRESQL else ("MIN", "MAX")
    listed = ", ".join(['"created_at"', *(f'COALESCE("{time}", "created_at")' for time in times)])
    went_back, lasted = f'{least}({listed}) < "created_at"', f'{greatest}({listed}) - "created_at"'
    longer = [f"WHEN {lasted} > {bound} THEN {number}" for number, bound in enumerate(_BOUNDS, start=1)]
    connection.database.execute_sql(
        f'UPDATE "{table}" SET "lasted" = CASE WHEN {went_back} THEN {len(_BOUNDS)} {" ".join(reversed(longer))} END '
        f"WHERE {went_back} OR {lasted} > {_BOUNDS[0]}"
    )


def _fill_slots(connection: Connection) -> None:
    mark, table = connection.database.param, "action_executions"
    sets = f'"input_slot" = {mark}, "output_slot" = {mark}'
    has_any = '("input_key" IS NOT NULL OR "output_key" IS NOT NULL)'
    for rows in portions(connection, table, ["input_key", "output_key"], has_any):
        slots = [(data_slot(given), data_slot(gives), row_id) for row_id, given, gives in rows]
        connection.database.cursor().executemany(f'UPDATE "{table}" SET {sets} WHERE "id" = {mark}', slots)
