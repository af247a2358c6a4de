"""One service at a time on a SQLite file: a second one would decide the same executions."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from filelock import FileLock, Timeout

from mistralish.errors import UnavailableError

_SQLITE_PREFIX = "sqlite:///"


class Ownership:
    """The right to run a service on a database; it ends with ``release``, or with the process, however that ends.

    On a database that several processes may share, everyone has it.
    """

    def __init__(self, url: str) -> None:
        path = unquote(urlsplit(url).path)[1:] if url.startswith(_SQLITE_PREFIX) else ""
        self._path = Path(path) if path not in ("", ":memory:") else None
        self._lock = FileLock(f"{path}.lock", thread_local=False) if self._path else None

    def take(self) -> None:
        """Raise UnavailableError where another process has it, or the lock file cannot be written."""
        if self._lock is None:
            return
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UnavailableError(
                f"another service runs on the database {self._path}: stop it, or name another database; several "
                "services share a PostgreSQL database"
            ) from None
        except OSError as error:
            raise UnavailableError(f"the lock file {self._path}.lock cannot be written: {error.strerror}") from None

    def release(self) -> None:
        """Give it back."""
        if self._lock is not None:
            self._lock.release()
