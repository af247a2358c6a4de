"""Which executions an event starts."""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

from mistralish.engine.commands import StartExecution
from mistralish.events.event import Event
from mistralish.ids import new_id

# Where the ids of executions come from whose event has an id of its own. Must never change.
_EXECUTIONS = uuid.UUID("5f1c2d0e-6f0b-5d0c-9d3e-7a2f7f2c4b11")
_PUBLIC = "public"


class Triggers(Protocol):
    """What is asked of the store."""

    def event_triggers_for(self, exchange: str, topic: str, event: str) -> list[dict[str, Any]]:
        """The triggers of all projects that wait for this event."""


@dataclass(frozen=True, slots=True)
class Start:
    """An execution that an event starts, and the trigger that says so."""

    trigger_id: str
    command: StartExecution


def starts(event: Event, store: Triggers, default_project: str) -> list[Start]:
    """Return what ``event`` starts: one execution for each trigger that waits for it and may know of it.

    A trigger may know of its own project's events, a public one of all. An event that names no project belongs to
    ``default_project``.
    """
    project = event.project_id or default_project
    return [
        Start(trigger["id"], _start(trigger, event))
        for trigger in store.event_triggers_for(event.exchange, event.topic, event.event_type)
        if trigger["scope"] == _PUBLIC or trigger["project_id"] == project
    ]


def _start(trigger: dict[str, Any], event: Event) -> StartExecution:
    """The start of a trigger's workflow. Its description tells clients, in JSON, which trigger it was."""
    description = {
        "description": f"Workflow execution created by event trigger '({trigger['id']})'.",
        "triggered_by": {"type": "event_trigger", "id": trigger["id"], "name": trigger["name"]},
    }
    return StartExecution(
        execution_id=_execution_id(trigger["id"], event),
        workflow=trigger["workflow_id"],
        namespace=trigger["workflow_namespace"],
        input=trigger["workflow_input"] or {},
        description=json.dumps(description),
        params={**(trigger["workflow_params"] or {}), "event_params": event.as_params()},
        project_id=trigger["project_id"],
    )


def _execution_id(trigger_id: str, event: Event) -> str:
    """The same id for the same event and trigger: started again, an execution that exists is left as it is."""
    if event.message_id is None:
        return new_id()
    return str(uuid.uuid5(_EXECUTIONS, json.dumps([trigger_id, event.exchange, event.topic, event.message_id])))
