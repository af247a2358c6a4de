"""The language's only door to the expressions room."""

import re

from mistralish.lang.errors import LanguageError
from mistralish.lang.nodes import Node

_WHOLE = re.compile(r"(?:\{\{.*?\}\}|<%.*?%>)\s*$")
MARKERS = ("<%", "{{", "{%")


def is_whole(node: Node) -> bool:
    """Whether a value is a string that starts with an expression and ends with one, on one line."""
    return node.is_text and _WHOLE.match(node.value) is not None


def check(node: Node) -> None:
    """Check the expressions in a string, or in the strings directly in a list or mapping.

    Deeper ones are not looked at, as in the reference. Raises LanguageError at the value.
    """
    if isinstance(node.value, str):
        check_text(node.value, node)
        return
    for child in (*node.fields.values(), *node.items):
        if isinstance(child.value, str):
            check_text(child.value, child)


def check_text(text: str, node: Node) -> None:
    """Check the expressions in a text that is part of ``node``."""
    if not any(marker in text for marker in MARKERS):
        return
    from mistralish import expressions

    try:
        expressions.validate(text)
    except expressions.GrammarError as e:
        raise LanguageError(e.message, line=node.line, column=node.column) from e
