"""An engine that notes what it is asked, and rows put into a store without one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rows import execution_row

from mistralish.config import Settings
from mistralish.engine import commands
from mistralish.engine.admissions import Admissions
from mistralish.engine.watchers import Watchers
from mistralish.store import Changes, Store, Tenant

PROJECT = Settings().project_id


@dataclass
class RecordingEngine:
    """Notes every command. Answers ``answer``, or raises it; starts an execution by keeping its row."""

    store: Store
    answer: Any = None
    commands: list[Any] = field(default_factory=list)
    watchers: Watchers = field(default_factory=lambda: Watchers(1, None))
    admissions: Admissions = field(default_factory=Admissions)

    def call(self, command: Any, timeout: float = 60, project_id: str | None = None) -> Any:
        self.commands.append(command)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None and isinstance(command, commands.StartExecution):
            workflow = self.store.get(
                "workflow", command.workflow, tenant=Tenant(command.project_id), namespace=command.namespace
            )
            row = execution_row(
                command.execution_id,
                workflow_name=workflow["name"],
                workflow_id=workflow["id"],
                input=command.input,
                description=command.description,
                params={**command.params, "namespace": command.namespace},
            )
            keep(self.store, row)
            return row
        return self.answer


def keep(store: Store, *rows: Any, specs: dict[str, Any] | None = None, history: Sequence[Any] = ()) -> None:
    """Write rows of running work as a turn does."""
    roots = {getattr(row, "root_execution_id", None) or row.id for row in rows}
    with store.turn(roots) as turn:
        turn.save(Changes(insert=rows, specs=specs or {}, history=history))
