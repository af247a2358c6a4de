"""How the tasks of a workflow hang together: who follows whom, and whether that can work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from mistralish.lang import fields
from mistralish.lang.clauses import ON_CLAUSES, transition_nodes
from mistralish.lang.nodes import Node
from mistralish.lang.specs import ENGINE_COMMANDS, TaskSpec

MAX_LINKS = 1_000_000


@dataclass(frozen=True, slots=True)
class Graph:
    """Tasks before and after each task, in file order, and those that nothing leads to."""

    inbound: Mapping[str, tuple[str, ...]]
    outbound: Mapping[str, tuple[str, ...]]
    start_tasks: tuple[str, ...]


def build_graph(tasks: Mapping[str, TaskSpec]) -> Graph:
    """Return the graph of a workflow: along the ``on-*`` clauses, or along ``requires`` where they are used."""
    order = {name: index for index, name in enumerate(tasks)}
    outbound: dict[str, set[str]] = {name: set() for name in tasks}
    inbound: dict[str, set[str]] = {name: set() for name in tasks}
    for task in tasks.values():
        for target in _transition_targets(task):
            if target in tasks:
                outbound[task.name].add(target)
                inbound[target].add(task.name)
        for required in task.requires:
            outbound[required].add(task.name)
            inbound[task.name].add(required)
    return Graph(
        {name: tuple(sorted(names, key=order.__getitem__)) for name, names in inbound.items()},
        {name: tuple(sorted(names, key=order.__getitem__)) for name, names in outbound.items()},
        tuple(name for name, names in inbound.items() if not names),
    )


def check_size(workflow: Node) -> None:
    """Check that ``task-defaults`` do not make too many links. To be called before the tasks are built."""
    defaults = workflow.fields.get("task-defaults")
    if defaults is None:
        return
    links = sum(1 for _ in _references(defaults)) * len(workflow.fields["tasks"].fields)
    if links > MAX_LINKS:
        defaults.fail_at_key(f"'task-defaults' make {links} links between tasks", f"at most {MAX_LINKS} are allowed")


def check_links(tasks: Mapping[str, TaskSpec], workflow: Node) -> None:
    """Check that every transition and every ``requires`` leads to a task. Raises LanguageError at the place."""
    for task in tasks.values():
        for target in (*_transition_targets(task), *task.requires):
            if target not in tasks and (task.requires or target not in ENGINE_COMMANDS):
                _unknown_task(target, task, tasks, workflow)


def check_graph(graph: Graph, tasks: Mapping[str, TaskSpec], workflow: Node) -> None:
    """Check that a direct workflow can start and that its joins can be reached. Raises LanguageError."""
    if not graph.start_tasks:
        workflow.fields["tasks"].fail_at_key(
            "no task can start first: every task has another one before it",
            "leave at least one task out of all on-* clauses",
        )
    for task in tasks.values():
        if task.join is None:
            continue
        needed = 1 if isinstance(task.join, str) else task.join
        inbound = graph.inbound[task.name]
        if len(inbound) < needed:
            node = workflow.fields["tasks"].fields[task.name].fields["join"]
            node.fail(
                f"task {fields.quoted(task.name)} has 'join: {task.join}', and {len(inbound)} tasks lead to it",
                f"at least {needed} must have it in an on-* clause"
                + (f"; now it is {fields.listed(inbound)}" if inbound else ""),
            )


def _transition_targets(task: TaskSpec) -> Iterable[str]:
    for clause in (task.on_complete, task.on_success, task.on_error, task.on_skip):
        for transition in clause:
            yield transition.target


def _unknown_task(target: str, task: TaskSpec, tasks: Mapping[str, TaskSpec], workflow: Node) -> NoReturn:
    """Raise at the place where an unknown task is named: in the task itself, or in ``task-defaults``."""
    sections = [workflow.fields["tasks"].fields[task.name]]
    if "task-defaults" in workflow.fields:
        sections.append(workflow.fields["task-defaults"])
    known = [*tasks, *(() if task.requires else sorted(ENGINE_COMMANDS))]
    hint = fields.suggestion(target, known, "known tasks" if task.requires else "known tasks and commands")
    for section in sections:
        for key, name, node in _references(section):
            if name == target:
                node.fail(f"unknown task {fields.quoted(target)} in '{key}' of task {fields.quoted(task.name)}", hint)
    raise AssertionError("a link that is written nowhere")


def _references(section: Node) -> Iterable[tuple[str, str, Node]]:
    for key in ON_CLAUSES:
        if key in section.fields:
            for name, node in transition_nodes(section.fields[key]):
                yield key, name, node
    requires = section.fields.get("requires")
    if requires is not None:
        for node in requires.items or [requires]:
            yield "requires", str(node.value), node
