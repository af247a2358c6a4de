"""Ad-hoc actions: one or several in a file, or within a workbook."""

from collections.abc import Mapping
from typing import Any

from mistralish.lang import expr, fields
from mistralish.lang.clauses import merge_dicts
from mistralish.lang.documents import definition_items, read_document
from mistralish.lang.inline import parse_inline
from mistralish.lang.nodes import Node
from mistralish.lang.policies import inline_parameters
from mistralish.lang.specs import ActionSpec
from mistralish.lang.workflows import build_input

_KEYS = ("base", "base-input", "input", "output", "name", "version", "description", "tags")


def parse_actions(text: str) -> tuple[ActionSpec, ...]:
    """Return the ad-hoc actions of a definition text, in file order. Raises LanguageError.

    Each keeps the whole text as its ``definition``, as in the reference.
    """
    items = definition_items(read_document(text), "action")
    return tuple(parse_action_node(node, name, text) for name, node in items.items())


def parse_action_node(node: Node, name: str, definition: str) -> ActionSpec:
    """Check one action, complete its data, and return its spec. Raises LanguageError."""
    _check_action(node, name)
    data = node.value
    data.update(name=name, version="2.0")
    if "base-input" in data:
        data["base-input"] = merge_dicts(data["base-input"], parse_inline(data["base"])[1])
    return load_action(data, definition)


def load_action(data: Mapping[str, Any], definition: str = "") -> ActionSpec:
    """Return the spec that a stored ``ActionSpec.data`` stands for. The data is trusted: nothing is checked."""
    base, params = parse_inline(data["base"])
    return ActionSpec(
        name=data["name"],
        base=base,
        base_input=merge_dicts(data.get("base-input", {}), params),
        input=build_input(data.get("input", ())),
        output=data.get("output"),
        description=data.get("description"),
        tags=tuple(data.get("tags", ())),
        definition=definition,
        data=data,
    )


def _check_action(node: Node, name: str) -> None:
    what = f"action {fields.quoted(name)}"
    fields.definition_name(name, node, what)
    section = fields.mapping(node, what)
    fields.known_keys(section, _KEYS, what)
    if "base" not in section:
        node.fail_at_key(f"{what} has no 'base'", "write the action that it stands on, as in base: std.echo")
    fields.nonempty_text(section["base"], f"'base' of {what}")
    inline_parameters(section["base"], f"'base' of {what}")
    if "base-input" in section:
        fields.values(section["base-input"], f"'base-input' of {what}")
    if "input" in section:
        fields.declared_input(section["input"], f"'input' of {what}")
    if "output" in section:
        _check_output(section["output"], what)
    if "description" in section:
        fields.nonempty_text(section["description"], f"'description' of {what}")
    if "tags" in section:
        fields.text_list(section["tags"], f"'tags' of {what}")


def _check_output(node: Node, what: str) -> None:
    if node.is_date:
        node.fail(f"'output' of {what} is a date, which JSON does not have", "quote it to make it text")
    if node.is_text:
        expr.check(node)
