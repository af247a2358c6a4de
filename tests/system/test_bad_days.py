"""A database that cannot be used, in every way that we can bring about, with the real service on it.

Each time: writes are refused with 503 and Retry-After within seconds, one caller or a crowd; reads go on where they
can; /ready says so, /health does not; once the cause is gone the service works again by itself; what was acknowledged
ends as it must, of what was refused there is nothing; the log has a line for it, not one a second. ``pytest -s -n 0``
prints the transcripts.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bad_days
import pytest
from bad_days import Day, Trouble
from peers import free_port
from private_postgresql import Cluster, private_cluster
from processes import service_process

from mistralish.store import open_store

UNDER_WAY = 5


@contextmanager
def bad_day(folder: Path, url: str, title: str) -> Iterator[Day]:
    with service_process(folder, "service", url) as service:
        service.rest.post("/workflows", bad_days.WORKFLOWS)
        day = Day(service, title)
        for workflow in ["quick"] + ["under_way"] * UNDER_WAY:
            assert day.start(workflow)[0] == 201
        try:
            yield day
        finally:
            day.tell()
        day.expect_a_quiet_log(6)
        service.terminate()
        assert service.exit_code == 0


def lives_through(trouble: Trouble, folder: Path, logs: Path, reads: int) -> None:
    with bad_day(logs, f"sqlite:///{folder}/x.db", trouble.__name__.replace("_", " ")) as day:
        with trouble(folder, day.service):
            day.note("begins")
            day.expect_refusals()
            day.expect_reads(reads)
        day.note("ends")
        day.expect_recovery()
    with sqlite3.connect(folder / "x.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()


@pytest.mark.parametrize(
    ("trouble", "reads"),
    [(bad_days.file_size_limit, 200), (bad_days.locked_file, 200), (bad_days.damaged_file, 503)],
    ids=["file-size-limit", "locked", "damaged"],
)
def test_a_sqlite_file_that_cannot_be_used(trouble: Trouble, reads: int, tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    lives_through(trouble, tmp_path / "database", tmp_path, reads)


def test_a_full_disk(tmp_path: Path) -> None:
    with bad_days.small_disk(tmp_path / "disk") as disk:
        lives_through(bad_days.full_disk, disk, tmp_path, 200)


def test_a_file_that_cannot_be_written_any_more(tmp_path: Path) -> None:
    if not bad_days.can_be_made_read_only(tmp_path):
        pytest.skip("this user may not mark files as immutable here")
    (tmp_path / "database").mkdir()
    lives_through(bad_days.read_only_file, tmp_path / "database", tmp_path, 200)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with private_cluster() as running:
        yield running


@contextmanager
def stopped(cluster: Cluster) -> Iterator[None]:
    """The server is stopped, and started again."""
    cluster.stop("fast")
    try:
        yield
    finally:
        cluster.start()


@contextmanager
def no_more_connections(cluster: Cluster) -> Iterator[None]:
    """The server has cut the service's connections off, and has none for it."""
    _as_administrator(cluster, "ALTER DATABASE service ALLOW_CONNECTIONS false", _CUT_OFF)
    try:
        yield
    finally:
        _as_administrator(cluster, "ALTER DATABASE service ALLOW_CONNECTIONS true")


@contextmanager
def read_only_server(cluster: Cluster) -> Iterator[None]:
    """The server takes no writes: as a standby after a failover, or an administrator who needs time."""
    _as_administrator(cluster, "ALTER DATABASE service SET default_transaction_read_only = on", _CUT_OFF)
    try:
        yield
    finally:
        _as_administrator(cluster, "ALTER DATABASE service RESET default_transaction_read_only", _CUT_OFF)


_CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'service'"


def _as_administrator(cluster: Cluster, *statements: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(cluster.url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(("trouble", "reads"), [(stopped, 503), (no_more_connections, 503), (read_only_server, 200)])
def test_a_postgresql_that_cannot_be_used(trouble: Trouble, reads: int, cluster: Cluster, tmp_path: Path) -> None:
    _as_administrator(cluster, "CREATE DATABASE service")
    url = cluster.url.rpartition("/")[0] + "/service"
    try:
        with bad_day(tmp_path, url, f"PostgreSQL, {trouble.__name__.replace('_', ' ')}") as day:
            with trouble(cluster):
                day.note("begins")
                day.expect_refusals()
                if reads == 200:
                    day.service.rest.call("GET", "/executions")
                day.expect_reads(reads)
            day.note("ends")
            day.expect_recovery()
    finally:
        _as_administrator(cluster, "DROP DATABASE service WITH (FORCE)")


def test_a_service_does_not_start_on_a_damaged_file_and_says_so_in_one_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    store = open_store(url)
    store.upgrade()
    store.close()
    file = tmp_path / "x.db"
    file.write_bytes(file.read_bytes()[:4096] + b"\x99" * (file.stat().st_size - 4096))
    command = [sys.executable, "-m", "mistralish.cli", "serve", "--port", str(free_port()), "--database-url", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "The database is damaged: database disk image is malformed" in done.stderr
    assert "Traceback" not in done.stderr
