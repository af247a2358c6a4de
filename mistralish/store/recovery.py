"""What is waiting: timers, messages, cron triggers, unfinished work. Every answer is bounded and comes from an index."""

from typing import Any

from mistralish.records import ActionExecution, Message, Timer, WorkflowExecution
from mistralish.store import models
from mistralish.store.bulk import reader
from mistralish.store.connection import Connection

_ACTION = reader(ActionExecution)
_EXECUTION = reader(WorkflowExecution)
_TIMER = reader(Timer)
_MESSAGE = reader(Message)


class Recovery:
    """Reads of the engine and the scheduler, outside of turns."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def locate_execution(self, execution_id: str) -> tuple[str, str] | None:
        """Return (execution id, root id), None where there is no such execution."""
        row = self._row(
            'SELECT "id", COALESCE("root_execution_id", "id") FROM "workflow_executions" WHERE "id" = {}', execution_id
        )
        return (row[0], row[1]) if row else None

    def locate_task(self, task_id: str) -> tuple[str, str] | None:
        """Return (workflow execution id, root id) of a task execution, None where there is none."""
        row = self._row(
            'SELECT e."id", COALESCE(e."root_execution_id", e."id") FROM "task_executions" t '
            'JOIN "workflow_executions" e ON e."id" = t."workflow_execution_id" WHERE t."id" = {}',
            task_id,
        )
        return (row[0], row[1]) if row else None

    def locate_action(self, action_id: str) -> tuple[str | None, str] | None:
        """Return (workflow execution id, root id) of an action execution, None where there is none.

        An action outside any workflow answers (None, its own id): lock that as its root.
        """
        row = self._row(
            'SELECT e."id", COALESCE(e."root_execution_id", e."id", a."id") FROM "action_executions" a '
            'LEFT JOIN "workflow_executions" e ON e."id" = a."workflow_execution_id" WHERE a."id" = {}',
            action_id,
        )
        return (row[0], row[1]) if row else None

    def due_timers(self, now: int, limit: int) -> list[Timer]:
        """Return at most ``limit`` timers due at ``now`` or before, the most overdue first."""
        columns, make = _TIMER
        return self._rows(
            make,
            f'SELECT {columns} FROM "timers" WHERE "due_at" <= {{}} ORDER BY "due_at", "id" LIMIT {{}}',
            now,
            limit,
        )

    def next_timer_at(self) -> int | None:
        """Return when the next timer is due, None for no timer."""
        return self._row('SELECT MIN("due_at") FROM "timers"')[0]

    def pending_messages(self, limit: int) -> list[Message]:
        """Return at most ``limit`` messages that wait to be handled, the oldest ids first."""
        columns, make = _MESSAGE
        return self._rows(make, f'SELECT {columns} FROM "messages" ORDER BY "id" LIMIT {{}}', limit)

    def unfinished_actions(self, limit: int, after: str = "") -> list[ActionExecution]:
        """Return at most ``limit`` action executions that are not completed, by id; go on with ``after`` the last id."""
        columns, make = _ACTION
        return self._rows(
            make,
            f'SELECT {columns} FROM "action_executions" WHERE {models.UNFINISHED} AND "id" > {{}} ORDER BY "id" LIMIT {{}}',
            after,
            limit,
        )

    def unfinished_executions(self, limit: int, after: str = "") -> list[WorkflowExecution]:
        """Return at most ``limit`` workflow executions that are not completed, by id; go on with ``after`` the last id."""
        columns, make = _EXECUTION
        return self._rows(
            make,
            f'SELECT {columns} FROM "workflow_executions" WHERE {models.UNFINISHED} AND "id" > {{}} '
            'ORDER BY "id" LIMIT {}',
            after,
            limit,
        )

    def next_cron_at(self) -> int | None:
        """Return when the next cron trigger is due, None for no trigger."""
        return self._row('SELECT MIN("next_execution_time") FROM "cron_triggers"')[0]

    def _row(self, sql: str, *values: Any) -> Any:
        with self._connection.read() as database:
            return database.execute_sql(sql.format(*[database.param] * len(values)), values).fetchone()

    def _rows(self, make: Any, sql: str, *values: Any) -> list[Any]:
        with self._connection.read() as database:
            rows = database.execute_sql(sql.format(*[database.param] * len(values)), values).fetchall()
        return [make(row) for row in rows]
