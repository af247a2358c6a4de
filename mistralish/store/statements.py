"""Queries that are asked often: peewee makes their SQL once, afterwards only the values are put in."""

from dataclasses import dataclass
from typing import Any

import peewee

from mistralish.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Stands in a query for the value that ``Statement.rows`` is given under this name."""

    name: str


def given(name: str) -> peewee.Value:
    """Return what stands in a peewee query for a value that comes later."""
    return peewee.Value(Placeholder(name), converter=False, unpack=False)


class Statement:
    """A peewee query with placeholders, for one connection's dialect."""

    def __init__(self, connection: Connection, query: peewee.Query) -> None:
        self._connection = connection
        self._sql, self._parameters = connection.database.get_sql_context().sql(query).query()

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        """Run the query and return all rows, as the driver gives them."""
        parameters = [values[each.name] if isinstance(each, Placeholder) else each for each in self._parameters]
        with self._connection.read() as database:
            return database.execute_sql(self._sql, parameters).fetchall()

    def first(self, **values: Any) -> tuple[Any, ...] | None:
        """Run the query and return its first row, None for no row."""
        rows = self.rows(**values)
        return rows[0] if rows else None
