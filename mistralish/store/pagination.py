"""Keyset pagination: a page begins after the sort values of the last row of the page before. Never OFFSET, never COUNT.

A list is ordered by its sort keys, then ``created_at``, then ``id``; the last two in the direction of the last sort
key, so that one index gives the order. NULLs come before every value (after, when descending), in every database.

What comes after a row is the rows that are equal in all but the last key and beyond it there, then those that are
equal in all but the last two, and so on: each a range of an index, asked for one after the other until the
page is full.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import peewee

from mistralish.errors import InputError
from mistralish.store.connection import POSTGRESQL
from mistralish.store.kinds import Kind


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column to sort by."""

    name: str
    descending: bool = False


def full_order(kind: Kind, keys: Sequence[SortKey]) -> tuple[SortKey, ...]:
    """Return the sort keys with those that make the order total."""
    order: list[SortKey] = []
    last = keys[-1].descending if keys else False
    for key in (*keys, SortKey("created_at", last), SortKey("id", last)):
        order.append(key)
        if key.name == "id":
            break
    seen: set[str] = set()
    return tuple(key for key in order if not (key.name in seen or seen.add(key.name)))  # type: ignore[func-returns-value]


def order_by(kind: Kind, order: Sequence[SortKey], dialect: str) -> list[peewee.Ordering]:
    """Return the ORDER BY of a list."""
    terms = []
    for key in order:
        column = kind.ordering[key.name]
        nulls = ("last" if key.descending else "first") if column.null and dialect == POSTGRESQL else None
        terms.append(column.desc(nulls=nulls) if key.descending else column.asc(nulls=nulls))
    return terms


def ranges_after(kind: Kind, order: Sequence[SortKey], values: Sequence[Any]) -> Iterator[peewee.Expression]:
    """Yield conditions whose rows, one condition after the other, are all that come after a row with ``values``."""
    tail = _row_value_tail(kind, order)
    equal = [_equal(kind.ordering[key.name], value) for key, value in zip(order, values, strict=True)]
    yield _all([*equal[:tail], _beyond_together(kind, order[tail:], values[tail:])])
    for at in reversed(range(tail)):
        for beyond in _beyond(kind.ordering[order[at].name], order[at].descending, values[at]):
            yield _all([*equal[:at], beyond])


def to_token(values: Sequence[Any]) -> str | None:
    """Return the sort values of a row as text for a link, None where they are too long for one."""
    text = base64.urlsafe_b64encode(orjson.dumps(list(values))).decode().rstrip("=")
    return text if len(text) <= 1000 else None


def from_token(kind: Kind, order: Sequence[SortKey], token: str) -> list[Any]:
    """Return the sort values that ``to_token`` wrote. Raises InputError."""
    wrong = InputError(f"Invalid position '{token[:50]}': take it, with the marker, from the 'next' link of a list")
    try:
        values = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError) as error:
        raise wrong from error
    if not isinstance(values, list) or len(values) != len(order):
        raise wrong
    for key, value in zip(order, values, strict=True):
        if not _fits(kind.ordering[key.name], value):
            raise wrong
    return values


def _fits(column: peewee.Field, value: Any) -> bool:
    if value is None:
        return column.null
    if isinstance(column, peewee.BooleanField):
        return value in (0, 1)
    if isinstance(column, peewee.BigIntegerField):
        return type(value) is int and -(1 << 63) <= value < 1 << 63
    return isinstance(value, str) and "\0" not in value


def _row_value_tail(kind: Kind, order: Sequence[SortKey]) -> int:
    """Return where the keys begin that can be compared as one row: never NULL, and in one direction."""
    at = len(order) - 1
    while at > 0 and not kind.ordering[order[at - 1].name].null and order[at - 1].descending == order[at].descending:
        at -= 1
    return at


def _beyond_together(kind: Kind, keys: Sequence[SortKey], values: Sequence[Any]) -> peewee.Expression:
    if len(keys) == 1:
        return next(iter(_beyond(kind.ordering[keys[0].name], keys[0].descending, values[0])))
    row = peewee.Tuple(*[kind.ordering[key.name] for key in keys])
    bound = peewee.Tuple(*[_raw(value) for value in values])
    return row < bound if keys[0].descending else row > bound


def _beyond(column: peewee.Field, descending: bool, value: Any) -> Iterator[peewee.Expression]:
    if value is None:
        if not descending:
            yield column.is_null(False)
        return
    if not descending:
        yield column > _raw(value)
        return
    yield column < _raw(value)
    if column.null:
        yield column.is_null()


def _equal(column: peewee.Field, value: Any) -> peewee.Expression:
    return column.is_null() if value is None else column == _raw(value)


def _raw(value: Any) -> peewee.Value:
    return peewee.Value(value, converter=False, unpack=False)


def _all(conditions: Sequence[peewee.Expression]) -> peewee.Expression:
    result = conditions[0]
    for each in conditions[1:]:
        result &= each
    return result
