"""A workflow execution in memory: its rows, and what follows from them, kept up to date step by step."""

from collections import deque
from typing import Any

from mistralish import states
from mistralish.engine.context import Context
from mistralish.engine.plan import Plan, TaskPlan
from mistralish.records import ActionExecution, HistoryEvent, TaskExecution, WorkflowExecution

INCOMPLETE = frozenset(s for s in states.ALL if s not in states.COMPLETED)


class ChildRef:
    """A child execution as its task sees it."""

    __slots__ = (
        "accepted", "created_at", "id", "name", "output", "runtime_context", "state", "state_info", "task_id",
    )  # fmt: skip

    def __init__(self, record: WorkflowExecution) -> None:
        self.id = record.id
        self.task_id = record.task_execution_id
        self.name = record.name
        self.state = record.state
        self.state_info = record.state_info
        self.accepted = record.accepted
        self.created_at = record.created_at
        self.output = record.output
        self.runtime_context = record.runtime_context


Child = ActionExecution | ChildRef


class TaskRun:
    """A task execution in memory.

    ``children`` is None until they are needed and loaded. ``running``, ``accepted``, ``errors`` and
    ``cancelled`` count them, so that nothing has to walk over them when one of many ends. ``number`` counts the
    tasks of a run as they were made.
    """

    __slots__ = (
        "accepted", "arrived", "cancelled", "children", "errors", "in_context", "items", "number", "out_context",
        "pending", "plan", "rec", "running", "timers",
    )  # fmt: skip

    def __init__(self, rec: TaskExecution, plan: TaskPlan) -> None:
        self.rec = rec
        self.plan = plan
        self.number = 0
        self.children: dict[str, Child] | None = {}
        self.running = self.accepted = self.errors = self.cancelled = 0
        self.in_context: Context | None = None
        self.out_context: Context | None = None
        self.items: dict[str, list[Any]] | None = None
        self.pending: deque[int] | None = None
        self.arrived: set[str] | None = None
        self.timers: list[str] | None = None

    def recount(self) -> None:
        """Count the children anew."""
        children = list((self.children or {}).values())
        self.running = sum(1 for c in children if c.state not in states.COMPLETED)
        self.accepted = sum(1 for c in children if c.accepted)
        self.errors = sum(1 for c in children if c.accepted and c.state == states.ERROR)
        self.cancelled = sum(1 for c in children if c.accepted and c.state == states.CANCELLED)


class Environment:
    """The environment of a tree of executions: one, shared by all of them."""

    __slots__ = ("layer", "values")

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.layer = {"__env": values}

    def update(self, values: dict[str, Any]) -> None:
        """Replace the values for every execution of the tree."""
        self.values = values
        self.layer = {"__env": values}


class Run:
    """A workflow execution in memory, and what has changed since it was last saved.

    ``merges``: what is published is merged into what was before (the setting ``merge_strategy``). ``context_size``:
    bytes of the variables that a task saw when that was last measured; ``published_since``: bytes published since.
    """

    __slots__ = (
        "actions", "agenda", "by_name", "cancelled", "changed", "completions", "context_size", "created", "effects",
        "environment", "events", "ex", "incomplete", "is_new", "is_touched", "merges", "mutations", "plan",
        "published_since", "seq", "tasks", "unhandled",
    )  # fmt: skip

    def __init__(self, ex: WorkflowExecution, plan: Plan, environment: Environment, merges: bool = False) -> None:
        self.ex = ex
        self.merges = merges
        self.plan = plan
        self.environment = environment
        self.tasks: dict[str, TaskRun] = {}
        self.by_name: dict[str, list[TaskRun]] = {}
        self.actions: dict[str, TaskRun] = {}
        self.incomplete = self.unhandled = self.cancelled = 0
        self.seq = self.completions = self.mutations = 0
        self.context_size, self.published_since = 0, 1 << 62  # not known, so the first time it is measured
        self.agenda: deque[Any] = deque()
        self.effects: list[Any] = []
        self.is_new = False
        self.is_touched = False
        self.created: list[TaskExecution | ActionExecution] = []
        self.changed: dict[str, TaskExecution | ActionExecution] = {}
        self.events: list[HistoryEvent] = []

    @property
    def root_id(self) -> str:
        """The id of the tree's root: the one lock of them all."""
        return self.ex.root_execution_id or self.ex.id

    def add_task(self, task: TaskRun) -> None:
        """Take a task execution in, counting it."""
        task.number = len(self.tasks)
        self.tasks[task.rec.id] = task
        self.by_name.setdefault(task.rec.name, []).append(task)
        self.count(task.rec, 1)

    def add_child(self, task: TaskRun, child: Child) -> None:
        """Take a child of a task in, counting it."""
        assert task.children is not None
        task.children[child.id] = child
        task.running += 1
        self.actions[child.id] = task

    def count(self, rec: TaskExecution, by: int) -> None:
        """Add a task execution to the counts of its state, or take it out."""
        state = rec.state
        if state not in states.COMPLETED:
            self.incomplete += by
        elif state == states.CANCELLED:
            self.cancelled += by
        elif state == states.ERROR and not rec.error_handled:
            self.unhandled += by

    def touch(self, rec: TaskExecution | ActionExecution) -> None:
        """Note that a row has changed."""
        self.mutations += 1
        self.changed[rec.id] = rec

    def record(self, now: int, kind: str, payload: dict[str, Any]) -> None:
        """Add a state change to the history."""
        self.mutations += 1
        self.seq += 1
        self.events.append(HistoryEvent(self.ex.id, self.seq, now, kind, payload))

    def latest(self, name: str) -> TaskRun | None:
        """The newest execution of the task called ``name``."""
        named = self.by_name.get(name)
        return named[-1] if named else None

    @property
    def is_finished(self) -> bool:
        """Whether nothing can happen to it any more, but for a rerun."""
        return self.ex.state in states.COMPLETED and self.incomplete == 0
