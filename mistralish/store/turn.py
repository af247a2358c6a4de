"""One turn of the engine: a transaction that loads runs and saves what was decided about them."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from peewee import fn

from mistralish import states
from mistralish.records import (
    ActionExecution,
    HistoryEvent,
    Message,
    QueuedCall,
    TaskExecution,
    Timer,
    WorkflowExecution,
)
from mistralish.store import models
from mistralish.store.bulk import RowReader, Writer, chunks, load_by
from mistralish.store.changes import Changes, Record, StoredRun
from mistralish.store.connection import POSTGRESQL, Connection
from mistralish.store.removal import Removal

_FIRST_VERSION = 1
_UNFINISHED = (states.IDLE, states.PAUSED, states.RUNNING)

_EXECUTION = RowReader(WorkflowExecution)
_CHILD = RowReader(WorkflowExecution, left_out=("input", "params", "context"))
_TASK = RowReader(TaskExecution)
_ACTION = RowReader(ActionExecution)
_TIMER = RowReader(Timer)


class Turn:
    """A transaction over the trees of executions ``roots``; made by ``Store.turn``.

    ``locked`` maps the roots that this turn may change to the version of their tree. On PostgreSQL a root that
    another process has is not among them. A version grows with every ``save`` that changes the tree; it is 0 on
    SQLite, where there is no other process.
    """

    def __init__(self, connection: Connection, writer: Writer, roots: Iterable[str]) -> None:
        self._connection = connection
        self._writer = writer
        self._roots = sorted(set(roots))
        self._unused: set[str] = set()
        self._made: frozenset[str] = frozenset()
        self._transaction: AbstractContextManager[Any] = connection.write()
        self.locked: dict[str, int] = {}

    def __enter__(self) -> "Turn":
        self._transaction.__enter__()
        try:
            if self._connection.dialect == POSTGRESQL:
                self._lock()
            else:
                self.locked = dict.fromkeys(self._roots, 0)
        except BaseException as error:
            self._transaction.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if error is None and self._unused:
            try:
                self._writer.delete(models.Root, "id", sorted(self._unused))
            except Exception as failure:
                self._transaction.__exit__(type(failure), failure, failure.__traceback__)
                raise
        return self._transaction.__exit__(kind, error, trace)

    def load_run(self, execution_id: str) -> StoredRun | None:
        """Return a workflow execution with what can still matter of it, None where there is no such execution."""
        execution = self.load_execution(execution_id)
        if execution is None:
            return None
        tasks = load_by(self._connection, _TASK, "workflow_execution_id", [execution_id])
        active = [task.id for task in tasks if not (states.is_completed(task.state) and task.processed)]
        return StoredRun(
            execution=execution,
            tasks=tasks,
            actions=load_by(self._connection, _ACTION, "task_execution_id", active),
            children=load_by(self._connection, _CHILD, "task_execution_id", active),
            timers=load_by(self._connection, _TIMER, "execution_id", [execution_id], order="due_at"),
            history_seq=self._last_event(execution_id),
        )

    def load_execution(self, execution_id: str) -> WorkflowExecution | None:
        """Return a workflow execution alone, None where there is none with this id."""
        found = load_by(self._connection, _EXECUTION, "id", [execution_id])
        return found[0] if found else None

    def count_unfinished_roots(self, project_id: str, at_most: int) -> int:
        """Return how many executions of a project that are no sub-workflows have not ended, up to ``at_most``."""
        execution = models.WorkflowExecution
        select = execution.select(execution.id).where(
            execution.project_id == project_id,
            execution.state.in_(_UNFINISHED),
            execution.root_execution_id.is_null(),
        )
        return len(self._connection.database.execute(select.limit(at_most)).fetchall())

    def load_children(self, task_id: str) -> tuple[list[ActionExecution], list[WorkflowExecution]]:
        """Return all action executions and child executions of a task, oldest first."""
        return (
            load_by(self._connection, _ACTION, "task_execution_id", [task_id]),
            load_by(self._connection, _EXECUTION, "task_execution_id", [task_id]),
        )

    def load_action(self, action_id: str) -> ActionExecution | None:
        """Return an action execution, None where there is none with this id."""
        found = load_by(self._connection, _ACTION, "id", [action_id])
        return found[0] if found else None

    def claim_cron_trigger(
        self, trigger_id: str, expected_next: int, new_next: int | None, remaining: int | None
    ) -> bool:
        """Move a trigger on to its next time, if it still waits for ``expected_next``; say whether it did.

        With nothing left to wait for (``new_next`` None, or ``remaining`` 0) the trigger is removed, as the
        reference does.
        """
        trigger = models.CronTrigger
        match = (trigger.id == trigger_id) & (trigger.next_execution_time == expected_next)
        if new_next is None or remaining == 0:
            return self._changed(trigger.delete().where(match))
        changes = {"next_execution_time": new_next, "remaining_executions": remaining}
        return self._changed(trigger.update(changes).where(match))

    def empty(self, execution_id: str, limit: int) -> bool:
        """Remove at most about ``limit`` rows of what belongs to an execution; say whether only its own row is left."""
        return Removal(self._connection, limit).empty(execution_id)

    def present_messages(self, ids: Sequence[str]) -> set[str]:
        """Return which of these messages nobody has handled yet."""
        return set(self._ids(models.Message, models.Message.id, ids))

    def is_call_queued(self, action_id: str) -> bool:
        """Say whether a call still waits for an executor of its target."""
        query = models.QueuedCall.select(models.QueuedCall.id).where(models.QueuedCall.id == action_id)
        return self._connection.database.execute(query).fetchone() is not None

    def beat(self, action_id: str, at: int) -> None:
        """Set when (µs) an action execution last gave a sign of life."""
        action = models.ActionExecution
        self._connection.database.execute(action.update(last_heartbeat=at).where(action.id == action_id))

    def save(self, changes: Changes) -> None:
        """Write what the turn changed. It is there for good once the turn has ended without an error."""
        writer = self._writer
        if changes.specs:
            writer.insert_specs(changes.specs.items())
        for record_type, rows in _by_type(changes.insert).items():
            writer.insert(record_type, rows)
        for record_type, rows in _by_type(changes.update).items():
            writer.update(record_type, rows)
        if changes.accepted:
            writer.set_accepted(changes.accepted)
        if changes.add_timers:
            writer.insert(Timer, changes.add_timers)
        if changes.remove_timers:
            writer.delete(models.Timer, "id", changes.remove_timers)
        if changes.add_messages:
            writer.insert(Message, changes.add_messages)
        if changes.remove_messages:
            writer.delete(models.Message, "id", changes.remove_messages)
        if changes.remove_calls:
            writer.delete(models.QueuedCall, "id", changes.remove_calls)
        if changes.add_calls:
            writer.insert(QueuedCall, changes.add_calls)
        if changes.history:
            writer.insert(HistoryEvent, changes.history)
        if changes.delete_actions:
            writer.delete(models.ActionExecution, "id", changes.delete_actions)
        if changes.delete_executions:
            self._delete(changes.delete_executions)
        if self._connection.dialect == POSTGRESQL:
            self._bump(changes)

    def _changed(self, query: Any) -> bool:
        return bool(self._connection.database.execute(query).rowcount)

    def _delete(self, ids: Sequence[str]) -> None:
        """Remove executions with all that belongs to them, the whole tree below."""
        writer, database = self._writer, self._connection.database
        level = list(ids)
        while level:
            tasks = self._ids(models.TaskExecution, models.TaskExecution.workflow_execution_id, level)
            children = self._ids(models.WorkflowExecution, models.WorkflowExecution.task_execution_id, tasks)
            writer.delete(models.ActionExecution, "task_execution_id", tasks)
            writer.delete(models.TaskExecution, "workflow_execution_id", level)
            for model in (models.Timer, models.Message, models.QueuedCall, models.History):
                writer.delete(model, "execution_id", level)
            writer.delete(models.WorkflowExecution, "id", level)
            level = children
        if self._connection.dialect == POSTGRESQL:
            database.execute(models.Root.delete().where(models.Root.id.in_(list(ids))))
            for execution_id in ids:
                self.locked.pop(execution_id, None)

    def _ids(self, model: Any, column: Any, values: Sequence[str]) -> list[str]:
        database = self._connection.database
        found: list[str] = []
        for part in chunks(values):
            found += [row[0] for row in database.execute(model.select(model.id).where(column.in_(list(part))))]
        return found

    def _last_event(self, execution_id: str) -> int:
        history = models.History
        query = history.select(fn.MAX(history.seq)).where(history.execution_id == execution_id)
        return self._connection.database.execute(query).fetchone()[0] or 0

    def _lock(self) -> None:
        """Take the rows of the roots that nobody has, and make rows for roots that are new."""
        database, root = self._connection.database, models.Root
        if not self._roots:
            return
        free = root.select(root.id, root.version).where(root.id.in_(self._roots)).order_by(root.id)
        self.locked = dict(database.execute(free.for_update(skip_locked=True)).fetchall())
        missing = [root_id for root_id in self._roots if root_id not in self.locked]
        if not missing:
            return
        self._unused = set(self._writer.insert_roots(missing, _FIRST_VERSION))
        self._made = frozenset(self._unused)
        self.locked.update(dict.fromkeys(self._unused, _FIRST_VERSION))

    def _bump(self, changes: Changes) -> None:
        self._unused -= {record.id for record in changes.insert if isinstance(record, WorkflowExecution)}
        # Those of which nothing has changed stay as they are: others may have them in memory.
        touched = self.locked if changes.touched is None else changes.touched
        kept = [root_id for root_id in self.locked if root_id in touched and root_id not in self._made]
        if kept:
            root = models.Root
            self._connection.database.execute(root.update(version=root.version + 1).where(root.id.in_(kept)))
            for root_id in kept:
                self.locked[root_id] += 1


def _by_type(rows: Sequence[Record]) -> dict[type, list[Record]]:
    grouped: dict[type, list[Record]] = {}
    for record in rows:
        grouped.setdefault(type(record), []).append(record)
    return grouped
