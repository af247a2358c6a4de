"""Making an action's result into JSON values."""

import datetime
import math
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

_MAX_DEPTH = 200


def to_plain(value: Any, depth: int = 0) -> Any:
    """Return ``value`` as JSON-compatible data: dicts with text keys, lists, text, numbers, booleans, None.

    Tuples and sets become lists, bytes become text (UTF-8), dates ISO 8601, a float that is no number None, as
    in JavaScript. Half a surrogate pair becomes U+FFFD, since no database keeps it. Raises ValueError for
    anything else, and for nesting beyond 200 levels (or a value that contains itself).
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= _MAX_DEPTH:
        raise ValueError(f"the result is nested deeper than {_MAX_DEPTH} levels, or contains itself")
    if isinstance(value, Mapping):
        return {_key(key): to_plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return _plain_list(value, depth)
    return _plain_scalar(value)


def _plain_list(values: Iterable[Any], depth: int) -> list[Any]:
    return [to_plain(item, depth + 1) for item in values]


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8")
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    raise ValueError(f"the result holds a {type(value).__name__}, which is not a JSON value")


def _key(key: Any) -> str:
    return _clean(key) if isinstance(key, str) else str(to_plain(key, _MAX_DEPTH))


def _clean(text: str) -> str:
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
