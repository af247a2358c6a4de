"""Numbers about the whole database, asked for far more often than they change."""

import threading

from mistralish.store import models
from mistralish.store.connection import SQLITE, Connection
from mistralish.store.statements import Statement


class Counter:
    """The number of this name. On SQLite it is read once, and again after each change: no other process makes one."""

    def __init__(self, connection: Connection, name: str) -> None:
        counter = models.Counter
        self._connection = connection
        self._named = counter.name == name
        self._select = Statement(connection, counter.select(counter.value).where(self._named))
        self._lock = threading.Lock()
        self._changes = 0
        self._known: int | None = None

    def read(self) -> int | None:
        """Return the number as it was committed last, None where there is none."""
        known, changes = self._known, self._changes
        if known is not None:
            return known
        value = self.look_up()
        if self._connection.dialect == SQLITE:
            with self._lock:
                # What was read before a change is not kept after it.
                if self._changes == changes:
                    self._known = value
        return value

    def look_up(self) -> int | None:
        """Return the same, from the database in any case."""
        row = self._select.first()
        return row[0] if row else None

    def increase(self) -> None:
        """Add one, in the transaction of whatever that is about."""
        with self._connection.write() as database:
            counter = models.Counter
            database.execute(counter.update(value=counter.value + 1).where(self._named))
            self._connection.after_commit(self._forget)

    def put(self, value: int, expected: int | None = None) -> bool:
        """Set the number, where ``expected`` is given only if it is that; say whether it was."""
        counter = models.Counter
        match = self._named if expected is None else self._named & (counter.value == expected)
        with self._connection.write() as database:
            changed: int = database.execute(counter.update(value=value).where(match)).rowcount
            self._connection.after_commit(self._forget)
        return changed == 1

    def _forget(self) -> None:
        with self._lock:
            self._changes += 1
            self._known = None
