"""Connections and transactions. Everything that differs between databases as a whole is here.

SQLite: WAL, ``synchronous=FULL``; each thread has its own connection, so that readers never wait; writers take
turns by a lock of this process before they take the database's. In memory there is one connection, and
everything takes turns. PostgreSQL: a pool; a thread has a connection for as long as it is inside ``read`` or
``write``.
"""

import contextlib
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import peewee
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase

from mistralish.errors import ConflictError, DatabaseError, InputError, UnavailableError
from mistralish.store.json_text import canonical_text
from mistralish.store.outage import Outage

try:
    import psycopg
except ImportError:  # the extra "postgresql" is not installed
    psycopg = None  # type: ignore[assignment]

CANONICAL_TEXT = "canonical_text"
"""The name of SQLite's function that makes JSON texts comparable."""

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

_BUSY_SECONDS = 4
"""How long a write waits for others: first of this process, then as long for those of another one."""

_POOL_SIZE = 32
_POOL_WAIT_SECONDS = 5

# A server that is gone without a word would otherwise be waited for for minutes.
_POSTGRESQL_PATIENCE = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",  # ms
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
}

# What SQLite says of a statement that is more than it can take.
_TOO_MUCH = ("parser stack overflow", "Expression tree is too large", "too many SQL variables", "too many terms")

_FILE_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "cache_size": -16_000,  # KiB, of each connection
    # Pages of 4 KiB. A checkpoint syncs the whole file; with SQLite's 1,000 every third commit of 100 items has one.
    "wal_autocheckpoint": 4_000,
    "temp_store": "memory",
}

# Order by code point, whatever the database was created with: the same order as in SQLite and Python.
_POSTGRESQL_TYPES = {"NAME": 'TEXT COLLATE "C"', "TEXT": 'TEXT COLLATE "C"'}

_UNAVAILABLE: tuple[type[Exception], ...] = (
    peewee.OperationalError,
    peewee.InterfaceError,
    peewee.InternalError,  # PostgreSQL: a standby that takes no writes, a damaged table
    MaxConnectionsExceeded,
    sqlite3.OperationalError,
)
_CONFLICT: tuple[type[Exception], ...] = (peewee.IntegrityError, sqlite3.IntegrityError)
_BAD_DATA: tuple[type[Exception], ...] = (peewee.DataError, sqlite3.DataError)
if psycopg is not None:
    _UNAVAILABLE += (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
    _CONFLICT += (psycopg.IntegrityError,)
    _BAD_DATA += (psycopg.DataError,)


class _Pool(PooledPostgresqlDatabase):
    """A pool that takes connections which were used a moment ago for alive where they are for ``writing``.

    peewee's asks each connection, while all threads wait, and each turn would do so. A turn whose connection did break
    just then is tried again, or its callers are told to ask again; who reads would not expect that.
    """

    _MOMENT = 1.0  # seconds

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._thread = threading.local()
        super().__init__(*args, **kwargs)

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Have a connection for a transaction that writes."""
        self._thread.writes = True
        try:
            session = self.connection_context()
            session.__enter__()
        finally:
            self._thread.writes = False
        with contextlib.ExitStack() as stack:
            stack.push(session)
            yield

    def _is_closed(self, conn: Any) -> bool:
        rested = time.monotonic() - getattr(conn, "_used_at", -math.inf)
        if getattr(self._thread, "writes", False) and rested < self._MOMENT:
            return bool(conn.closed)
        return bool(super()._is_closed(conn))

    def _can_reuse(self, conn: Any) -> bool:
        conn._used_at = time.monotonic()
        return bool(super()._can_reuse(conn))


class Connection:
    """A database that has been opened.

    ``dialect`` is SQLITE or POSTGRESQL; ``database`` is peewee's. Use the database inside ``read`` or ``write`` only.
    """

    def __init__(self, database: peewee.Database, dialect: str, shared: bool = False) -> None:
        self.database = database
        self.dialect = dialect
        self._writer = threading.RLock() if dialect == SQLITE else None
        self._reader = self._writer if shared else None
        self._local = threading.local()
        self.outage = Outage()
        self.failures = 0
        """How often the database could not do what it was asked; a few may go uncounted, as threads share it."""

    @property
    def is_file(self) -> bool:
        """Whether it is a SQLite file."""
        return self._writer is not None and self._reader is None

    @contextlib.contextmanager
    def read(self) -> Iterator[peewee.Database]:
        """Give the database for reading; statements see each other's world only inside ``write``."""
        with _translated(self), self._reader or contextlib.nullcontext(), self._session():
            yield self.database

    @contextlib.contextmanager
    def write(self) -> Iterator[peewee.Database]:
        """Give the database inside a transaction; inside another ``write`` of this thread, inside that one's.

        Raises UnavailableError where the database cannot be reached or written.
        """
        with _translated(self), self.outage.trial(), self._turn_to_write(), self._session(writes=True):
            if self.database.in_transaction():
                yield self.database
                return
            committed: list[Callable[[], None]] = []
            self._local.committed = committed
            with self.database.transaction():
                yield self.database
            self.outage.wrote()
            for callback in committed:
                callback()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called once the present ``write`` of this thread is committed, if it is."""
        self._local.committed.append(callback)

    def close(self) -> None:
        """Close this thread's connection and those in the pool."""
        if isinstance(self.database, PooledPostgresqlDatabase):
            self.database.close_all()
        else:
            self.database.close()

    @contextlib.contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        if self._writer is None:
            yield
            return
        if not self._writer.acquire(timeout=_BUSY_SECONDS):
            raise UnavailableError("Too much is being written to the database just now")
        try:
            yield
        finally:
            self._writer.release()

    def _session(self, writes: bool = False) -> contextlib.AbstractContextManager[Any]:
        if self.dialect == POSTGRESQL:
            return self.database.writing() if writes else self.database.connection_context()  # type: ignore[attr-defined]
        return contextlib.nullcontext()


def connect(url: str) -> Connection:
    """Open the database at ``url``.

    ``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite://`` (in memory),
    ``postgresql://user:password@host:port/name``. Raises InputError for anything else.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return _sqlite(url)
    if scheme in ("postgresql", "postgres"):
        return _postgresql(url)
    raise InputError(
        f"Unknown database URL '{url.split('@')[-1]}': expected sqlite:///path, sqlite:// (in memory) "
        "or postgresql://user:password@host:port/name"
    )


def _sqlite(url: str) -> Connection:
    parts = urlsplit(url)
    if parts.netloc:
        raise InputError(
            f"Bad database URL '{url}': a SQLite path is written sqlite:///relative or sqlite:////absolute"
        )
    path = unquote(parts.path)[1:]
    if path in ("", ":memory:"):
        memory = peewee.SqliteDatabase(
            ":memory:", thread_safe=False, check_same_thread=False, field_types={"NAME": "TEXT"}, cached_statements=512
        )
        memory.register_function(canonical_text, CANONICAL_TEXT, 1, deterministic=True)
        memory.connect()
        return Connection(memory, SQLITE, shared=True)
    database = peewee.SqliteDatabase(
        path,
        pragmas=_FILE_PRAGMAS,
        timeout=_BUSY_SECONDS,
        lock_type="IMMEDIATE",
        field_types={"NAME": "TEXT"},
        cached_statements=512,
    )
    database.register_function(canonical_text, CANONICAL_TEXT, 1, deterministic=True)
    return Connection(database, SQLITE)


def _postgresql(url: str) -> Connection:
    if url.startswith("postgres://"):
        url = "postgresql" + url[len("postgres") :]
    if psycopg is None:
        raise InputError("PostgreSQL needs the driver psycopg: pip install 'mistralish[postgresql]'")
    database = _Pool(
        url,
        max_connections=_POOL_SIZE,
        timeout=_POOL_WAIT_SECONDS,
        prefer_psycopg3=True,
        field_types=_POSTGRESQL_TYPES,
        application_name="mistralish",
        **{name: value for name, value in _POSTGRESQL_PATIENCE.items() if name not in parse_qs(urlsplit(url).query)},
    )
    return Connection(database, POSTGRESQL)


@contextlib.contextmanager
def _translated(connection: Connection) -> Iterator[None]:
    """Say a database's failure in this project's words, whether peewee or the driver itself reports it."""
    try:
        yield
    except _UNAVAILABLE as error:
        if _is_statements_fault(error):
            raise InputError("The database cannot answer this: ask for less at once, with fewer conditions") from error
        raise _noted(connection, "The database cannot do this now", error) from error
    except _CONFLICT as error:
        raise ConflictError(f"The database has this already: {error}") from error
    except _BAD_DATA as error:
        raise InputError(f"The database cannot hold a value: {error}") from error
    except (peewee.DatabaseError, sqlite3.DatabaseError) as error:
        # SQLite's word for a file that is damaged, or no database at all; subclasses tell of our own mistakes.
        if type(error) not in (peewee.DatabaseError, sqlite3.DatabaseError):
            raise
        noted = _noted(connection, "The database is damaged", error)
        _let_go(connection)
        raise noted from error
    except DatabaseError:
        # Of a statement inside the transaction that ends here.
        _let_go(connection)
        raise


def _let_go(connection: Connection) -> None:
    """Close a connection to a file that failed, unless it is in a transaction: it keeps what it has read there."""
    if connection.is_file and not connection.database.in_transaction():
        connection.database.close()  # the file may be whole again


def _is_statements_fault(error: BaseException) -> bool:
    """Whether SQLite does not take the statement itself, which says nothing about the database."""
    return getattr(_first(error), "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR and any(
        words in str(error) for words in _TOO_MUCH
    )


def _noted(connection: Connection, told: str, error: Exception) -> DatabaseError:
    connection.failures += 1
    reason = " ".join(str(_first(error)).split())
    connection.outage.failed(reason)
    if isinstance(connection.database, PooledPostgresqlDatabase) and not isinstance(error, MaxConnectionsExceeded):
        # Where one connection was cut off the others were too: each would fail a request of its own.
        connection.database.close_idle()
    return DatabaseError(told, reason)


def _first(error: BaseException) -> BaseException:
    """What failed first: a rollback may fail after it, with words that explain nothing."""
    before = error.__context__
    return error if before is None or not isinstance(before, _UNAVAILABLE) else _first(before)
