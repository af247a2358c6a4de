"""The rows of running work, as plain values. The engine changes them, the store keeps them.

Times are integers: microseconds since 1970-01-01 UTC. ``None`` stands for SQL NULL. Dictionaries and
lists hold JSON-compatible data only. Field names are the column names.
"""

from dataclasses import dataclass, field
from typing import Any

JSON = Any


@dataclass(slots=True)
class WorkflowExecution:
    """One run of a workflow. ``root_execution_id`` is None for the root of a tree, as clients expect."""

    id: str
    name: str
    workflow_name: str
    workflow_id: str
    spec_id: str
    workflow_namespace: str = ""
    description: str = ""
    tags: list[str] | None = None
    state: str = "IDLE"
    state_info: str | None = None
    input: dict[str, JSON] = field(default_factory=dict)
    output: dict[str, JSON] | None = field(default_factory=dict)
    params: dict[str, JSON] = field(default_factory=dict)
    context: dict[str, JSON] = field(default_factory=dict)
    runtime_context: dict[str, JSON] = field(default_factory=dict)
    accepted: bool = False
    task_execution_id: str | None = None
    parent_execution_id: str | None = None
    root_execution_id: str | None = None
    project_id: str = ""
    created_at: int = 0
    updated_at: int | None = None


@dataclass(slots=True)
class TaskExecution:
    """One run of a task. What it could see is not stored: it follows from who triggered it."""

    id: str
    name: str
    workflow_execution_id: str
    workflow_name: str
    workflow_id: str
    workflow_namespace: str = ""
    type: str = "ACTION"
    tags: list[str] | None = None
    state: str = "IDLE"
    state_info: str | None = None
    unique_key: str | None = None
    processed: bool = False
    has_next_tasks: bool = False
    next_tasks: list[list[str]] | None = None
    error_handled: bool = False
    published: dict[str, JSON] | None = field(default_factory=dict)
    runtime_context: dict[str, JSON] = field(default_factory=dict)
    completed_seq: int = 0
    project_id: str = ""
    created_at: int = 0
    updated_at: int | None = None
    started_at: int | None = None
    finished_at: int | None = None


@dataclass(slots=True)
class ActionExecution:
    """One run of an action, for a task or on its own (then the four parent fields are None)."""

    id: str
    name: str
    task_execution_id: str | None = None
    workflow_execution_id: str | None = None
    workflow_name: str | None = None
    workflow_id: str | None = None
    workflow_namespace: str = ""
    description: str = ""
    tags: list[str] | None = None
    state: str = "RUNNING"
    state_info: str | None = None
    input: dict[str, JSON] | None = field(default_factory=dict)
    output: dict[str, JSON] | None = None
    accepted: bool = False
    is_sync: bool | None = True
    runtime_context: dict[str, JSON] = field(default_factory=dict)
    last_heartbeat: int | None = None
    project_id: str = ""
    created_at: int = 0
    updated_at: int | None = None


@dataclass(slots=True)
class Timer:
    """Something that must happen to an execution at ``due_at``: ``command`` is an engine command as JSON."""

    id: str
    due_at: int
    execution_id: str
    command: dict[str, JSON]


@dataclass(slots=True)
class Message:
    """A command that must outlive the process: it is handled in a later turn."""

    id: str
    execution_id: str
    command: dict[str, JSON]
    created_at: int


@dataclass(slots=True)
class QueuedCall:
    """A call of an action that waits for an executor called ``target``. ``id`` is the action execution's."""

    id: str
    target: str
    execution_id: str | None
    call: dict[str, JSON]
    created_at: int


@dataclass(slots=True)
class HistoryEvent:
    """One state change of an execution or of something in it; ``seq`` counts from 1 within the execution."""

    execution_id: str
    seq: int
    time: int
    type: str
    payload: dict[str, JSON]
