"""How long rows went on changing: what bounds a look for rows by a time other than that of their creation.

Lists are in the order of creation. A row that was changed after some time was created after it too, or before and went
on for long enough. So rows are told apart by how long they went on: those of a moment, which are most in number, by
nothing; the others have a class of lengths, and an index by it. A class need not be looked at further back than its
longest lasts.
"""

from bisect import bisect_left
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import peewee

from mistralish.store.dates import Span

_SECOND = 1_000_000
BOUNDS = (_SECOND, 60 * _SECOND, 3_600 * _SECOND, 360_000 * _SECOND)
"""The longest of each class, in microseconds. They are in the database: others need a migration."""

UNBOUNDED = len(BOUNDS)
"""The class of what lasts longer, and of rows whose times are before their creation, since a clock was set back."""


class LastedField(peewee.BigIntegerField):
    """The class of how long after the creation the last of the times ``of`` a row is; None up to a second."""

    def __init__(self, *of: str) -> None:
        super().__init__(null=True)
        self.of = of
        self._times = attrgetter("created_at", *of)

    def derive(self, record: Any) -> int | None:
        """Return the class of a record."""
        created_at, *others = self._times(record)
        return lasted(created_at, [each for each in others if each is not None])


def lasted(created_at: int, times: list[int]) -> int | None:
    """Return the class of a row created at ``created_at`` that has these times."""
    if not times or (created_at <= min(times) and max(times) <= created_at + BOUNDS[0]):
        return None
    return UNBOUNDED if min(times) < created_at else bisect_left(BOUNDS, max(times) - created_at)


def pieces(field: LastedField, time: peewee.Field, operator: str, span: Span) -> Iterator[peewee.ColumnBase]:
    """Yield conditions, each a range of an index, that have together, each once, the rows whose ``time`` fits a filter.

    ``operator`` is gt, gte, lt or lte, of ``span`` as filters understand it.
    """
    created_at = field.model._meta.fields["created_at"]
    # The sum keeps databases from the index of that time, which is not in the list's order.
    beyond = {
        "gt": time + 0 >= span.end,
        "gte": time + 0 >= span.start,
        "lt": time + 0 < span.start,
        "lte": time + 0 < span.end,
    }[operator]
    end = span.end if operator in ("gt", "lte") else span.start
    for at, longest in enumerate(BOUNDS):
        of_class = field == at if at else field.is_null()
        bound = created_at >= end - longest if operator in ("gt", "gte") else created_at < end
        yield of_class & bound & beyond
    yield (field == UNBOUNDED) & beyond
