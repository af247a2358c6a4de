"""The store: one object over one database, safe to use from many threads."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from mistralish.store import migrations
from mistralish.store.bulk import Writer
from mistralish.store.calls import Calls
from mistralish.store.connection import SQLITE, Connection, connect
from mistralish.store.operation import Operation
from mistralish.store.query import Page, Query, list_page
from mistralish.store.recovery import Recovery
from mistralish.store.retention import Retention
from mistralish.store.sharing import Sharing
from mistralish.store.tenancy import Tenant
from mistralish.store.turn import Turn


class Store(Sharing, Recovery, Calls, Retention, Operation):
    """Everything that is kept. Made by ``open_store``; documents, lists, turns and recovery in one place."""

    def __init__(self, connection: Connection) -> None:
        Sharing.__init__(self, connection)
        Recovery.__init__(self, connection)
        Calls.__init__(self, connection)
        Retention.__init__(self, connection)
        Operation.__init__(self, connection)
        self._writer = Writer(connection)

    @property
    def is_exclusive(self) -> bool:
        """Whether no other process works on this database: so it is with SQLite."""
        return self._connection.dialect == SQLITE

    def upgrade(self) -> int:
        """Bring the database to this code's schema version and return it. Raises UnavailableError if it is newer."""
        return migrations.upgrade(self._connection)

    def schema_version(self) -> int:
        """Return the database's schema version, 0 for an empty one."""
        return migrations.stored_version(self._connection)

    def close(self) -> None:
        """Close the connections; the store cannot be used afterwards."""
        self._connection.close()

    def transaction(self) -> AbstractContextManager[Any]:
        """Do all that happens inside, in this thread, or nothing of it."""
        return self._connection.write()

    def list(self, kind: str, query: Query, *, tenant: Tenant) -> Page:
        """Return a page of the documents of ``kind`` that ``tenant`` may see. See ``query.list_page``."""
        if query.kind != kind:
            raise ValueError(f"a query for {query.kind} cannot list {kind}")
        return list_page(self._connection, query, tenant)

    def turn(self, roots: Iterable[str]) -> Turn:
        """Return a transaction over the trees of executions with these roots, to be entered by ``with``."""
        return Turn(self._connection, self._writer, roots)


def open_store(url: str) -> Store:
    """Open the database at ``url`` (see ``connection.connect``). An empty or old one needs ``Store.upgrade``."""
    return Store(connect(url))
