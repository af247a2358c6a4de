"""The order of a list that is sorted by a column in which most rows have the same value.

Its index has the other rows only (``indexes.SPARSE``), so such a list is read in pieces, one after the other: the rows
with the usual value, in the order of creation, and the others by the index. Flags are one piece for each value.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import peewee
from peewee import SQL, Expression

from mistralish.store.fields import DataKeyField, FlagField
from mistralish.store.indexes import SPARSE, is_flag, unusual
from mistralish.store.kinds import Kind
from mistralish.store.pagination import SortKey, ranges_after

Piece = tuple[peewee.ColumnBase | None, Sequence[SortKey]]


def pieces(kind: Kind, order: Sequence[SortKey], after: Sequence[Any] | None) -> Iterator[Piece]:
    """Yield (condition, order) of the pieces that together are the list, from the row with the values ``after`` on."""
    column = kind.ordering[order[0].name]
    if column.name not in SPARSE.get(kind.model, {}):
        parts = (None,) if after is None else ranges_after(kind, order, after)
        yield from ((part, order) for part in parts)
    elif isinstance(column, FlagField):
        yield from _by_flag(kind, column, order, after)
    else:
        yield from _by_text(kind, column, order, after)


def _by_flag(kind: Kind, column: FlagField, order: Sequence[SortKey], after: Sequence[Any] | None) -> Iterator[Piece]:
    values: list[bool | None] = [None, False, True] if column.null else [False, True]
    values = values[::-1] if order[0].descending else values
    begin = 0
    if after is not None:
        last = None if after[0] is None else bool(after[0])
        yield from _tail(kind, _has_flag(column, last), order, after)
        begin = values.index(last) + 1
    for value in values[begin:]:
        yield _has_flag(column, value), order[1:]


def _by_text(
    kind: Kind, column: peewee.Field, order: Sequence[SortKey], after: Sequence[Any] | None
) -> Iterator[Piece]:
    usual = SPARSE[kind.model][column.name]
    has_usual = column.is_null() if usual is None else Expression(column, "=", SQL(f"'{usual}'"))
    common: Piece = (has_usual, order[1:])
    others = unusual(kind.model, column.name)
    descending = order[0].descending
    # Rows that have data come first in both directions: where all have, looking for others would read them all.
    is_last = descending or isinstance(column, DataKeyField)
    if after is None:
        yield from ((others, order), common) if is_last else (common, (others, order))
    elif after[0] == usual:
        yield from _tail(kind, has_usual, order, after)
        if not is_last:
            yield others, order
    else:
        value = peewee.Value(after[0], converter=False, unpack=False)
        yield from _tail(kind, others & (column == value), order, after)
        yield others & ((column < value) if descending else (column > value)), order
        if is_last:
            yield common


def _tail(kind: Kind, same: peewee.ColumnBase, order: Sequence[SortKey], after: Sequence[Any]) -> Iterator[Piece]:
    for part in ranges_after(kind, order[1:], after[1:]):
        yield same & part, order[1:]


def _has_flag(column: FlagField, value: bool | None) -> peewee.ColumnBase:
    return column.is_null() if value is None else is_flag(column, value)
