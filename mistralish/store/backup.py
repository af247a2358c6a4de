"""A consistent copy of a database while others work on it.

SQLite: its online backup, in one step: one reading transaction, which in WAL mode keeps no writer waiting. The copy
is a database that can be put in the original's place. PostgreSQL: ``pg_dump`` in its custom format, for ``pg_restore``.
"""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from mistralish.errors import ConflictError, InputError, UnavailableError

_SQLITE_PREFIX = "sqlite:///"
_BUSY_SECONDS = 30
_LONGEST_REASON = 500


def backup(url: str, target: Path) -> int:
    """Copy the database at ``url`` to the new file ``target``; return its size in bytes.

    The file appears when the copy is complete and on disk, never before. Raises ConflictError (there is such a file),
    InputError (nothing to copy, no such directory), UnavailableError (it cannot be read or written).
    """
    if target.exists():
        raise ConflictError(f"{target} exists already: a backup is written to a new file")
    if not target.parent.is_dir():
        raise InputError(f"there is no directory {target.parent} to write the backup to")
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as directory:
            copy = Path(directory) / "copy"
            if url.startswith(_SQLITE_PREFIX):
                _copy_sqlite(Path(unquote(urlsplit(url).path)[1:]), copy)
            else:
                _dump_postgresql(url, copy)
            _settle(copy, target)
    except OSError as error:
        raise UnavailableError(f"the backup {target} cannot be written: {error.strerror or error}") from None
    return target.stat().st_size


def _copy_sqlite(source: Path, copy: Path) -> None:
    if not source.is_file():
        raise InputError(f"there is no database {source} to back up: --database-url or the settings name another?")
    copy.touch(mode=0o600)
    try:
        with (
            contextlib.closing(sqlite3.connect(source, timeout=_BUSY_SECONDS)) as original,
            contextlib.closing(sqlite3.connect(copy)) as duplicate,
        ):
            original.backup(duplicate)
            verdict = duplicate.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise UnavailableError(f"the database {source} cannot be copied: {error}") from None
    if verdict != "ok":
        raise UnavailableError(f"the database {source} is damaged, no backup was kept: {verdict}")


def _dump_postgresql(url: str, copy: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise UnavailableError("a backup of PostgreSQL needs its program pg_dump: install PostgreSQL's client programs")
    parts = urlsplit(url)
    environment = dict(os.environ)
    if parts.password is not None:
        # On the command line, everyone on the machine could read it.
        environment["PGPASSWORD"] = unquote(parts.password)
    user, _, place = parts.netloc.rpartition("@")
    without_password = f"{user.partition(':')[0]}@{place}" if user else place
    address = urlunsplit(parts._replace(netloc=without_password))
    command = [program, "--format=custom", "--no-owner", "--no-password", f"--file={copy}", f"--dbname={address}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnavailableError(f"pg_dump could not make the backup: {done.stderr.strip()[:_LONGEST_REASON]}")
    copy.chmod(0o600)


def _settle(copy: Path, target: Path) -> None:
    """Put the copy in its place once it is on disk, then see to it that its name is on disk too."""
    with open(copy, "rb+") as file:
        os.fsync(file.fileno())
    copy.rename(target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
