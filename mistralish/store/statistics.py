"""What SQLite's planner is told about the data.

Without statistics SQLite takes every index on one column for equally good, and reads all rows of a project where
the index of one execution's tasks would give ten. With gathered ones (ANALYZE) plans would change as the
data does. So it is told, once and for all, how a large installation looks; PostgreSQL gathers its own.
"""

from collections.abc import Iterator
from itertools import accumulate
from operator import mul

import peewee

from mistralish.store.indexes import INDEXES
from mistralish.store.models import ActionExecution, TaskExecution, WorkflowExecution

_ROWS = 1_000_000
_PARTIAL_ROWS = 1_000

# How many different values a column has among _ROWS rows.
_DIFFERENT = {
    "project_id": 10,
    "state": 10,
    "name": 100,
    "workflow_name": 100,
    "workflow_id": 1_000,
    "root_execution_id": 100_000,
    "workflow_execution_id": 100_000,
    "task_execution_id": 500_000,
    "created_at": 500_000,
    "updated_at": 500_000,
    "started_at": 500_000,
    "finished_at": 500_000,
    "last_heartbeat": 500_000,
    "workflow_namespace": 100,
    "type": 2,
    "description": 500_000,
    "state_info": 500_000,
    "parent_execution_id": 100_000,
    "input_key": 500_000,
    "output_key": 500_000,
    "params_key": 500_000,
    "published_key": 500_000,
    "tags_key": 100,
    "input_slot": 32,
    "output_slot": 32,
    "lasted": 4,
    "id": _ROWS,
}


def write_statistics(database: peewee.Database) -> None:
    """Replace SQLite's statistics of the tables of executions, inside the caller's transaction."""
    database.execute_sql("ANALYZE sqlite_schema")  # makes the table, and reads no other
    database.execute_sql("DELETE FROM sqlite_stat1")
    for table, index, text in _statistics():
        database.execute_sql("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", (table, index, text))
    database.execute_sql("ANALYZE sqlite_schema")


def _statistics() -> Iterator[tuple[str, str, str]]:
    """Give table, index and the form of sqlite_stat1: rows, then rows for one value of each prefix of the index."""
    models = (WorkflowExecution, TaskExecution, ActionExecution)
    for model in models:
        table = model._meta.table_name
        yield table, f"sqlite_autoindex_{table}_1", f"{_ROWS} 1"
    for spec in INDEXES:
        if spec.model in models:
            rows = _PARTIAL_ROWS if spec.where else _ROWS
            products = accumulate((_DIFFERENT[name] for name in spec.columns), mul)
            counts = [max(1, rows // product) for product in products]
            yield spec.model._meta.table_name, spec.name, " ".join(map(str, (rows, *counts)))
