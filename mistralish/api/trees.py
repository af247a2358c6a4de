"""A tree of executions, read level by level: the cost is that of its depth, not a query for each of its nodes."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mistralish import states
from mistralish.api.lists import read_all
from mistralish.store.filters import Filter

Document = dict[str, Any]
# How many ids go into one query; well below what databases and argument limits allow.
_IDS_IN_A_QUERY = 100


@dataclass(slots=True)
class TaskNode:
    """A task execution with what it ran."""

    task: Document
    actions: list[Document] = field(default_factory=list)
    executions: list["ExecutionNode"] = field(default_factory=list)


@dataclass(slots=True)
class ExecutionNode:
    """An execution; ``tasks`` is None where the tree was cut off."""

    execution: Document
    tasks: list[TaskNode] | None = None

    def walk(self) -> Iterator["ExecutionNode"]:
        """This node and all below it, each before those below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed([child for task in node.tasks or () for child in task.executions])


def load_tree(
    root: Document, *, errors_only: bool, levels: int | None, with_actions: bool, include_output: bool = False
) -> ExecutionNode:
    """The tree under ``root``: tasks and what they ran, for so many ``levels`` of executions (None: for all).

    No level: the root alone; one: the root's tasks, and what they ran. With ``errors_only``, only tasks that failed.
    """
    top = ExecutionNode(root)
    _grow([top], levels, errors_only, with_actions, include_output)
    return top


def load_below_task(
    task: Document, *, errors_only: bool, levels: int | None, include_output: bool
) -> list[ExecutionNode]:
    """The trees under the executions that a task started, each as :func:`load_tree` has it, without actions."""
    if errors_only and task["state"] != states.ERROR:
        return []
    node = TaskNode(task)
    found = _children([node], with_actions=False, include_output=include_output)
    _grow(found, levels, errors_only, with_actions=False, include_output=include_output)
    return node.executions


def _grow(
    level: list[ExecutionNode], levels: int | None, errors_only: bool, with_actions: bool, include_output: bool
) -> None:
    while level and levels != 0:
        level = _expand(level, errors_only, with_actions, include_output)
        levels = None if levels is None else levels - 1


def _expand(
    level: list[ExecutionNode], errors_only: bool, with_actions: bool, include_output: bool
) -> list[ExecutionNode]:
    by_execution = {node.execution["id"]: node for node in level}
    tasks = []
    for node in level:
        node.tasks = []
    for document in _read("task", "workflow_execution_id", list(by_execution)):
        if errors_only and document["state"] != states.ERROR:
            continue
        task = TaskNode(document)
        below = by_execution[document["workflow_execution_id"]].tasks
        assert below is not None
        below.append(task)
        tasks.append(task)
    return _children(tasks, with_actions, include_output)


def _children(tasks: list[TaskNode], with_actions: bool, include_output: bool) -> list[ExecutionNode]:
    by_type: dict[bool, dict[str, TaskNode]] = defaultdict(dict)
    for task in tasks:
        by_type[task.task["type"] == "WORKFLOW"][task.task["id"]] = task
    if with_actions:
        for document in _read("action_execution", "task_execution_id", list(by_type[False])):
            by_type[False][document["task_execution_id"]].actions.append(document)
    found = []
    for document in _read("execution", "task_execution_id", list(by_type[True]), include_output):
        child = ExecutionNode(document)
        by_type[True][document["task_execution_id"]].executions.append(child)
        found.append(child)
    return found


def _read(kind: str, column: str, ids: list[str], include_output: bool = False) -> Iterator[Document]:
    for start in range(0, len(ids), _IDS_IN_A_QUERY):
        some = Filter(column, "in", tuple(ids[start : start + _IDS_IN_A_QUERY]))
        yield from read_all(kind, (some,), include_output=include_output)
