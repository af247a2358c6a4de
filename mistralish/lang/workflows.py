"""Workflows: one or several in a file, or within a workbook."""

import uuid
from collections.abc import Mapping
from typing import Any

from mistralish.lang import fields
from mistralish.lang.clauses import ON_CLAUSES, build_clause
from mistralish.lang.documents import definition_items, read_document
from mistralish.lang.graph import Graph, build_graph, check_graph, check_links, check_size
from mistralish.lang.nodes import Node
from mistralish.lang.slices import cut_definition
from mistralish.lang.specs import REQUIRED, TaskSpec, WorkflowSpec
from mistralish.lang.tasks import build_task, check_task, check_task_defaults, complete_task

TYPES = ("direct", "reverse")


def parse_workflows(text: str) -> tuple[WorkflowSpec, ...]:
    """Return the workflows of a definition text, in file order. Raises LanguageError.

    A single workflow keeps the whole text as its ``definition``; of several, each gets its own part.
    """
    root = read_document(text)
    items = definition_items(root, "workflow")
    lines = text.splitlines(keepends=True)
    cuts = {name: text if len(items) == 1 else cut_definition(lines, root, root, name) for name in items}
    return tuple(parse_workflow_node(node, name, cuts[name]) for name, node in items.items())


def parse_workflow_node(node: Node, name: str, definition: str) -> WorkflowSpec:
    """Check one workflow, complete its data, and return its spec. Raises LanguageError."""
    _check_workflow(node, name)
    check_size(node)
    data = node.value
    data.update(name=name, version="2.0")
    workflow_type = data.get("type", "direct")
    for task_name, task in data["tasks"].items():
        complete_task(task, task_name, workflow_type)
    tasks = _build_tasks(data)
    check_links(tasks, node)
    spec = load_workflow(data, definition, tasks)
    if workflow_type == "direct":
        check_graph(Graph(spec.inbound, spec.outbound, spec.start_tasks), tasks, node)
    return spec


def load_workflow(
    data: Mapping[str, Any], definition: str = "", tasks: Mapping[str, TaskSpec] | None = None
) -> WorkflowSpec:
    """Return the spec that a stored ``WorkflowSpec.data`` stands for. The data is trusted: nothing is checked."""
    tasks = _build_tasks(data) if tasks is None else tasks
    graph = build_graph(tasks)
    description = data.get("description")
    return WorkflowSpec(
        name=data["name"],
        type=data.get("type", "direct"),
        tasks=tasks,
        description=description if isinstance(description, str) else None,
        tags=tuple(data.get("tags", ())),
        input=build_input(data.get("input", ())),
        output=data.get("output"),
        output_on_error=data.get("output-on-error"),
        vars=data.get("vars", {}),
        inbound=graph.inbound,
        outbound=graph.outbound,
        start_tasks=graph.start_tasks,
        definition=definition,
        data=data,
    )


def build_input(declared: Any) -> dict[str, Any]:
    """Return declared input as name → default or REQUIRED."""
    found: dict[str, Any] = {}
    for item in declared:
        found.update(item if isinstance(item, dict) else {item: REQUIRED})
    return found


def _build_tasks(data: Mapping[str, Any]) -> dict[str, TaskSpec]:
    defaults = dict(data.get("task-defaults", {}))
    for clause in ON_CLAUSES:
        if clause in defaults:
            defaults[clause] = build_clause(defaults[clause])
    return {name: build_task(task, defaults) for name, task in data["tasks"].items()}


def _check_workflow(node: Node, name: str) -> None:
    """Check all of a workflow but the links between its tasks. Keys that the language does not know are let be."""
    what = f"workflow {fields.quoted(name)}"
    fields.definition_name(name, node, what)
    if _is_uuid(name):
        node.fail_at_key(f"the name of {what} looks like an id (UUID)", "give it a name that no id can be mistaken for")
    section = fields.mapping(node, what)
    workflow_type = section["type"].value if "type" in section else "direct"
    if workflow_type not in TYPES:
        section["type"].fail(
            f"'type' of {what} cannot be {fields.kind_of(section['type'])}", "write 'direct' or 'reverse'"
        )
    _check_sections(section, what)
    if "task-defaults" in section:
        check_task_defaults(section["task-defaults"])
    _check_tasks(section, node, what, workflow_type)


def _check_sections(section: Mapping[str, Node], what: str) -> None:
    if "input" in section:
        fields.declared_input(section["input"], f"'input' of {what}")
    for key in ("output", "vars"):
        if key in section:
            fields.values(section[key], f"'{key}' of {what}")
    if "output-on-error" in section:
        fields.nonempty_mapping(section["output-on-error"], f"'output-on-error' of {what}")
    if "tags" in section:
        fields.text_list(section["tags"], f"'tags' of {what}")


def _check_tasks(section: Mapping[str, Node], node: Node, what: str, workflow_type: str) -> None:
    if "tasks" not in section:
        near = fields.suggestion("tasks", [key for key in section if key != "type"], "its keys")
        node.fail_at_key(f"{what} has no 'tasks'", near)
    tasks = fields.mapping(section["tasks"], f"'tasks' of {what}")
    if not tasks:
        fields.wrong_type(section["tasks"], f"'tasks' of {what}", "a mapping with at least one task")
    for name, task in tasks.items():
        if name == "version":
            task.fail_at_key("a task cannot be named 'version'", "the word is reserved; choose another name")
        check_task(task, name, workflow_type)


def _is_uuid(name: str) -> bool:
    """Whether a name could be read as an execution's or a definition's id, in any of UUID's spellings."""
    try:
        return uuid.UUID(name).hex == name.replace("urn:", "").replace("uuid:", "").strip("{}").replace("-", "").lower()
    except ValueError:
        return False
