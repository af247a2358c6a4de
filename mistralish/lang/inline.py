"""The inline form ``std.echo output=<% $.x %> n=1``: a command and its parameters in one text.

As in the reference, a text without a blank is a command without parameters, and what looks like no
parameter is passed over.
"""

import json
import math
import re
from typing import Any

from mistralish.lang.yaml_scalars import MAX_INTEGER, MIN_INTEGER

MAX_LENGTH = 16_384
_MAX_DEPTH = 32

_COMMAND = re.compile(r"[\w.]+[^=(\s\"]*|<%.*?%>|\{\{.*\}\}|\{%.*%\}")
_WORD = re.compile(r"[-\w]+")
_WORDS = re.compile(r"true|false|null|\d+")
_PAIRED = {"<%": "%>", "{{": "}}"}


class InlineError(ValueError):
    """A text that is no command; its message says what would be right."""


def parse_inline(text: str) -> tuple[str, dict[str, Any]]:
    """Return the command and its parameters. Raises InlineError where the text starts with no command."""
    if " " not in text:
        return text, {}
    if len(text) > MAX_LENGTH:
        raise InlineError(f"at most {MAX_LENGTH} characters are allowed in a command with inline parameters")
    match = _COMMAND.match(text)
    if match is None:
        raise InlineError("start with a name or an expression, then 'key=value' pairs after a blank")
    return match.group(), _parameters(text)


def parse_json(text: str) -> Any:
    """Return the JSON value of a text. Raises ValueError, also for what does not fit into JSON as others read it."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_int=_integer, parse_float=_float)
    except RecursionError:
        raise ValueError("nested too deep") from None
    _check_depth(value)
    return value


def _parameters(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    done = 0
    equals = text.find("=")
    while equals >= 0:
        backwards = _WORD.match(text[done:equals][::-1])
        end = _value_end(text, equals + 1) if backwards else None
        if backwards and end is not None:
            found[backwards.group()[::-1]] = _value(text[equals + 1 : end].strip())
            done = end
        else:
            done = equals + 1
        equals = text.find("=", done)
    return found


def _value_end(text: str, start: int) -> int | None:
    """Where the value that starts here ends, None where none does. Only quoted ones go over line ends."""
    first = text[start : start + 1]
    if first and first in "\"'":
        return _after(text.find(first, start + 1), 1)
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    opening = text[start : start + 2]
    if opening in _PAIRED:
        return _after(text.find(_PAIRED[opening], start + 2, line_end), 2)
    if first == "[":
        return _after(text.rfind("]", start, line_end), 1)
    match = _WORDS.match(text, start)
    return match.end() if match else None


def _after(position: int, length: int) -> int | None:
    return None if position < 0 else position + length


def _value(text: str) -> Any:
    if text[0] in "\"'":
        return text[1:-1]
    try:
        return parse_json(text)
    except ValueError:
        return text


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _integer(text: str) -> int:
    value = int(text)
    if not MIN_INTEGER <= value <= MAX_INTEGER:
        raise ValueError("an integer beyond 64 bits")
    return value


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number beyond what JSON can hold")
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [item for outer in level for item in _inside(outer)]
        if not level:
            return
    raise ValueError("nested too deep")


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
