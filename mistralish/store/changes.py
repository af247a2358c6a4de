"""What a turn writes, and what it reads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mistralish.records import (
    ActionExecution,
    HistoryEvent,
    Message,
    QueuedCall,
    TaskExecution,
    Timer,
    WorkflowExecution,
)

Record = WorkflowExecution | TaskExecution | ActionExecution


@dataclass(slots=True)
class Changes:
    """Everything that one turn changes; ``Turn.save`` writes it in this order.

    ``specs``: id (``json_text.spec_id``) → data; one that is there already is left alone.
    ``accepted``: (execution id, flag) of child executions that are otherwise unchanged.
    ``delete_executions``: ids; each goes with its tasks, actions, children (and theirs), timers, messages, history.
    ``touched``: the roots of the trees that have changed, None for all that the turn has locked.
    """

    insert: Sequence[Record] = field(default_factory=list)
    update: Sequence[Record] = field(default_factory=list)
    specs: Mapping[str, Any] = field(default_factory=dict)
    add_timers: Sequence[Timer] = field(default_factory=list)
    remove_timers: Sequence[str] = field(default_factory=list)
    add_messages: Sequence[Message] = field(default_factory=list)
    remove_messages: Sequence[str] = field(default_factory=list)
    add_calls: Sequence[QueuedCall] = field(default_factory=list)
    remove_calls: Sequence[str] = field(default_factory=list)
    history: Sequence[HistoryEvent] = field(default_factory=list)
    accepted: Sequence[tuple[str, bool]] = field(default_factory=list)
    delete_executions: Sequence[str] = field(default_factory=list)
    delete_actions: Sequence[str] = field(default_factory=list)
    touched: Collection[str] | None = None


@dataclass(slots=True)
class StoredRun:
    """One workflow execution as far as it can still matter.

    ``tasks`` are all of its tasks, oldest first. ``actions`` and ``children`` are those of tasks that are not
    both finished and processed. Children come without ``input``, ``params`` and ``context`` (empty
    dictionaries). ``history_seq`` is the number of its last history event, 0 for none.
    """

    execution: WorkflowExecution
    tasks: list[TaskExecution]
    actions: list[ActionExecution]
    children: list[WorkflowExecution]
    timers: list[Timer]
    history_seq: int
