"""How the rows of one filter are found where the list's own order would lead through all others first.

Lists are in the order of creation. A filter that wants one value has an index in this order. For any other (a range,
``neq``, ``has``, several values) either many rows fit, and are soon met in the order of creation, or few, and are read
from the column's index and sorted. Which of both is found out by bounded looks; a column of few different values,
such as the state, is read value by value. All this reads indexes only, and ends in the ids of one page.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from heapq import merge
from itertools import islice
from operator import ge, gt, le, lt
from typing import Any

import peewee

from mistralish.store.connection import Connection
from mistralish.store.dates import Span
from mistralish.store.fields import FlagField, JsonField, TagsField, TimeField
from mistralish.store.filters import Filter, condition
from mistralish.store.indexes import INDEXES, SPARSE, unusual
from mistralish.store.json_text import load
from mistralish.store.kinds import Kind
from mistralish.store.lasting import pieces
from mistralish.store.pagination import SortKey
from mistralish.store.statements import Statement, given

_MOST_VALUES = 200
"""How many different values of a column are looked at, to see which of them fit."""

_MOST_MERGED = 50
_FEW_ROWS = 10_000
_GLANCE_ROWS = 400
_FIRST_ROWS = 3_000

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_RANGES = frozenset((*_COMPARE, "eq", "in"))
# How many of the tags must be there.
_MEET: dict[str, Callable[[Iterable[bool]], bool]] = {
    "eq": all,
    "has": all,
    "in": any,
    "neq": lambda there: not all(there),
    "nin": lambda there: not any(there),
}


def without_usual(kind: Kind, chosen: Filter) -> peewee.ColumnBase | None:
    """Return the condition that lets a filter use the index of a sparse column, None where it has none, or cannot."""
    usual = SPARSE.get(kind.model, {})
    if chosen.field not in usual or isinstance(kind.columns[chosen.field], FlagField) or chosen.operator == "null":
        return None
    if isinstance(kind.columns[chosen.field], TagsField):
        is_of_some = chosen.operator in ("eq", "in", "has") and chosen.values
        return unusual(kind.model, chosen.field) if is_of_some else None
    return None if _meets(chosen, usual[chosen.field]) else unusual(kind.model, chosen.field)


class Narrowing:
    """Finds the ids of the rows of ``scope`` that fit ``chosen``, in the order of creation."""

    def __init__(
        self, connection: Connection, kind: Kind, chosen: Filter, scope: peewee.ColumnBase, descending: bool
    ) -> None:
        columns = kind.columns
        self._connection = connection
        self._model = kind.model
        self._shown = columns[chosen.field]
        self._column = _indexed(kind, chosen.field)
        self._id, self._created_at = columns["id"], columns["created_at"]
        self._descending = descending
        outside = without_usual(kind, chosen)
        # Tags have an index in the list's order too, which has all the rows that do not fit.
        has_key = self._column is not self._shown
        self._all = scope
        self._scope = scope if outside is None or has_key else scope & outside
        self._whole = condition(kind, chosen, connection.dialect)
        self._pieces: list[peewee.ColumnBase] = []
        if kind.lasted is not None and chosen.field in kind.lasted.of and chosen.operator in _COMPARE:
            self._pieces = list(pieces(kind.lasted, self._column, chosen.operator, chosen.values[0]))
        # Where the usual value fits, no index has all rows that do.
        self._has_index = self._column.name not in SPARSE[kind.model] or outside is not None
        self._is_range = (chosen.operator in _RANGES or outside is not None) and not has_key
        self._chosen = chosen

    def ids(self, after: peewee.ColumnBase | None, wanted: int) -> list[str]:
        """Return the ids of the first ``wanted`` rows after a row (a condition), or of the list."""
        scope, everything = (each if after is None else each & after for each in (self._scope, self._all))
        if self._pieces:
            return self._first([self._page(scope & piece, wanted).rows() for piece in self._pieces], wanted)
        found = self._among_first(everything, wanted, _GLANCE_ROWS)
        are_many = len(found) * _FIRST_ROWS >= wanted * _GLANCE_ROWS
        if are_many and len(found) < wanted:
            found = self._among_first(everything, wanted, _FIRST_ROWS)
        if len(found) == wanted:
            return found
        if self._values is not None:
            return self._merged(scope, wanted)
        if not are_many and not (self._has_index and self._is_range and self._count() <= _FEW_ROWS):
            found = self._among_first(everything, wanted, _FIRST_ROWS)
            if len(found) == wanted:
                return found
        query = self._model.select(self._id).where(scope & self._whole)
        # The sum keeps databases from an index in the list's order, which has all the rows that do not fit.
        created_at = self._created_at + 0 if self._has_index else self._created_at
        return self._read(query.order_by(*self._order(created_at, self._id)).limit(wanted))

    @cached_property
    def _values(self) -> list[Any] | None:
        """All values that fit, None where they cannot be told or are too many."""
        if isinstance(self._column, TimeField):
            return None
        sparse, name = SPARSE[self._model], self._column.name
        others = unusual(self._model, name) if name in sparse else self._column.is_null(False)
        found = self._fitting_values(self._chosen, self._all & others)
        return found if found is None or self._has_index else [*found, sparse[name]]

    def _fitting_values(self, chosen: Filter, scope: peewee.ColumnBase) -> list[Any] | None:
        column, shown = self._column, self._shown
        if chosen.operator == "in" and self._has_index and column is shown:
            return list(dict.fromkeys(chosen.values)) if len(chosen.values) <= _MOST_MERGED else None
        found: list[tuple[Any, Any]] = []
        base = self._model.select(column, shown).order_by(column).limit(1)
        first = Statement(self._connection, base.where(scope))
        following = Statement(self._connection, base.where(scope & (column > given("last"))))
        rows = first.rows()
        while rows:
            found += rows
            if len(found) > _MOST_VALUES:
                return None
            rows = following.rows(last=rows[0][0])
        fitting = [value for value, text in found if _meets(chosen, text if column is shown else load(text))]
        return fitting if len(fitting) <= _MOST_MERGED else None

    def _merged(self, scope: peewee.ColumnBase, wanted: int) -> list[str]:
        one = self._page(scope & (self._column == given("value")), wanted)
        without = self._page(scope & self._column.is_null() & self._whole, wanted)
        lists = [without.rows() if value is None else one.rows(value=value) for value in self._values or ()]
        return self._first(lists, wanted)

    def _page(self, where: peewee.ColumnBase, wanted: int) -> Statement:
        columns = self._created_at, self._id
        query = self._model.select(*columns).where(where).order_by(*self._order(*columns))
        return Statement(self._connection, query.limit(wanted))

    def _first(self, lists: list[list[tuple[Any, ...]]], wanted: int) -> list[str]:
        return [row_id for _, row_id in islice(merge(*lists, reverse=self._descending), wanted)]

    def _count(self) -> int:
        rows = self._model.select(self._id).where(self._scope & self._whole).limit(_FEW_ROWS + 1)
        return len(self._read(rows))

    def _among_first(self, scope: peewee.ColumnBase, wanted: int, at_most: int) -> list[str]:
        """Look at the first rows of the list only, whether they fit or not."""
        order = self._order(self._created_at, self._id)
        columns = dict.fromkeys((self._id, self._created_at, self._shown))
        first = self._model.select(*columns).where(scope).order_by(*order).limit(at_most).alias("t1")
        query = peewee.Select([first], [first.c.id]).where(self._whole)
        return self._read(query.limit(wanted))

    def _order(self, *columns: Any) -> list[peewee.Ordering]:
        return [column.desc() if self._descending else column.asc() for column in columns]

    def _read(self, query: peewee.Query) -> list[Any]:
        with self._connection.read() as database:
            return [row[0] for row in database.execute(query).fetchall()]


def can_narrow(kind: Kind, chosen: Sequence[Filter], order: Sequence[str]) -> bool:
    """Return whether ``Narrowing`` is for a list of these filters, sorted by these attributes."""
    if len(chosen) != 1 or tuple(order) != ("created_at", "id") or kind.model not in SPARSE:
        return False
    name, operator = chosen[0].field, chosen[0].operator
    if name not in kind.columns or operator == "null" or name in ("created_at", "id"):
        return False
    column = kind.columns[name]
    if isinstance(column, TagsField):
        return True
    if isinstance(column, JsonField | FlagField) or (operator == "eq" and not isinstance(column, TimeField)):
        return False
    indexed = {spec.columns[:2] for spec in INDEXES if spec.model is kind.model}
    return (
        name == "project_id"
        or ("project_id", name) in indexed
        or (operator == "in" and (name, "created_at") in indexed)
    )


def _indexed(kind: Kind, name: str) -> peewee.Field:
    """Return the column by whose index an attribute is found: tags by their key."""
    column = kind.columns[name]
    return kind.keys[name] if isinstance(column, TagsField) else column


def holds_anyway(chosen: Filter, first: SortKey, after: Sequence[Any] | None) -> bool:
    """Return whether all that comes after a row fits the filter: so where it bounds the list's start, which is past.

    With two lower bounds, SQLite may begin at the one that is farther away.
    """
    if (
        after is None
        or chosen.field != first.name
        or chosen.operator not in (("lt", "lte") if first.descending else ("gt", "gte"))
    ):
        return False
    wanted = chosen.values[0]
    if isinstance(wanted, Span):
        # In whole spans, as ``filters`` compares them: after one, or not before it.
        bound = wanted.end if chosen.operator in ("gt", "lte") else wanted.start
        return after[0] is not None and (after[0] < bound if first.descending else after[0] >= bound)
    return _meets(chosen, after[0])


def _meets(chosen: Filter, value: Any) -> bool:
    """Return whether a text, or a list of tags, meets the filter; no value meets none."""
    if value is None:
        return False
    operator, wanted = chosen.operator, chosen.values
    if isinstance(value, list):
        return _MEET[operator](tag in value for tag in wanted)
    if operator in _COMPARE:
        return _COMPARE[operator](value, wanted[0])
    if operator == "has":
        return bool(wanted[0] in value)
    return (value in wanted) is (operator in ("eq", "in"))
