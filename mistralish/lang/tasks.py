"""Tasks and ``task-defaults``: checks on nodes, specs out of checked data."""

import re
from collections.abc import Mapping
from typing import Any

from mistralish.lang import expr, fields
from mistralish.lang.clauses import ON_CLAUSES, build_clause, check_clause, merge_dicts, merge_publish
from mistralish.lang.inline import parse_inline, parse_json
from mistralish.lang.nodes import Node
from mistralish.lang.policies import POLICIES, build_policies, check_policies, inline_parameters
from mistralish.lang.specs import OnClause, Publish, TaskSpec, Transition
from mistralish.states import ERROR, SKIPPED, SUCCESS

DEFAULT_ACTION = "std.noop"
MAX_JOIN_NAME_LENGTH = 208

# The loader sets these itself, whatever the author wrote there.
_OWN_KEYS = ("name", "version", "type")
_PUBLISH_KEYS = ("publish", "publish-on-error", "publish-on-skip")
_COMMON_KEYS = (
    *("action", "workflow", "input", "with-items", *_PUBLISH_KEYS, *POLICIES),
    *("target", "keep-result", "safe-rerun", "description", "tags"),
)
_TYPE_KEYS = {"direct": ("join", *ON_CLAUSES), "reverse": ("requires",)}
_DEFAULTS_KEYS = (*POLICIES, *ON_CLAUSES, "safe-rerun", "requires")
_END_STATES = {
    SUCCESS: ("publish", "on-success"),
    ERROR: ("publish-on-error", "on-error"),
    SKIPPED: ("publish-on-skip", "on-skip"),
}
_WITH_ITEMS = re.compile(r"\s*([\w-]+)\s*in\s*(\[.+\]|\{\{.*?\}\}|<%.*?%>)")
_NO_CLAUSE = OnClause()
_WORD = re.compile(r"\w+\Z")


def check_task(node: Node, name: str, workflow_type: str) -> None:
    """Check all of a task that can be known without the other tasks. Raises LanguageError."""
    what = f"task {fields.quoted(name)}"
    fields.name(name, node, what)
    section = fields.mapping(node, what)
    if not section and _WORD.match(name):
        fields.wrong_type(node, what, "a mapping with at least one key, such as 'action'")
    _check_keys(section, what, workflow_type)
    _check_call(section, what)
    if "with-items" in section:
        _check_with_items(section["with-items"], f"'with-items' of {what}")
    for key in _PUBLISH_KEYS:
        if key in section:
            fields.values(section[key], f"'{key}' of {what}")
    check_policies(section, what)
    _check_common(section, what)
    if workflow_type == "direct":
        _check_direct(section, name, what)
    elif "requires" in section:
        fields.text_or_text_list(section["requires"], f"'requires' of {what}")


def check_task_defaults(node: Node) -> None:
    """Check ``task-defaults``. Raises LanguageError."""
    what = "'task-defaults'"
    section = fields.nonempty_mapping(node, what)
    fields.known_keys(section, _DEFAULTS_KEYS, what)
    check_policies(section, what)
    for clause in ON_CLAUSES:
        if clause in section:
            check_clause(section[clause], f"'{clause}' of {what}")
    if "safe-rerun" in section:
        fields.boolean_or_expression(section["safe-rerun"], f"'safe-rerun' of {what}")
    if "requires" in section:
        fields.text_or_text_list(section["requires"], f"'requires' of {what}")


def complete_task(data: dict[str, Any], name: str, workflow_type: str) -> None:
    """Put into a checked task's data what the reference's ``spec`` has: name, version, type, the whole input."""
    data.update(type=workflow_type, name=name, version="2.0")
    command = data.get("action") or data.get("workflow")
    if command and isinstance(data.get("input"), dict):
        data["input"] = merge_dicts(data["input"], parse_inline(command)[1])


def build_task(data: Mapping[str, Any], defaults: Mapping[str, Any]) -> TaskSpec:
    """Return the task that checked and completed data stands for, ``defaults`` merged in."""
    name = data["name"]
    action, workflow, task_input = _build_call(data)
    clauses = {key: build_clause(data[key]) for key in ON_CLAUSES if key in data}
    is_direct = data["type"] == "direct"
    next_of = {key: _next(key, clauses, defaults, name) if is_direct else () for key in ON_CLAUSES}
    return TaskSpec(
        name=name,
        type="WORKFLOW" if workflow else "ACTION",
        action=action,
        workflow=workflow,
        description=data.get("description"),
        input=task_input,
        with_items=_build_with_items(data["with-items"]) if "with-items" in data else None,
        publish=_build_publish(data, clauses),
        on_success=next_of["on-success"],
        on_error=next_of["on-error"],
        on_complete=next_of["on-complete"],
        on_skip=next_of["on-skip"],
        join=_build_join(data.get("join")),
        requires=_build_requires(data, defaults, name) if not is_direct else (),
        policies=build_policies(data, defaults),
        target=data.get("target"),
        keep_result=bool(data.get("keep-result", True)),
        safe_rerun=bool(data.get("safe-rerun", defaults.get("safe-rerun", False))),
        tags=tuple(data.get("tags", ())),
        data=data,
    )


def _check_keys(section: Mapping[str, Node], what: str, workflow_type: str) -> None:
    allowed = (*_COMMON_KEYS, *_TYPE_KEYS[workflow_type])
    other = "reverse" if workflow_type == "direct" else "direct"
    for key, child in section.items():
        if key in _TYPE_KEYS[other]:
            child.fail_at_key(
                f"'{key}' of {what} is for {other} workflows, and this one is {workflow_type}",
                f"write 'type: {other}' in the workflow, or use {fields.listed(_TYPE_KEYS[workflow_type])}",
            )
    fields.known_keys({key: child for key, child in section.items() if key not in _OWN_KEYS}, allowed, what)


def _check_call(section: Mapping[str, Node], what: str) -> None:
    if "action" in section and "workflow" in section:
        section["workflow"].fail_at_key(f"{what} has both 'action' and 'workflow'", "a task runs one or the other")
    params: dict[str, Any] = {}
    for key in ("action", "workflow"):
        if key in section:
            fields.nonempty_text(section[key], f"'{key}' of {what}")
            params = inline_parameters(section[key], f"'{key}' of {what}")
    if "input" not in section:
        return
    node = section["input"]
    if not node.is_text:
        fields.values(node, f"'input' of {what}")
        return
    fields.nonempty_text(node, f"'input' of {what}")
    expr.check(node)
    if params:
        node.fail(f"'input' of {what} is a text, and there are inline parameters too", "use one of the two")


def _check_with_items(node: Node, what: str) -> None:
    for item in fields.text_or_text_list(node, what):
        match = _WITH_ITEMS.match(item.value)
        if match is None:
            item.fail(
                f"{what} has the wrong form: {fields.quoted(item.value)}", "write 'i in <% $.list %>' or 'i in [1, 2]'"
            )
        items = match.group(2)
        expr.check_text(items, item)
        if items.startswith("["):
            try:
                parse_json(items)
            except ValueError as e:
                item.fail(f"{what} has a list that is no JSON: {fields.quoted(items)} ({e})", 'write it as in ["a", 1]')


def _check_common(section: Mapping[str, Node], what: str) -> None:
    for key in ("keep-result", "safe-rerun"):
        if key in section:
            fields.boolean_or_expression(section[key], f"'{key}' of {what}")
    for key in ("target", "description"):
        if key in section:
            fields.nonempty_text(section[key], f"'{key}' of {what}")
    if "tags" in section:
        fields.text_list(section["tags"], f"'tags' of {what}")


def _check_direct(section: Mapping[str, Node], name: str, what: str) -> None:
    for clause in ON_CLAUSES:
        if clause in section:
            check_clause(section[clause], f"'{clause}' of {what}")
    if "join" not in section:
        return
    join = section["join"]
    if join.value not in ("all", "one") and not fields.is_count(join.value):
        fields.wrong_type(join, f"'join' of {what}", "'all', 'one' or a whole number of 0 or more")
    if join.value:
        fields.name(name, section["join"], f"{what} with 'join'", MAX_JOIN_NAME_LENGTH)


def _build_call(data: Mapping[str, Any]) -> tuple[str | None, str | None, Any]:
    action, workflow = data.get("action"), data.get("workflow")
    task_input = data.get("input", {})
    if action:
        action, params = parse_inline(action)
    elif workflow:
        workflow, params = parse_inline(workflow)
    else:
        return DEFAULT_ACTION, None, task_input
    return action, workflow, merge_dicts(task_input, params) if params else task_input


def _build_with_items(data: str | list[str]) -> dict[str, Any]:
    matches = [_WITH_ITEMS.match(item) for item in ([data] if isinstance(data, str) else data)]
    pairs = [match.groups() for match in matches if match]
    return {name: parse_json(items) if items.startswith("[") else items for name, items in pairs}


def _build_publish(data: Mapping[str, Any], clauses: Mapping[str, OnClause]) -> dict[str, Publish]:
    """By end state: the short form, under what ``on-complete`` publishes, over what the state's clause does."""
    published: dict[str, Publish] = {}
    always = clauses.get("on-complete", _NO_CLAUSE).publish
    for state, (short_key, clause_key) in _END_STATES.items():
        short = Publish(branch=data[short_key]) if short_key in data else None
        result = merge_publish(short, always) if short and always else short or always
        own = clauses.get(clause_key, _NO_CLAUSE).publish
        if own:
            result = merge_publish(own, result) if result else own
        if result:
            published[state] = result
    return published


def _next(key: str, clauses: Mapping[str, OnClause], defaults: Mapping[str, Any], name: str) -> tuple[Transition, ...]:
    own = clauses.get(key, _NO_CLAUSE).next
    if own:
        return own
    default: OnClause = defaults.get(key, _NO_CLAUSE)
    if any(transition.target == name for transition in default.next):
        return tuple(transition for transition in default.next if transition.target != name)
    return default.next


def _build_join(value: Any) -> str | int | None:
    if not value:
        return None
    return value if isinstance(value, str) else int(value)


def _build_requires(data: Mapping[str, Any], defaults: Mapping[str, Any], name: str) -> tuple[str, ...]:
    names = dict.fromkeys((*_as_list(data.get("requires", [])), *_as_list(defaults.get("requires", []))))
    return tuple(required for required in names if required != name)


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
