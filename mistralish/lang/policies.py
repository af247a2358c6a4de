"""Task policies: checks on nodes, values out of checked data, and how ``task-defaults`` fill the gaps."""

from collections.abc import Mapping
from typing import Any

from mistralish.lang import expr, fields
from mistralish.lang.inline import InlineError, parse_inline
from mistralish.lang.nodes import Node
from mistralish.lang.specs import Policies, Retry

_COUNTS = ("wait-before", "wait-after", "timeout", "concurrency")
_SWITCHES = ("pause-before", "fail-on")
POLICIES = ("retry", *_COUNTS, *_SWITCHES)

_RETRY_COUNTS = ("count", "delay")
_RETRY_CONDITIONS = ("break-on", "continue-on")


def check_policies(section: Mapping[str, Node], what: str) -> None:
    """Check the policies among the fields of a task or of ``task-defaults``."""
    for name in _COUNTS:
        if name in section:
            fields.count_or_expression(section[name], f"'{name}' of {what}")
    for name in _SWITCHES:
        if name in section:
            fields.boolean_or_expression(section[name], f"'{name}' of {what}")
    if "retry" in section:
        _check_retry(section["retry"], f"'retry' of {what}")


def build_policies(data: Mapping[str, Any], defaults: Mapping[str, Any]) -> Policies:
    """Return the policies of a task; one that it does not set, or sets to nothing, comes from the defaults."""
    chosen = {name: data.get(name) or defaults.get(name) for name in POLICIES}
    retry = chosen["retry"]
    return Policies(
        pause_before=chosen["pause-before"] or False,
        wait_before=_whole(chosen["wait-before"] or 0),
        wait_after=_whole(chosen["wait-after"] or 0),
        timeout=_whole(chosen["timeout"] or 0),
        concurrency=_whole(chosen["concurrency"] or 0),
        fail_on=chosen["fail-on"] or False,
        retry=_build_retry(retry) if retry else None,
    )


def _check_retry(node: Node, what: str) -> None:
    entries = _retry_entries(node, what)
    fields.known_keys(entries, (*_RETRY_COUNTS, *_RETRY_CONDITIONS), what)
    for name in _RETRY_COUNTS:
        if name not in entries:
            node.fail(f"{what} has no '{name}'", "write count and delay: {count: 3, delay: 1} or 'count=3 delay=1'")
        fields.count_or_expression(entries[name], f"'{name}' in {what}")
    for name in _RETRY_CONDITIONS:
        if name in entries:
            fields.expression(entries[name], f"'{name}' in {what}")


def _retry_entries(node: Node, what: str) -> Mapping[str, Node]:
    if not node.is_text:
        return fields.mapping(node, what)
    fields.nonempty_text(node, what)
    return {
        name: Node(value, node.line, node.column, node.end_line, node.key_line, node.key_column)
        for name, value in inline_parameters(node, what).items()
    }


def inline_parameters(node: Node, what: str) -> dict[str, Any]:
    """Return the parameters of an inline command, their expressions checked."""
    try:
        _, params = parse_inline(node.value)
    except InlineError as e:
        node.fail(f"{what} cannot be read: {fields.quoted(node.value)}", str(e))
    for value in params.values():
        if isinstance(value, str):
            expr.check_text(value, node)
    return params


def _build_retry(data: Any) -> Retry:
    entries = parse_inline(data)[1] if isinstance(data, str) else data
    return Retry(
        count=_whole(entries["count"]),
        delay=_whole(entries["delay"]),
        break_on=entries.get("break-on"),
        continue_on=entries.get("continue-on"),
    )


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) else value
