"""The database of a simulation: a real one in memory that fails when told to, and keeps count of what it was given.

``Ledger`` is told of every commit, and checks what must hold after each of them.
"""

from collections.abc import Callable, Iterable
from random import Random
from types import TracebackType
from typing import Any

from simulation.ledger import Ledger

from mistralish.errors import UnavailableError
from mistralish.store import Changes, Store, Turn
from mistralish.store.connection import Connection, connect


class Crash(BaseException):
    """The process ends here. Not an Exception: nobody may catch it."""


class Database:
    """What outlives processes: rows, and versions of trees. ``is_shared``: several processes use it at once."""

    def __init__(self, random: Random, is_shared: bool) -> None:
        self.connection = connect("sqlite://")
        self.is_shared = is_shared
        self.random = random
        self.versions: dict[str, int] = {}
        self.ledger = Ledger()
        self.fault: str | None = None
        self.on_commit: Callable[[], None] = lambda: None
        SimulatedStore(self).upgrade()

    def take_fault(self, at: str) -> bool:
        """Whether what goes wrong is to go wrong here; it does so once."""
        if self.fault != at:
            return False
        self.fault = None
        return True


class SimulatedStore(Store):
    """The database as one process has it open."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.connection)
        self._database = database

    @property
    def is_exclusive(self) -> bool:
        return not self._database.is_shared

    def turn(self, roots: Iterable[str]) -> Turn:
        return SimulatedTurn(self._connection, self._writer, roots, self._database)


class SimulatedTurn(Turn):
    """A turn with PostgreSQL's versions and locks, on a database that may fail before or after the commit."""

    def __init__(self, connection: Connection, writer: Any, roots: Iterable[str], database: Database) -> None:
        super().__init__(connection, writer, roots)
        self._database = database
        self._saved: Changes | None = None

    def __enter__(self) -> Turn:
        if self._database.take_fault("no begin"):
            raise UnavailableError("no connection")
        super().__enter__()
        database = self._database
        if database.is_shared:
            busy = {root for root in self.locked if database.random.random() < 0.03}
            self.locked = {root: database.versions.get(root, 0) for root in self.locked if root not in busy}
        return self

    def save(self, changes: Changes) -> None:
        super().save(changes)
        if self._database.is_shared:
            self.locked = {root: version + 1 for root, version in self.locked.items()}
        if self._database.take_fault("no commit"):
            raise UnavailableError("the disk is full")
        if self._database.take_fault("crash before commit"):
            raise Crash
        self._saved = changes

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        done = super().__exit__(kind, error, trace)
        if error is None and self._saved is not None:
            self._database.versions.update(self.locked)
            self._database.ledger.take(self._saved)
            if self._database.take_fault("crash after commit"):
                raise Crash
        return done
