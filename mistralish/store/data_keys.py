"""Short texts that stand in indexes for data: lists can be filtered and sorted by it without reading the rows.

A key is the beginning of the value's JSON, names sorted, and a digest of the whole, long enough for nobody to find two
values with the same. Most rows hold no data, or the same as all others: they have no key (NULL), so that the indexes,
which are partial, cost them nothing.
"""

import json
import string
from base64 import b64encode
from hashlib import blake2b
from typing import Any
from zlib import crc32

import orjson

MOST_CHARACTERS = 32
"""JSON that is no longer is its own key. Of other JSON, so much is in the key."""

ABSENT = ""
"""The key of rows without a value."""


_SLOT_CHARACTERS = 8
_SLOTS = string.digits + string.ascii_lowercase[:22]


def data_slot(key: str | None) -> str | None:
    """Return where an index looks for a key: by its beginning, and one of 32 slots.

    Actions are many, and those of one task have inputs that differ a little: in an index in the order of keys each
    new row would be on a page of its own. Here new rows come last in one of few places.
    """
    return None if key is None else key[:_SLOT_CHARACTERS] + _SLOTS[crc32(key.encode()) % len(_SLOTS)]


def data_key(value: Any, usual: Any = None) -> str | None:
    """Return the key of a JSON value: the same for equal values, whatever the order of their keys.

    None for an empty value, and for ``usual``, which most rows have. The keys are in the database: what makes another
    one needs a migration.
    """
    if value is None:
        return ABSENT
    if not value or value == usual:
        return None
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # what is beyond orjson is so everywhere; see ``json_text``
        text = json.dumps(json.loads(json.dumps(value)), sort_keys=True, separators=(",", ":")).encode()
    whole = text.decode()
    if len(whole) <= MOST_CHARACTERS:
        return whole
    return whole[:MOST_CHARACTERS] + b64encode(blake2b(text, digest_size=16).digest()).decode().rstrip("=")
