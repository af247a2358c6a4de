"""``on-*`` clauses and what they publish: checks on nodes, values out of checked data.

A clause is a task or command, a mapping of one to its condition, a list of both, or the long form
``{publish: {branch, global, atomic}, next: …}``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mistralish.lang import expr, fields
from mistralish.lang.inline import InlineError, parse_inline
from mistralish.lang.nodes import Node
from mistralish.lang.specs import OnClause, Publish, Transition

ON_CLAUSES = ("on-complete", "on-success", "on-error", "on-skip")

_LONG_FORM = ("publish", "next")
_SCOPES = ("branch", "global", "atomic")
_NAME = re.compile(r"\S+$")
_COMMAND = re.compile(r"\w+ \w+=.*$")
_CALL = re.compile(r"\w+\(\w+=.*\)$")
_FORMS = "write a task, a command such as 'fail msg=\"…\"', {task: <% condition %>}, or a list of these"


def check_clause(node: Node, what: str) -> None:
    """Check an ``on-*`` clause of any form."""
    if isinstance(node.value, dict) and set(node.fields) & set(_LONG_FORM):
        fields.known_keys(fields.nonempty_mapping(node, what), _LONG_FORM, what)
        if "publish" in node.fields:
            check_publish(node.fields["publish"], f"'publish' in {what}")
        if "next" in node.fields:
            _check_next(node.fields["next"], f"'next' in {what}")
        return
    _check_next(node, what)


def check_publish(node: Node, what: str) -> None:
    """Check the long form of ``publish``: variables by scope."""
    scopes = fields.mapping(node, what)
    for scope, child in scopes.items():
        if scope not in _SCOPES:
            child.fail_at_key(
                f"unknown key {fields.quoted(scope)} in {what}",
                "put the variables under 'branch', 'global' or 'atomic'",
            )
        fields.values(child, f"'{scope}' in {what}")
    if not scopes:
        fields.wrong_type(node, what, "a mapping with 'branch', 'global' or 'atomic'")


def transition_nodes(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield the target of each transition of a checked clause, and the node that it is written in."""
    if isinstance(node.value, dict) and set(node.fields) & set(_LONG_FORM):
        if "next" in node.fields:
            yield from transition_nodes(node.fields["next"])
        return
    for item in node.items if isinstance(node.value, list) else [node]:
        if isinstance(item.value, dict):
            (text, _), *_ = item.fields.items()
            yield parse_inline(text)[0], item
        else:
            yield parse_inline(item.value)[0], item


def build_clause(data: Any) -> OnClause:
    """Return the clause that checked data stands for."""
    if isinstance(data, dict) and set(data) & set(_LONG_FORM):
        publish = data.get("publish")
        return OnClause(_build_next(data.get("next")), build_publish(publish) if publish else None)
    return OnClause(_build_next(data))


def build_publish(data: Mapping[str, Any]) -> Publish:
    """Return what checked data publishes, by scope."""
    return Publish(data.get("branch"), data.get("global"), data.get("atomic"))


def merge_publish(left: Publish, right: Publish) -> Publish:
    """Return ``left`` with the variables of ``right`` laid over it, scope by scope, mappings within one another.

    A scope that ``left`` does not have is not added: that is what the reference does.
    """
    return Publish(
        _merge_scope(left.branch, right.branch),
        _merge_scope(left.global_, right.global_),
        _merge_scope(left.atomic, right.atomic),
    )


def merge_dicts(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """Return both mappings as one new one: ``right`` wins, except that mappings in both are merged in turn."""
    merged = dict(left)
    for key, value in right.items():
        own = merged.get(key)
        merged[key] = merge_dicts(own, value) if isinstance(own, dict) and isinstance(value, dict) else value
    return merged


def _merge_scope(left: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return merge_dicts(left, right) if left is not None and right else left


def _check_next(node: Node, what: str) -> None:
    if not isinstance(node.value, list):
        _check_transition(node, what)
        return
    if not node.items:
        fields.wrong_type(node, what, "a list with at least one item")
    for item in node.items:
        _check_transition(item, f"each item of {what}")
    fields.unique(node.items, what)


def _check_transition(node: Node, what: str) -> None:
    if isinstance(node.value, dict):
        _check_conditional(node, what)
        return
    if not node.is_text:
        node.fail(f"{what} must be a task or command, not {fields.kind_of(node)}", _FORMS)
    text = node.value
    is_call = _CALL.match(text) is not None
    if _COMMAND.match(text) is None and (_NAME.match(text) is not None) == is_call:
        node.fail(f"{what} is no task or command: {fields.quoted(text)}", _transition_hint(text, is_call))
    _check_command(text, node, what)


def _check_conditional(node: Node, what: str) -> None:
    entries = fields.nonempty_mapping(node, what)
    if len(entries) > 1:
        node.fail(f"{what} names {len(entries)} tasks in one mapping", "start a list item ('- ') for each task")
    for text, condition in entries.items():
        if not any(form.match(text) for form in (_NAME, _COMMAND, _CALL)):
            condition.fail_at_key(f"{what} is no task or command: {fields.quoted(text)}", _FORMS)
        _check_command(text, node, what)
        fields.expression(condition, f"the condition of {fields.quoted(text)} in {what}")


def _check_command(text: str, node: Node, what: str) -> None:
    try:
        target, _ = parse_inline(text)
    except InlineError as e:
        node.fail(f"{what} is no task or command: {fields.quoted(text)}", str(e))
    expr.check_text(target, node)


def _transition_hint(text: str, is_call: bool) -> str:
    if is_call:
        name, _, params = text.strip().rstrip(")").partition("(")
        return f"write it with a blank: {name} {params}"
    return _FORMS


def _build_next(data: Any) -> tuple[Transition, ...]:
    if data is None:
        return ()
    return tuple(_build_transition(item) for item in (data if isinstance(data, list) else [data]))


def _build_transition(data: Any) -> Transition:
    text, condition = next(iter(data.items())) if isinstance(data, dict) else (data, None)
    target, params = parse_inline(text)
    return Transition(target, condition, params)
