"""Reports: a tree of executions with its tasks and actions, and figures about it."""

import time
from collections.abc import Iterator
from typing import Any

from mistralish import states
from mistralish.api.lists import read_newest
from mistralish.api.schemas.base import show
from mistralish.api.schemas.reports import ActionEntrySchema, EntrySchema
from mistralish.api.trees import ExecutionNode, TaskNode, load_tree
from mistralish.store.filters import Filter

_SAMPLE = 20
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
    report: dict[str, Any] = {"statistics": _statistics(tree)}
    if not statistics_only:
        report["root_workflow_execution"] = _execution(tree)
    return report


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
        (e["updated_at"] or e["created_at"]) - e["created_at"] for e in read_newest("execution", filters, _SAMPLE)
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
