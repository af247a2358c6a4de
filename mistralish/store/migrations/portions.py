"""What the steps share that go through all rows of a table."""

from collections.abc import Iterator, Sequence
from typing import Any

from mistralish.store.connection import Connection

_ROWS_AT_ONCE = 1_000


def portions(
    connection: Connection, table: str, names: Sequence[str], where: str = ""
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a table, of which a condition in SQL may hold, in lists: of each its id and some columns."""
    mark = connection.database.param
    columns = ", ".join(f'"{name}"' for name in ("id", *names))
    wanted = f'"id" > {mark}' + (f" AND {where}" if where else "")
    query = f'SELECT {columns} FROM "{table}" WHERE {wanted} ORDER BY "id" LIMIT {_ROWS_AT_ONCE}'
    last = ""
    while rows := connection.database.execute_sql(query, (last,)).fetchall():
        yield rows
        last = rows[-1][0]
