"""A tree of executions, read level by level: the cost is that of its depth, not a query for each of its nodes."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mistralish import states
from mistralish.api.lists import owner, read_all
from mistralish.api.watching import wait_for_beginnings
from mistralish.errors import InputError
from mistralish.store.filters import Filter

Document = dict[str, Any]
# How many ids go into one query; well below what databases and argument limits allow.
_IDS_IN_A_QUERY = 100
# How many rows one answer may be made of.
MOST_ROWS = 50_000


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
    wait_for_beginnings()
    top = ExecutionNode(root)
    _Reader(root, errors_only, with_actions, include_output).grow([top], levels)
    return top


def load_below_task(
    task: Document, *, errors_only: bool, levels: int | None, include_output: bool
) -> list[ExecutionNode]:
    """The trees under the executions that a task started, each as :func:`load_tree` has it, without actions."""
    if errors_only and task["state"] != states.ERROR:
        return []
    node = TaskNode(task)
    reader = _Reader(task, errors_only, with_actions=False, include_output=include_output)
    reader.grow(reader.children([node]), levels)
    return node.executions


class _Reader:
    """Reads one tree, and no more than ``MOST_ROWS`` of it. ``top``: a row of whoever owns the tree."""

    def __init__(self, top: Document, errors_only: bool, with_actions: bool, include_output: bool) -> None:
        self._mine = owner(top)
        self._errors_only = errors_only
        self._with_actions = with_actions
        self._include_output = include_output
        self._rows = 0

    def grow(self, level: list[ExecutionNode], levels: int | None) -> None:
        """Read what is below ``level``, so many levels (None: all)."""
        while level and levels != 0:
            level = self._expand(level)
            levels = None if levels is None else levels - 1

    def children(self, tasks: list[TaskNode]) -> list[ExecutionNode]:
        """Read what tasks ran; return the executions among it."""
        by_type: dict[bool, dict[str, TaskNode]] = defaultdict(dict)
        for task in tasks:
            by_type[task.task["type"] == "WORKFLOW"][task.task["id"]] = task
        if self._with_actions:
            for document in self._read("action_execution", "task_execution_id", list(by_type[False])):
                by_type[False][document["task_execution_id"]].actions.append(document)
        found = []
        for document in self._read("execution", "task_execution_id", list(by_type[True]), self._include_output):
            child = ExecutionNode(document)
            by_type[True][document["task_execution_id"]].executions.append(child)
            found.append(child)
        return found

    def _expand(self, level: list[ExecutionNode]) -> list[ExecutionNode]:
        by_execution = {node.execution["id"]: node for node in level}
        tasks = []
        for node in level:
            node.tasks = []
        for document in self._read("task", "workflow_execution_id", list(by_execution)):
            if self._errors_only and document["state"] != states.ERROR:
                continue
            task = TaskNode(document)
            below = by_execution[document["workflow_execution_id"]].tasks
            assert below is not None
            below.append(task)
            tasks.append(task)
        return self.children(tasks)

    def _read(self, kind: str, column: str, ids: list[str], include_output: bool = False) -> Iterator[Document]:
        for start in range(0, len(ids), _IDS_IN_A_QUERY):
            some = Filter(column, "in", tuple(ids[start : start + _IDS_IN_A_QUERY]))
            for document in read_all(kind, (some,), of=self._mine, include_output=include_output):
                self._rows += 1
                if self._rows > MOST_ROWS:
                    raise InputError(
                        f"More than {MOST_ROWS} tasks, actions and executions are below this: ask for less of it with "
                        "max_depth, or page through the lists of tasks and executions"
                    )
                yield document
