"""Reports: a tree of executions with its tasks and actions, and figures about it.

Which states they went through, and are in, is what the history says.
"""

import time
from collections.abc import Iterator
from itertools import chain
from typing import Any

from mistralish import states
from mistralish.api.context import store
from mistralish.api.lists import owner, read_newest
from mistralish.api.schemas.base import show
from mistralish.api.schemas.reports import ActionEntrySchema, EntrySchema
from mistralish.api.trees import ExecutionNode, TaskNode, load_tree
from mistralish.store.filters import Filter

_SAMPLE = 20
_MOST_EVENTS = 100_000
_ID_OF = {"task": "task_id", "action": "action_id"}
_UNKNOWN = -1
_COUNTED = {
    states.RUNNING: "running_tasks_count",
    states.SUCCESS: "success_tasks_count",
    states.ERROR: "error_tasks_count",
    states.IDLE: "idle_tasks_count",
    states.PAUSED: "paused_tasks_count",
}


def build_report(root: dict[str, Any], *, errors_only: bool, max_depth: int, statistics_only: bool) -> dict[str, Any]:
    """The report on an execution: ``statistics``, and unless only those are wanted, ``root_workflow_execution``.

    It has the tasks of executions down to ``max_depth``, where the root is at 0; of all when that is negative.
    """
    levels = None if max_depth < 0 else max_depth + 1
    tree = load_tree(root, errors_only=errors_only, levels=levels, with_actions=not statistics_only)
    _tell_states(tree, "task" if statistics_only else None)
    report: dict[str, Any] = {"statistics": _statistics(tree)}
    if not statistics_only:
        report["root_workflow_execution"] = _execution(tree)
    return report


def _tell_states(tree: ExecutionNode, kind: str | None) -> None:
    """Give every row of the tree its states as the history has them, the last of them being its state.

    Where there are very many events, the rows of the executions beyond have their state only.
    """
    nodes = list(tree.walk())
    rows = {row["id"]: row for row in chain.from_iterable(map(_rows, nodes))}
    whole = [node.execution["id"] for node in nodes if node.tasks is not None]
    cut_off = [node.execution["id"] for node in nodes if node.tasks is None]
    for events in chain(
        store().histories(whole, limit=_MOST_EVENTS, kind=kind),
        store().histories(cut_off, limit=_MOST_EVENTS, kind="execution"),
    ):
        for event in events:
            row = rows.get(event.payload.get(_ID_OF.get(event.type, ""), event.execution_id))
            if row is not None:
                row["state"] = event.payload["state"]
                row.setdefault("state_changes", []).append({"state": row["state"], "time": event.time})


def _rows(node: ExecutionNode) -> Iterator[dict[str, Any]]:
    yield node.execution
    for task in node.tasks or ():
        yield task.task
        yield from task.actions


def _statistics(tree: ExecutionNode) -> dict[str, int]:
    # Tasks in other states are not counted, not even in the total: so it is in the reference.
    counts = dict.fromkeys(("total_tasks_count", *_COUNTED.values()), 0)
    for task in _tasks(tree):
        name = _COUNTED.get(task.task["state"])
        if name:
            counts[name] += 1
            counts["total_tasks_count"] += 1
    return {**counts, "estimated_time": _seconds_left(tree.execution)}


def _tasks(tree: ExecutionNode) -> Iterator[TaskNode]:
    for node in tree.walk():
        yield from node.tasks or ()


def _seconds_left(execution: dict[str, Any]) -> int:
    """How long a running execution may still take, by the mean of the latest that succeeded; -1: there are none."""
    if execution["state"] != states.RUNNING:
        return 0
    filters = (
        Filter("workflow_id", "eq", (execution["workflow_id"],)),
        Filter("state", "eq", (states.SUCCESS,)),
    )
    durations = [
        (e["updated_at"] or e["created_at"]) - e["created_at"]
        for e in read_newest("execution", filters, _SAMPLE, of=owner(execution))
    ]
    if not durations:
        return _UNKNOWN
    elapsed = time.time_ns() // 1000 - execution["created_at"]
    left = sum(durations) // len(durations) - elapsed
    return max(left // 1_000_000, 1)


def _execution(node: ExecutionNode) -> dict[str, Any]:
    entry = show(EntrySchema, node.execution)
    if node.tasks is not None:
        entry["task_executions"] = [_task(task) for task in node.tasks]
    return entry


def _task(node: TaskNode) -> dict[str, Any]:
    entry = show(EntrySchema, node.task)
    retries = (node.task.get("runtime_context") or {}).get("retry_task_policy")
    if retries:
        entry["retry_count"] = retries["retry_no"]
    entry["action_executions"] = [show(ActionEntrySchema, action) for action in node.actions]
    entry["workflow_executions"] = [_execution(child) for child in node.executions]
    return entry
