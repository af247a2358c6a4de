"""JSON as the database keeps it: one canonical text for equal values, so that equality is a text comparison."""

import hashlib
import json
from typing import Any

import orjson

_SORTED = orjson.OPT_SORT_KEYS

# orjson knows integers of 64 bits and well-formed Unicode only. What is beyond goes through the standard
# library, and its text begins with a blank, so that it is read back by the same library: orjson would
# silently turn a long integer into a float.
_BEYOND_ORJSON = " "


def dump(value: Any) -> str | None:
    """Return the canonical JSON text of ``value``, None for None.

    Raises TypeError for a value that JSON cannot express.
    """
    if value is None:
        return None
    try:
        return orjson.dumps(value, None, _SORTED).decode()
    except TypeError:
        return _BEYOND_ORJSON + json.dumps(value, sort_keys=True, separators=(",", ":"))


def load(text: str | None) -> Any:
    """Return the value that ``text`` (made by ``dump``) stands for, None for None."""
    if text is None:
        return None
    if text.startswith(_BEYOND_ORJSON):
        return json.loads(text)
    return orjson.loads(text)


def spec_id(data: Any) -> str:
    """Return the id under which a specification is kept: the SHA-256 of its canonical JSON, in hexadecimal."""
    return hashlib.sha256((dump(data) or "null").encode()).hexdigest()


def clean(text: str | None) -> str | None:
    """Return ``text`` without what a database cannot keep as text: NUL and lone surrogates become U+FFFD.

    Used for texts that a running workflow makes (``state_info``): they must never make a commit fail.
    """
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
