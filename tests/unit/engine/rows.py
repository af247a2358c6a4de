"""What a simulation keeps of its runs: the rows that the database would have."""

import copy
from typing import Any

from mistralish import states
from mistralish.engine import steps
from mistralish.records import ActionExecution, HistoryEvent, TaskExecution, Timer, WorkflowExecution
from mistralish.store import StoredRun
from mistralish.store.json_text import dump, load


class Rows:
    """Rows by id. With ``copies`` they are kept and given as JSON keeps them; else the very objects."""

    def __init__(self, copies: bool) -> None:
        self._copies = copies
        self.executions: dict[str, WorkflowExecution] = {}
        self.tasks: dict[str, TaskExecution] = {}
        self.actions: dict[str, ActionExecution] = {}
        self.history: dict[str, list[HistoryEvent]] = {}
        self.timers: dict[str, Timer] = {}

    def save(self, record: Any) -> None:
        """Keep a row."""
        table: Any = {
            WorkflowExecution: self.executions,
            TaskExecution: self.tasks,
            ActionExecution: self.actions,
        }[type(record)]
        table[record.id] = self._copied(record)

    def children(self, task_id: str) -> tuple[list[ActionExecution], list[WorkflowExecution]]:
        """The action executions and child executions of a task."""
        return (
            [self._copied(a) for a in _in_order(self.actions) if a.task_execution_id == task_id],
            [self._copied(e) for e in _in_order(self.executions) if e.task_execution_id == task_id],
        )

    def load_run(self, execution_id: str) -> StoredRun | None:
        """What the store's turn gives for an execution."""
        if execution_id not in self.executions:
            return None
        tasks = [t for t in _in_order(self.tasks) if t.workflow_execution_id == execution_id]
        active = {t.id for t in tasks if not (states.is_completed(t.state) and t.processed)}
        return StoredRun(
            execution=self._copied(self.executions[execution_id]),
            tasks=[self._copied(t) for t in tasks],
            actions=[self._copied(a) for a in _in_order(self.actions) if a.task_execution_id in active],
            children=[self._copied(e) for e in _in_order(self.executions) if e.task_execution_id in active],
            timers=[t for t in self.timers.values() if t.execution_id == execution_id],
            history_seq=len(self.history.get(execution_id, ())),
        )

    def arm(self, timer_id: str, due_at: int, execution_id: str, step: Any) -> None:
        """Keep a timer."""
        self.timers[timer_id] = Timer(timer_id, due_at, execution_id, load(dump(steps.to_json(step))))

    def _copied(self, record: Any) -> Any:
        if not self._copies:
            return record
        twin = copy.copy(record)
        for name in type(record).__slots__:
            value = getattr(record, name)
            if isinstance(value, dict | list):
                setattr(twin, name, load(dump(value)))
        return twin


def _in_order(table: dict[str, Any]) -> list[Any]:
    """Rows as the store gives them: the oldest first."""
    return sorted(table.values(), key=lambda row: (row.created_at, row.id))
