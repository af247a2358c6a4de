"""Connections and transactions. Everything that differs between databases as a whole is here.

SQLite: WAL, ``synchronous=FULL``; each thread has its own connection, so that readers never wait; writers take
turns by a lock of this process before they take the database's. In memory there is one connection, and
everything takes turns. PostgreSQL: a pool; a thread has a connection for as long as it is inside ``read`` or
``write``.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import peewee
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase

from mistralish.errors import ConflictError, InputError, UnavailableError
from mistralish.store.json_text import canonical_text

try:
    import psycopg
except ImportError:  # the extra "postgresql" is not installed
    psycopg = None  # type: ignore[assignment]

CANONICAL_TEXT = "canonical_text"
"""The name of SQLite's function that makes JSON texts comparable."""

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

_BUSY_SECONDS = 30
_POOL_SIZE = 32
_POOL_WAIT_SECONDS = 30

_FILE_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",
    "cache_size": -16_000,  # KiB, of each connection
    "temp_store": "memory",
}

# Order by code point, whatever the database was created with: the same order as in SQLite and Python.
_POSTGRESQL_TYPES = {"NAME": 'TEXT COLLATE "C"', "TEXT": 'TEXT COLLATE "C"'}

_UNAVAILABLE: tuple[type[Exception], ...] = (
    peewee.OperationalError,
    peewee.InterfaceError,
    MaxConnectionsExceeded,
    sqlite3.OperationalError,
)
_CONFLICT: tuple[type[Exception], ...] = (peewee.IntegrityError, sqlite3.IntegrityError)
_BAD_DATA: tuple[type[Exception], ...] = (peewee.DataError, sqlite3.DataError)
if psycopg is not None:
    _UNAVAILABLE += (psycopg.OperationalError, psycopg.InterfaceError)
    _CONFLICT += (psycopg.IntegrityError,)
    _BAD_DATA += (psycopg.DataError,)


class Connection:
    """A database that has been opened.

    ``dialect`` is SQLITE or POSTGRESQL; ``database`` is peewee's. Use the database inside ``read`` or ``write`` only.
    """

    def __init__(self, database: peewee.Database, dialect: str, shared: bool = False) -> None:
        self.database = database
        self.dialect = dialect
        self._writer = threading.RLock() if dialect == SQLITE else None
        self._reader = self._writer if shared else None

    @contextlib.contextmanager
    def read(self) -> Iterator[peewee.Database]:
        """Give the database for reading; statements see each other's world only inside ``write``."""
        with _translated(), self._reader or contextlib.nullcontext(), self._session():
            yield self.database

    @contextlib.contextmanager
    def write(self) -> Iterator[peewee.Database]:
        """Give the database inside a transaction; inside another ``write`` of this thread, inside that one's.

        Raises UnavailableError where the database cannot be reached or written.
        """
        with _translated(), self._writer or contextlib.nullcontext(), self._session():
            if self.database.in_transaction():
                yield self.database
                return
            with self.database.transaction():
                yield self.database

    def close(self) -> None:
        """Close this thread's connection and those in the pool."""
        if isinstance(self.database, PooledPostgresqlDatabase):
            self.database.close_all()
        else:
            self.database.close()

    def _session(self) -> contextlib.AbstractContextManager[Any]:
        if self.dialect == POSTGRESQL:
            return self.database.connection_context()
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
    database = PooledPostgresqlDatabase(
        url,
        max_connections=_POOL_SIZE,
        timeout=_POOL_WAIT_SECONDS,
        prefer_psycopg3=True,
        field_types=_POSTGRESQL_TYPES,
        application_name="mistralish",
    )
    return Connection(database, POSTGRESQL)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Say a database's failure in this project's words, whether peewee or the driver itself reports it."""
    try:
        yield
    except _UNAVAILABLE as error:
        raise UnavailableError(f"The database cannot do this now: {error}") from error
    except _CONFLICT as error:
        raise ConflictError(f"The database has this already: {error}") from error
    except _BAD_DATA as error:
        raise InputError(f"The database cannot hold a value: {error}") from error
    except (peewee.DatabaseError, sqlite3.DatabaseError) as error:
        # SQLite's word for a file that is damaged, or no database at all; subclasses tell of our own mistakes.
        if type(error) not in (peewee.DatabaseError, sqlite3.DatabaseError):
            raise
        raise UnavailableError(f"The database is damaged: {error}") from error
