"""The world as the turn loop shows it to decisions: the clock, definitions, and other executions."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mistralish.actions import Action
from mistralish.engine.catalog import Catalog
from mistralish.engine.memory import Memory
from mistralish.engine.run import ChildRef, Run
from mistralish.engine.scope import RunScope
from mistralish.engine.world import Definition
from mistralish.errors import InputError
from mistralish.expressions import budget
from mistralish.expressions.limits import MAX_SIZE
from mistralish.expressions.values import Meter
from mistralish.ids import new_id
from mistralish.records import ActionExecution, WorkflowExecution
from mistralish.store import Store, Tenant, Turn, parse_query
from mistralish.times import moment

LIST_LIMIT = 1_000
"""How many rows ``tasks()`` and ``executions()`` give at the most."""

_LONG_SECONDS = 0.05
_PAGE = 50


class TurnWorld:
    """The World of one turn. ``now`` (µs) is set by the loop for each command."""

    def __init__(self, store: Store, catalog: Catalog, memory: Memory, turn: Turn, field_limit: int, now: int) -> None:
        self._store = store
        self._catalog = catalog
        self._memory = memory
        self._turn = turn
        self.field_limit = field_limit
        self.merges = memory.merges
        self.now = now
        self._time_is_up_at = time.monotonic() + _LONG_SECONDS

    def is_time_up(self) -> bool:
        """See ``World``."""
        return time.monotonic() > self._time_is_up_at

    def new_id(self) -> str:
        """A new identifier."""
        return new_id()

    def find_workflow(self, name: str, namespace: str, project_id: str) -> Definition | None:
        """See ``World``."""
        return self._catalog.workflow(name, namespace, project_id)

    def find_action(self, name: str, namespace: str, project_id: str) -> Action | None:
        """See ``World``."""
        return self._catalog.action(name, namespace, project_id)

    def find_environment(self, name: str, project_id: str) -> dict[str, Any] | None:
        """See ``World``."""
        return self._catalog.environment(name, project_id)

    def load_children(self, task_id: str) -> tuple[list[ActionExecution], list[WorkflowExecution]]:
        """See ``World``."""
        return self._turn.load_children(task_id)

    def task_of_action(self, action_id: str) -> str | None:
        """See ``World``."""
        action = self._turn.load_action(action_id)
        return None if action is None else action.task_execution_id

    def tasks(
        self, workflow_execution_id: str | None, recursive: bool, state: str | None, flat: bool, project_id: str
    ) -> list[dict[str, Any]]:
        """See ``World``. ``flat``: without tasks whose child executions are in the task's own state."""
        if workflow_execution_id is not None:
            runs = self._tree(workflow_execution_id, recursive, project_id)
        else:
            runs = self._all_runs(project_id)
        end = time.monotonic() + budget.seconds
        found: list[dict[str, Any]] = []
        for run in runs:
            if time.monotonic() > end:
                raise InputError(f"there are too many tasks to be read in {budget.seconds:g} s: ask for fewer")
            scope = RunScope(run, self)
            for task in run.tasks.values():
                if state and task.rec.state != state:
                    continue
                if flat and task.rec.type == "WORKFLOW" and self._mirrors_child(run, task):
                    continue
                found.append(scope.shown(task))
                if len(found) >= LIST_LIMIT:
                    return found
        return found

    def executions(self, filters: dict[str, Any], project_id: str) -> list[dict[str, Any]]:
        """See ``World``."""
        args = {k: v for k, v in filters.items() if k not in ("from_time", "to_time")}
        if "from_time" in filters:
            args["created_at"] = f"gte:{filters['from_time']}"
        if "to_time" in filters:
            args["created_at"] = f"lt:{filters['to_time']}"
        rows: list[dict[str, Any]] = []
        room = Meter(MAX_SIZE)
        for row in self._list("execution", args, project_id):
            room.take(row)
            rows.append(row)
        return [
            {
                **row,
                "created_at": moment(row["created_at"]),
                "updated_at": moment(row["updated_at"] or row["created_at"]),
            }
            for row in rows
        ]

    def _list(self, kind: str, args: dict[str, Any], project_id: str) -> Iterator[dict[str, Any]]:
        """Rows, page by page; raises InputError when that takes too long."""
        end = time.monotonic() + budget.seconds
        query = parse_query(kind, args, default_limit=_PAGE, max_limit=_PAGE)
        for _ in range(LIST_LIMIT // _PAGE):
            page = self._store.list(kind, query, tenant=Tenant(project_id))
            yield from page.items
            if page.marker is None:
                return
            if time.monotonic() > end:
                raise InputError(f"there are too many {kind}s to be read in {budget.seconds:g} s: ask for fewer")
            query = replace(query, marker=page.marker)

    def _tree(self, execution_id: str, recursive: bool, project_id: str) -> Iterator[Run]:
        run = self._memory.load(self._turn, execution_id)
        if run is None or run.ex.project_id != project_id:
            return
        yield run
        if recursive:
            for task in run.tasks.values():
                if task.rec.type == "WORKFLOW":
                    for child in self._children(run, task):
                        yield from self._tree(child.id, True, project_id)

    def _all_runs(self, project_id: str) -> Iterator[Run]:
        for row in self._list("execution", {"fields": "id"}, project_id):
            run = self._memory.load(self._turn, row["id"])
            if run is not None:
                yield run

    def _children(self, run: Run, task: Any) -> list[ChildRef]:
        from mistralish.engine.machine import data

        return [c for c in data.children(run, task, self).values() if isinstance(c, ChildRef)]

    def _mirrors_child(self, run: Run, task: Any) -> bool:
        return any(child.state == task.rec.state for child in self._children(run, task))
