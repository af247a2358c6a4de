"""Removing an execution piece by piece, so that a large one does not hold up what others want to write."""

from collections.abc import Sequence
from typing import Any

from mistralish.store import models
from mistralish.store.bulk import chunks
from mistralish.store.connection import Connection

_EXECUTION, _TASK, _ACTION, _HISTORY = (
    models.WorkflowExecution,
    models.TaskExecution,
    models.ActionExecution,
    models.History,
)


class Removal:
    """Removes at most about ``limit`` rows of what belongs to an execution, inside the caller's transaction."""

    def __init__(self, connection: Connection, limit: int) -> None:
        self._database = connection.database
        self._left = limit

    def empty(self, execution_id: str) -> bool:
        """Remove what is below an execution, the lowest first; say whether nothing of it is left."""
        while tasks := self._ids(_TASK, _TASK.workflow_execution_id, [execution_id]):
            if not (self._empty_tasks(tasks) and self._remove(_TASK, tasks)):
                return False
        return self._remove_history(execution_id)

    def _empty_tasks(self, tasks: Sequence[str]) -> bool:
        while children := self._ids(_EXECUTION, _EXECUTION.task_execution_id, tasks):
            for child in children:
                if not self.empty(child):
                    return False
                for model in (models.Timer, models.Message, models.QueuedCall):
                    self._database.execute(model.delete().where(model.execution_id == child))
                if not self._remove(_EXECUTION, [child]):
                    return False
        while actions := self._ids(_ACTION, _ACTION.task_execution_id, tasks):
            if not self._remove(_ACTION, actions):
                return False
        return True

    def _remove_history(self, execution_id: str) -> bool:
        mine = _HISTORY.execution_id == execution_id
        while self._left > 0:
            first = self._database.execute(
                _HISTORY.select(_HISTORY.seq).where(mine).order_by(_HISTORY.seq).limit(1)
            ).fetchone()
            if first is None:
                return True
            removed = self._database.execute(_HISTORY.delete().where(mine & (_HISTORY.seq < first[0] + self._left)))
            self._left -= removed.rowcount
        return False

    def _remove(self, model: Any, ids: Sequence[str]) -> bool:
        """Remove rows; say whether there is anything left of the limit."""
        for part in chunks(ids):
            self._database.execute(model.delete().where(model.id.in_(list(part))))
        self._left -= len(ids)
        return self._left > 0

    def _ids(self, model: Any, column: Any, values: Sequence[str]) -> list[str]:
        """The ids of some rows, no more than may be removed."""
        for part in chunks(values):
            query = model.select(model.id).where(column.in_(list(part))).limit(max(1, self._left))
            if found := [row[0] for row in self._database.execute(query).fetchall()]:
                return found
        return []
