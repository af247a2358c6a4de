"""JSON from outside: read strictly, so that whatever is taken can be kept by every database and written out again."""

import json
import math
from typing import Any

MAX_DEPTH = 100
"""Objects and lists within each other."""


def read_json(text: str, *, any_character: bool = False) -> Any:
    """The value of a JSON text (RFC 8259). Of an attribute that is there twice, the last counts.

    Raises ValueError (JSONDecodeError where it is malformed) for what the databases cannot keep too: NUL characters,
    halves of surrogate pairs (both taken with ``any_character``), numbers beyond a double's range, and what is
    nested too deeply.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_float)
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    if "\\u" in text and not any_character:
        _check_characters(value)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"it is nested too deeply: at most {MAX_DEPTH} objects and lists may be within each other")


def _check_characters(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("a \\u escape stands for half a surrogate pair, which is no character")
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("the character \\u0000 cannot be kept")
