"""The store: one object over one database, safe to use from many threads."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from mistralish.errors import UnavailableError
from mistralish.store import migrations
from mistralish.store.bulk import Writer
from mistralish.store.calls import Calls
from mistralish.store.connection import SQLITE, Connection, connect
from mistralish.store.history import HistoryReader
from mistralish.store.operation import Operation
from mistralish.store.query import Page, Query, list_page
from mistralish.store.recovery import Recovery
from mistralish.store.retention import Retention
from mistralish.store.sharing import Sharing
from mistralish.store.tenancy import Tenant
from mistralish.store.turn import Turn


class Store(Sharing, Recovery, Calls, Retention, Operation, HistoryReader):
    """Everything that is kept. Made by ``open_store``; documents, lists, turns and recovery in one place."""

    def __init__(self, connection: Connection) -> None:
        Sharing.__init__(self, connection)
        Recovery.__init__(self, connection)
        Calls.__init__(self, connection)
        Retention.__init__(self, connection)
        Operation.__init__(self, connection)
        HistoryReader.__init__(self, connection)
        self._writer = Writer(connection)

    @property
    def is_exclusive(self) -> bool:
        """Whether no other process works on this database: so it is with SQLite."""
        return self._connection.dialect == SQLITE

    @property
    def failures(self) -> int:
        """How often the database could not do what it was asked, since the start."""
        return self._connection.failures

    @property
    def is_being_tried(self) -> bool:
        """Whether the database could not be used for some time, and one thread finds out if it can be again."""
        return self._connection.outage.is_being_tried

    def check(self) -> None:
        """Raise UnavailableError where the database does not answer, failed just now, or cannot be written since."""
        outage = self._connection.outage
        mode = self.stored_maintenance()
        if outage.is_recent:
            raise UnavailableError("The database failed just now")
        if outage.is_on:
            self.set_maintenance(mode, expected=mode)

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

    def taking_turns(self) -> AbstractContextManager[Any]:
        """As ``transaction``, for what every process does at its start: on one database, one after the other."""
        return migrations.taking_turns(self._connection)

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
