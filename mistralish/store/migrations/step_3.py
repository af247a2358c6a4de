"""Version 3: indexes, so that a list by any attribute of executions but data costs the page and not the table.

They are written out as they were then: ``models`` moves on, this does not.
"""

from mistralish.store.connection import POSTGRESQL, Connection

_EXECUTIONS, _TASKS, _ACTIONS = "workflow_executions", "task_executions", "action_executions"

# Columns with a value of their own in most rows.
_OF_PROJECT = (
    (_EXECUTIONS, "name"),
    (_EXECUTIONS, "workflow_id"),
    (_TASKS, "workflow_id"),
    (_TASKS, "started_at"),
    (_TASKS, "finished_at"),
    (_ACTIONS, "name"),
    (_ACTIONS, "workflow_execution_id"),
    (_ACTIONS, "workflow_id"),
)

_GIVEN, _NAMED, _TAGGED = '"{0}" IS NOT NULL', "\"{0}\" <> ''", "\"{0}\" <> '[]'"

# What most executions, being no sub-workflows, have none of.
_OF_CHILDREN = ("task_execution_id", "root_execution_id")

# Columns with the same value in most rows: which rows are in the index.
_SPARSE = (
    (_EXECUTIONS, "workflow_namespace", _NAMED),
    (_EXECUTIONS, "description", _NAMED),
    (_EXECUTIONS, "state_info", _GIVEN),
    (_EXECUTIONS, "tags", _TAGGED),
    (_EXECUTIONS, "accepted", '"{0}" IS FALSE'),
    (_EXECUTIONS, "task_execution_id", _GIVEN),
    (_EXECUTIONS, "parent_execution_id", _GIVEN),
    (_EXECUTIONS, "root_execution_id", _GIVEN),
    (_TASKS, "workflow_namespace", _NAMED),
    (_TASKS, "type", "\"{0}\" <> 'ACTION'"),
    (_TASKS, "state_info", _GIVEN),
    (_TASKS, "tags", _TAGGED),
    (_TASKS, "processed", '"{0}" IS FALSE'),
    (_TASKS, "has_next_tasks", '"{0}" IS FALSE'),
    (_TASKS, "error_handled", '"{0}" IS TRUE'),
    (_ACTIONS, "workflow_namespace", _NAMED),
    (_ACTIONS, "description", _NAMED),
    (_ACTIONS, "state_info", _GIVEN),
    (_ACTIONS, "tags", _TAGGED),
    (_ACTIONS, "accepted", '"{0}" IS FALSE'),
    (_ACTIONS, "is_sync", '"{0}" IS FALSE'),
    (_ACTIONS, "last_heartbeat", _GIVEN),
)

_FLAGS_AND_TAGS = frozenset(("tags", "accepted", "processed", "has_next_tasks", "error_handled", "is_sync"))
_LONG = frozenset(("description", "state_info"))
_NULLABLE = frozenset(
    (
        (_EXECUTIONS, "state_info"),
        (_EXECUTIONS, "task_execution_id"),
        (_EXECUTIONS, "parent_execution_id"),
        (_EXECUTIONS, "root_execution_id"),
        (_TASKS, "started_at"),
        (_TASKS, "finished_at"),
        (_TASKS, "state_info"),
        (_ACTIONS, "workflow_execution_id"),
        (_ACTIONS, "workflow_id"),
        (_ACTIONS, "state_info"),
        (_ACTIONS, "last_heartbeat"),
    )
)


def apply(connection: Connection) -> None:
    """Make the indexes."""
    for table, column in _OF_PROJECT:
        _create(connection, table, column, f"{column}_of_project", "")
    nulls = " NULLS FIRST" if connection.dialect == POSTGRESQL else ""
    for column in _OF_CHILDREN:
        name, listed = f"ix_{_EXECUTIONS}_{column}_created_at_id", f'"{column}"{nulls}, "created_at", "id"'
        connection.database.execute_sql(f'DROP INDEX "{name}"')
        connection.database.execute_sql(
            f'CREATE INDEX "{name}_partial" ON "{_EXECUTIONS}" ({listed}) WHERE ("{column}" IS NOT NULL)'
        )
    for table, column, where in _SPARSE:
        _create(connection, table, column, f"{column}_sparse", f" WHERE ({where.format(column)})")


def _create(connection: Connection, table: str, column: str, label: str, where: str) -> None:
    on_postgresql = connection.dialect == POSTGRESQL
    left_out = column in _FLAGS_AND_TAGS or (on_postgresql and column in _LONG)
    nulls = " NULLS FIRST" if on_postgresql and (table, column) in _NULLABLE else ""
    listed = '"project_id", ' + ("" if left_out else f'"{column}"{nulls}, ') + '"created_at", "id"'
    connection.database.execute_sql(f'CREATE INDEX "ix_{table}_{label}" ON "{table}" ({listed}){where}')
