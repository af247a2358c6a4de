"""What the rows of a database must be like once all is done: nothing orphaned, nothing half-written, no time missed."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kill_stories import FINISHED

CRON_LOG = "seen_cron"
_FINISHED = ", ".join(repr(state) for state in FINISHED)

NONE_OF_THESE = {
    "tasks without their execution": """SELECT id, name FROM task_executions t WHERE NOT EXISTS
        (SELECT 1 FROM workflow_executions e WHERE e.id = t.workflow_execution_id)""",
    "actions without their task": """SELECT id, name FROM action_executions a WHERE task_execution_id IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM task_executions t WHERE t.id = a.task_execution_id)""",
    "sub-workflows without their task": """SELECT id, workflow_name FROM workflow_executions e
        WHERE task_execution_id IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM task_executions t WHERE t.id = e.task_execution_id)""",
    "sub-workflows without their root": """SELECT id, workflow_name FROM workflow_executions e
        WHERE root_execution_id IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM workflow_executions r WHERE r.id = e.root_execution_id)""",
    "timers of executions that are gone or have ended": f"""SELECT t.id, t.execution_id FROM timers t WHERE NOT EXISTS
        (SELECT 1 FROM workflow_executions e WHERE e.id = t.execution_id AND e.state NOT IN ({_FINISHED}))""",
    "messages that nobody handles": "SELECT id, execution_id FROM messages",
    "calls that nobody takes": "SELECT id, target FROM queued_calls",
    "locks of nothing": """SELECT id FROM roots r WHERE NOT EXISTS
        (SELECT 1 FROM workflow_executions e WHERE e.id = r.id)""",
    "history of nothing": """SELECT execution_id FROM history h WHERE NOT EXISTS
        (SELECT 1 FROM workflow_executions e WHERE e.id = h.execution_id)""",
    "executions whose history has gaps": """SELECT execution_id, COUNT(*), MAX(seq) FROM history
        GROUP BY execution_id HAVING COUNT(*) <> MAX(seq) OR MIN(seq) <> 1""",
    "executions without history": """SELECT id, workflow_name FROM workflow_executions e WHERE NOT EXISTS
        (SELECT 1 FROM history h WHERE h.execution_id = e.id)""",
    "executions that are not what their history says": """SELECT e.id, e.state, h.payload FROM workflow_executions e
        JOIN history h ON h.execution_id = e.id AND h.seq = (SELECT MAX(seq) FROM history l
        WHERE l.execution_id = e.id AND l.type = 'execution')
        WHERE h.payload NOT LIKE '%"state":"' || e.state || '"%'""",
    "tasks that were started twice": """SELECT workflow_execution_id, name, COUNT(*) FROM task_executions
        GROUP BY workflow_execution_id, name HAVING COUNT(*) > 1""",
    "successful executions with tasks that have not ended": f"""SELECT t.id, t.name, t.state FROM task_executions t
        JOIN workflow_executions e ON e.id = t.workflow_execution_id
        WHERE e.state = 'SUCCESS' AND t.state NOT IN ({_FINISHED})""",
    "ended tasks with actions that have not": f"""SELECT a.id, a.name, a.state FROM action_executions a
        JOIN task_executions t ON t.id = a.task_execution_id
        WHERE t.state IN ('SUCCESS', 'ERROR') AND a.state NOT IN ({_FINISHED})""",
    "actions that were made twice for one thing": """SELECT t.id, t.name, COUNT(*) FROM action_executions a
        JOIN task_executions t ON t.id = a.task_execution_id WHERE t.name NOT IN ('each', 'call')
        GROUP BY t.id, t.name HAVING COUNT(*) > 1""",
}
"""What is wrong → a query that finds it."""


class Rows:
    """The database, seen past the service."""

    def __init__(self, url: str) -> None:
        self._is_sqlite = url.startswith("sqlite:///")
        self._connection: Any
        if self._is_sqlite:
            self._connection = sqlite3.connect(Path(url.removeprefix("sqlite:///")), timeout=30, isolation_level=None)
        else:
            import psycopg

            self._connect = lambda: psycopg.connect(url, autocommit=True)
            self._connection = self._connect()

    def select(self, query: str) -> list[Sequence[Any]]:
        """The rows of a query."""
        if not self._is_sqlite:
            self._connection.close()  # the server may have been restarted since
            self._connection = self._connect()
        return list(self._connection.execute(query).fetchall())

    def close(self) -> None:
        self._connection.close()

    def watch_cron(self) -> None:
        """Have the database itself note each time that a cron trigger moves on from, in the same transaction."""
        self._connection.execute(f"CREATE TABLE {CRON_LOG} (trigger_id TEXT, was BIGINT, is_now BIGINT)")
        values = "VALUES (OLD.id, OLD.next_execution_time, NEW.next_execution_time)"
        if self._is_sqlite:
            self._connection.execute(
                f"CREATE TRIGGER watch_cron AFTER UPDATE OF next_execution_time ON cron_triggers "
                f"BEGIN INSERT INTO {CRON_LOG} {values}; END"
            )
            return
        self._connection.execute(
            f"CREATE FUNCTION watch_cron() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN INSERT INTO {CRON_LOG} {values}; RETURN NEW; END $$"
        )
        self._connection.execute(
            "CREATE TRIGGER watch_cron AFTER UPDATE OF next_execution_time ON cron_triggers "
            "FOR EACH ROW EXECUTE FUNCTION watch_cron()"
        )

    def problems(self) -> list[str]:
        """What is wrong with the rows."""
        found = [f"{what}: {rows[:5]}" for what, query in NONE_OF_THESE.items() if (rows := self.select(query))]
        if self._is_sqlite and (said := self.select("PRAGMA integrity_check")) != [("ok",)]:
            found.append(f"integrity_check: {said}")
        return found
