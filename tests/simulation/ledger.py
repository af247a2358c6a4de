"""What the database was given so far, commit by commit, and what must hold after each."""

import copy
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from mistralish import states
from mistralish.records import ActionExecution, Message, TaskExecution, Timer, WorkflowExecution
from mistralish.store import Changes

_UNTOLD = {WorkflowExecution: states.IDLE, TaskExecution: states.IDLE, ActionExecution: states.RUNNING}


class Ledger:
    """Rows as they were committed. ``may_revive``: a caller has just asked to run finished tasks again.

    ``restarts``: tasks (by name) that the workflow itself may start again after their end: joins with late branches.
    """

    def __init__(self) -> None:
        self.executions: dict[str, WorkflowExecution] = {}
        self.tasks: dict[str, TaskExecution] = {}
        self.actions: dict[str, ActionExecution] = {}
        self.timers: dict[str, Timer] = {}
        self.messages: dict[str, Message] = {}
        self.may_revive = False
        self.restarts: set[str] = set()
        self.retries: dict[str, int] = {}
        self.commits = 0
        self._seq: dict[str, int] = defaultdict(int)
        self._told: dict[str, str] = {}
        self._starts: dict[str, int] = defaultdict(int)

    def take(self, changes: Changes) -> None:
        """Take in a commit. Raises AssertionError for what may not be."""
        self.commits += 1
        for record in changes.insert:
            table = self._table(record)
            assert record.id not in table, f"{record.id} is inserted twice"
            table[record.id] = copy.copy(record)
        for record in changes.update:
            before = self._table(record).get(record.id)
            assert before is not None, f"{record.id} is updated before it is there"
            self._compare(before, record)
            self._table(record)[record.id] = copy.copy(record)
        for execution_id, flag in changes.accepted:
            self.executions[execution_id].accepted = flag
        for timer in changes.add_timers:
            self.timers[timer.id] = timer
        for timer_id in changes.remove_timers:
            self.timers.pop(timer_id, None)
        for message in changes.add_messages:
            self.messages[message.id] = message
        for message_id in changes.remove_messages:
            self.messages.pop(message_id, None)
        for event in changes.history:
            self._replay(event)
        changed = [*changes.insert, *changes.update]
        self._explained(changed)
        self._has_a_place(changed)
        self._goes_on({self._execution_of(record) for record in changed})

    def _table(self, record: Any) -> dict[str, Any]:
        tables: dict[type, dict[str, Any]] = {
            WorkflowExecution: self.executions,
            TaskExecution: self.tasks,
            ActionExecution: self.actions,
        }
        return tables[type(record)]

    def _compare(self, before: Any, after: Any) -> None:
        """What has ended stays as it is."""
        if before.state not in states.COMPLETED:
            return
        if isinstance(after, ActionExecution):
            assert after.state == before.state, f"action {after.id} ended twice: {before.state}, {after.state}"
            assert after.output in (before.output, {}), f"action {after.id} has another result now"
        elif not self.may_revive and not (isinstance(after, TaskExecution) and after.name in self.restarts):
            assert after.state == before.state, f"{after.name} was {before.state}, now it is {after.state}"
            if isinstance(after, TaskExecution):
                assert (after.published or {}) == (before.published or {}), f"{after.name} publishes something else"
            else:
                assert after.output == before.output, f"{after.name} gives something else"

    def _replay(self, event: Any) -> None:
        self._seq[event.execution_id] += 1
        assert event.seq == self._seq[event.execution_id], "history has a gap"
        payload = event.payload
        key = payload.get("action_id") or payload.get("task_id") or event.execution_id
        before = self._told.get(key)
        self._told[key] = payload["state"]
        if event.type == "action":
            assert before not in states.COMPLETED, f"action {key} ended twice"
        task = self.tasks.get(key)
        if task is not None and task.unique_key and (before, payload["state"]) == (states.WAITING, states.RUNNING):
            self._starts[key] += 1
            most = 1 + self.retries.get(task.name, 0)
            is_free = self.may_revive or task.name in self.restarts
            assert is_free or self._starts[key] <= most, f"join {task.name} started {self._starts[key]} times"

    def _explained(self, changed: Iterable[Any]) -> None:
        for record in changed:
            told = self._told.get(record.id, _UNTOLD[type(record)])
            assert told == record.state, f"{record.name} is {record.state}, history says {told}"

    def _has_a_place(self, changed: Iterable[Any]) -> None:
        for record in changed:
            if isinstance(record, TaskExecution):
                assert record.workflow_execution_id in self.executions, f"task {record.name} is an orphan"
            elif record.task_execution_id is not None:
                assert record.task_execution_id in self.tasks, f"{record.name} is an orphan"

    def _execution_of(self, record: Any) -> str:
        return record.id if isinstance(record, WorkflowExecution) else str(record.workflow_execution_id)

    def _goes_on(self, executions: Iterable[str]) -> None:
        """Whatever has not ended has something that will move it."""
        moved = {timer.execution_id for timer in self.timers.values()}
        moved |= {message.execution_id for message in self.messages.values()}
        moved |= {str(a.workflow_execution_id) for a in self.actions.values() if a.state not in states.COMPLETED}
        moved |= {
            str(e.parent_execution_id) for e in self.executions.values() if e.state not in states.COMPLETED
        }  # a child's end is told
        for execution_id in executions:
            execution = self.executions[execution_id]
            is_settled = execution.state in (*states.COMPLETED, states.PAUSED)
            assert is_settled or execution_id in moved, (
                f"nothing will move {execution.name} any more: "
                f"{[(t.name, t.state) for t in self.tasks.values() if t.workflow_execution_id == execution_id]}"
            )
