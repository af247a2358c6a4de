"""JSON as the database keeps it, and as filters compare it.

It is kept with its keys in the order in which they came: what a workflow sees must not depend on whether its
execution was in memory. Filters compare canonical text, whose keys are sorted.
"""

import hashlib
import json
from typing import Any

import orjson

# orjson knows integers of 64 bits and well-formed Unicode only. What is beyond goes through the standard
# library, and its text begins with a blank, so that it is read back by the same library: orjson would
# silently turn a long integer into a float.
_BEYOND_ORJSON = " "


def dump(value: Any) -> str | None:
    """Return the JSON text of ``value``, None for None.

    Raises TypeError for a value that JSON cannot express.
    """
    if value is None:
        return None
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return _BEYOND_ORJSON + json.dumps(value, separators=(",", ":"))


def canonical(value: Any) -> str | None:
    """Return the one text of all JSON values that equal ``value``, None for None."""
    return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))


def canonical_text(text: str | None) -> str | None:
    """Return the canonical text of the value that ``text`` stands for: the SQL function of that name, on SQLite."""
    return canonical(load(text))


def load(text: str | None) -> Any:
    """Return the value that ``text`` (made by ``dump``) stands for, None for None."""
    if text is None:
        return None
    if text.startswith(_BEYOND_ORJSON):
        return json.loads(text)
    return orjson.loads(text)


def spec_id(data: Any) -> str:
    """Return the id under which a specification is kept: the SHA-256 of its JSON, in hexadecimal."""
    return hashlib.sha256((dump(data) or "null").encode()).hexdigest()


def clean(text: str | None) -> str | None:
    """Return ``text`` without what a database cannot keep as text: NUL and lone surrogates become U+FFFD.

    Used for texts that a running workflow makes (``state_info``): they must never make a commit fail.
    """
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
