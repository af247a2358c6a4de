"""Checks of the parts that every section of the language is made of. Each raises LanguageError at the place.

The rules are those of the reference's JSON schemas (``mistral/lang/types.py``, read as behaviour).
``what`` names the thing checked, as the message shall name it: ``"'timeout' of task 't1'"``.
"""

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NoReturn

from mistralish.lang import expr
from mistralish.lang.nodes import Node

MAX_NAME_LENGTH = 255

_WORD = re.compile(r"\w+\Z")
_YAML_BOOLEANS = ("true", "false")


def quoted(name: object) -> str:
    """Return a name in quotes, cut where it is very long."""
    text = str(name)
    return f"'{text if len(text) <= 80 else text[:77] + '…'}'"


def listed(names: Iterable[str]) -> str:
    """Return names in quotes, separated by commas; the first twenty where there are many."""
    names = list(names)
    text = ", ".join(quoted(name) for name in names[:20])
    return text if len(names) <= 20 else f"{text}, … ({len(names)} in all)"


def suggestion(name: str, known: Iterable[str], what: str) -> str:
    """Return a hint: the known name that looks like ``name``, and what names there are."""
    known = list(known)
    close = get_close_matches(name[:100], known[:1000], n=1) if known else []
    there = f"{what}: {listed(known)}" if known else f"{what}: none"
    return f"did you mean {quoted(close[0])}? {there}" if close else there


def kind_of(node: Node) -> str:
    """Return what a value is, in words."""
    value = node.value
    if node.is_date:
        return "a date"
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {quoted(value)}" if value else "an empty text"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    return "a list" if value else "an empty list"


def wrong_type(node: Node, what: str, wanted: str) -> NoReturn:
    """Raise: ``what`` must be ``wanted``, but is what it is."""
    node.fail(f"{what} must be {wanted}, not {kind_of(node)}")


def mapping(node: Node, what: str, *, text_keys: bool = True) -> Mapping[str, Node]:
    """Return the fields of a mapping (empty ones are fine); keys must be text unless told otherwise."""
    if not isinstance(node.value, dict):
        wrong_type(node, what, "a mapping")
    if text_keys:
        for name, child in node.fields.items():
            if child.odd_key:
                hint = f'write "{name}"'
                if name in _YAML_BOOLEANS:
                    hint = "YAML reads on, off, yes, no, true and false as booleans; put the key in quotes"
                child.fail_at_key(f"a key of {what} is not text but {name}", hint)
    return node.fields


def nonempty_mapping(node: Node, what: str) -> Mapping[str, Node]:
    """Return the fields of a mapping with at least one; direct values cannot be YAML dates."""
    fields = mapping(node, what)
    if not fields:
        wrong_type(node, what, "a mapping with at least one key")
    for name, child in fields.items():
        if child.is_date and _WORD.match(name):
            child.fail(f"{quoted(name)} in {what} is a date, which JSON does not have", "quote it to make it text")
    return fields


def known_keys(fields: Mapping[str, Node], known: Iterable[str], what: str) -> None:
    """Check that there is no key but ``known`` ones."""
    known = list(known)
    for name, child in fields.items():
        if name not in known:
            child.fail_at_key(f"unknown key {quoted(name)} in {what}", suggestion(name, known, "known keys"))


def nonempty_text(node: Node, what: str) -> str:
    """Return a string of at least one character."""
    if not node.is_text or not node.value:
        wrong_type(node, what, "a text that is not empty")
    return str(node.value)


def text_list(node: Node, what: str) -> list[Node]:
    """Return the items of a list of at least one string, all different and none empty."""
    if not isinstance(node.value, list) or not node.items:
        wrong_type(node, what, "a list with at least one text")
    for item in node.items:
        nonempty_text(item, f"each item of {what}")
    unique(node.items, what)
    return node.items


def text_or_text_list(node: Node, what: str) -> list[Node]:
    """Return the items of such a list, or the one string in its place."""
    if node.is_text:
        nonempty_text(node, what)
        return [node]
    return text_list(node, what)


def unique(items: Iterable[Node], what: str) -> None:
    """Check that no item equals another."""
    seen: dict[str, Node] = {}
    for item in items:
        key = json.dumps(item.value, sort_keys=True)
        if key in seen:
            first = seen[key]
            item.fail(f"{what} has the same item twice", f"it is already at line {first.line}, column {first.column}")
        seen[key] = item


def is_count(value: Any) -> bool:
    """Whether a value is a whole number of zero or more (``2.0`` is one, as in JSON Schema)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return value >= 0 and float(value).is_integer()


def count_or_expression(node: Node, what: str) -> None:
    """Check a whole number of zero or more, or an expression that makes up the whole text."""
    if not is_count(node.value) and not expr.is_whole(node):
        wrong_type(node, what, "a whole number of 0 or more, or an expression on one line")
    expr.check(node)


def boolean_or_expression(node: Node, what: str) -> None:
    """Check true, false, or an expression that makes up the whole text."""
    if not isinstance(node.value, bool) and not expr.is_whole(node):
        wrong_type(node, what, "true, false, or an expression on one line")
    expr.check(node)


def expression(node: Node, what: str) -> None:
    """Check an expression that makes up the whole text."""
    if not expr.is_whole(node):
        node.fail(
            f"{what} must be an expression, not {kind_of(node)}", "write <% … %>, or '{{ … }}' in quotes, on one line"
        )
    expr.check(node)


def values(node: Node, what: str) -> None:
    """Check a mapping of names to values, the direct ones of which may be expressions."""
    nonempty_mapping(node, what)
    expr.check(node)


def declared_input(node: Node, what: str) -> None:
    """Check a declaration of input: a list of names and of one-key mappings name → default."""
    if not isinstance(node.value, list) or not node.items:
        wrong_type(node, what, "a list of names, or of mappings with one name and its default")
    for item in node.items:
        if isinstance(item.value, dict):
            if len(nonempty_mapping(item, f"an item of {what}")) > 1:
                item.fail(f"an item of {what} has {len(item.fields)} names", "start a new item ('- ') for each")
        else:
            nonempty_text(item, f"each item of {what}, where it is not a mapping,")
    unique(node.items, what)


def definition_name(text: str, node: Node, what: str) -> None:
    """Check the name of a workflow or action, which is the key of ``node``: also that it has no blank."""
    name(text, node, what)
    if not text or " " in text:
        node.fail_at_key(f"the name of {what} is empty or has a blank", "use '_' or '-' between words")


def name(text: str, node: Node, what: str, limit: int = MAX_NAME_LENGTH) -> None:
    """Check the length and the characters of a name that is the key of ``node``."""
    if len(text) > limit:
        node.fail_at_key(f"the name of {what} has {len(text)} characters", f"at most {limit} are allowed")
    if not text.isprintable():
        node.fail_at_key(f"the name of {what} has characters that cannot be seen", "use printable ones")
