"""What the expression functions (``task()``, ``execution()``, …) see of the run that they are used in."""

from collections.abc import Mapping
from typing import Any

from mistralish.engine.machine import data
from mistralish.engine.run import Run, TaskRun
from mistralish.engine.world import World
from mistralish.times import moment


class RunScope:
    """Answers expression functions for one execution, and within it for one task where there is one."""

    __slots__ = ("_run", "_task", "_world", "project")

    def __init__(self, run: Run, world: World, task: TaskRun | None = None) -> None:
        self.project = run.ex.project_id
        self._run = run
        self._world = world
        self._task = task

    def env(self) -> Mapping[str, Any]:
        """The environment of the tree of executions."""
        return self._run.environment.values

    def task(self, name: str | None = None) -> dict[str, Any] | None:
        """The current task, or the newest execution of the one called ``name``; None where there is none."""
        task = self._task
        if task is None or (name and name != task.rec.name):
            task = self._run.latest(name) if name else None
        return None if task is None else self.shown(task)

    def tasks(
        self, workflow_execution_id: str | None, recursive: bool, state: str | None, flat: bool
    ) -> list[dict[str, Any]]:
        """Tasks of an execution (all of the project's for None), with those of its children if ``recursive``."""
        run = self._run
        if workflow_execution_id == run.ex.id and not recursive and not flat:
            return [self.shown(t) for t in run.tasks.values() if not state or t.rec.state == state]
        return self._world.tasks(workflow_execution_id, recursive, state, flat, run.ex.project_id)

    def execution(self) -> dict[str, Any]:
        """The execution itself."""
        ex = self._run.ex
        return {
            "id": ex.id,
            "name": ex.name,
            "spec": dict(self._run.plan.spec.data),
            "input": ex.input,
            "params": ex.params,
            "created_at": moment(ex.created_at),
            "updated_at": moment(ex.updated_at or ex.created_at),
            "root_execution_id": ex.root_execution_id,
        }

    def executions(
        self,
        id: str | None,
        root_execution_id: str | None,
        state: str | None,
        from_time: str | None,
        to_time: str | None,
    ) -> list[dict[str, Any]]:
        """The project's executions that fit."""
        filters = {
            "id": id,
            "root_execution_id": root_execution_id,
            "state": state,
            "from_time": from_time,
            "to_time": to_time,
        }
        return self._world.executions({k: v for k, v in filters.items() if v is not None}, self._run.ex.project_id)

    def global_(self, name: str) -> Any:
        """A variable that was published globally."""
        return self._run.ex.context.get(name)

    def shown(self, task: TaskRun) -> dict[str, Any]:
        """A task execution as expressions see it."""
        rec = task.rec
        return {
            "id": rec.id,
            "name": rec.name,
            "spec": dict(task.plan.spec.data),
            "state": rec.state,
            "state_info": rec.state_info,
            "result": data.result_of(self._run, task, self._world),
            "published": rec.published,
            "type": rec.type,
            "workflow_execution_id": rec.workflow_execution_id,
            "created_at": moment(rec.created_at),
            "updated_at": None if rec.updated_at is None else moment(rec.updated_at),
        }
