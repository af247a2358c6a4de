"""What a YAML scalar means: YAML 1.1 types as the reference reads them, narrowed to what JSON can hold."""

import math
from datetime import date, datetime
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

MAX_NUMBER_LENGTH = 400
MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**64 - 1

_PREFIX = "tag:yaml.org,2002:"
MERGE_TAG = _PREFIX + "merge"
CORE_TAGS = frozenset(_PREFIX + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))

_RESOLVER = Resolver()
_CONSTRUCTOR = SafeConstructor()
_CONSTRUCT = {
    _PREFIX + "int": _CONSTRUCTOR.construct_yaml_int,
    _PREFIX + "float": _CONSTRUCTOR.construct_yaml_float,
    _PREFIX + "bool": _CONSTRUCTOR.construct_yaml_bool,
    _PREFIX + "timestamp": _CONSTRUCTOR.construct_yaml_timestamp,
}


class ScalarError(ValueError):
    """A scalar that no JSON value stands for; ``args`` are the problem and the hint."""


def resolve_tag(event: yaml.ScalarEvent) -> str:
    """Return the tag of a scalar: the written one, or the one its text implies."""
    if event.tag is not None and event.tag != "!":
        return str(event.tag)
    implicit = event.implicit if event.tag is None else (False, True)
    return str(_RESOLVER.resolve(yaml.ScalarNode, event.value, implicit))


def construct(tag: str, text: str) -> tuple[Any, bool]:
    """Return the value of a scalar and whether it was a date. Raises ScalarError."""
    if tag == _PREFIX + "str":
        return _checked_text(text), False
    if tag == _PREFIX + "null":
        return None, False
    if tag in (_PREFIX + "int", _PREFIX + "float") and len(text) > MAX_NUMBER_LENGTH:
        raise ScalarError(f"a number of {len(text)} characters", "quote it to make it text")
    if tag not in _CONSTRUCT:
        raise ScalarError(f"the scalar {text[:40]!r} has a meaning of its own in YAML", "quote it to make it text")
    try:
        value = _CONSTRUCT[tag](yaml.ScalarNode(tag, text))
    except (ValueError, KeyError, AttributeError, TypeError, OverflowError, yaml.YAMLError) as e:
        raise ScalarError(f"{text[:40]!r} is no valid {tag.removeprefix(_PREFIX)}", "quote it to make it text") from e
    if isinstance(value, (date, datetime)):
        return _date_text(value), True
    _check_number(value, text)
    return value, False


def json_key(value: Any) -> str:
    """Return a mapping key as the text that JSON makes of it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _checked_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as e:
        raise ScalarError("half of a surrogate pair, which is no character", "write the whole character") from e
    if "\0" in text:
        raise ScalarError("the NUL character, which no database keeps", "leave it out")
    return text


def _check_number(value: Any, text: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ScalarError(f"{text!r} is a number that JSON cannot hold", "quote it to make it text")
    if isinstance(value, int) and not MIN_INTEGER <= value <= MAX_INTEGER:
        raise ScalarError(f"the integer {text} does not fit into 64 bits", "quote it to make it text")


def _date_text(value: date | datetime) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat(timespec="microseconds")
