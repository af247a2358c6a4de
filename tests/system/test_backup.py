"""A backup made while the service works, and the service that goes on from it."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import wait_for
from processes import service_process
from rest import Rest
from services import new_postgresql_database

WAITING = """
version: '2.0'
waiting:
  input: [n]
  output: {n: <% $.seen %>}
  tasks:
    hold:
      action: std.echo output=<% $.n %>
      wait-before: 3
      publish: {seen: <% task().result %>}
      on-success: [last]
    last:
      action: std.noop
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The URLs of a database and of the place to restore it to."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/original.db", f"sqlite:///{tmp_path}/restored.db"
        return
    with new_postgresql_database() as original, new_postgresql_database() as restored:
        yield original, restored


def _backup(url: str, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mistralish.cli", "db", "backup", str(target), "--database-url", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def _restore(target: Path, url: str) -> None:
    if url.startswith("sqlite:///"):
        shutil.copy(target, url.removeprefix("sqlite:///"))
        return
    command = ["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", str(target)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def _keep_starting(rest: Rest, started: list[str], stop: threading.Event) -> None:
    while not stop.is_set():
        started.append(rest.start("waiting", {"n": len(started)})["id"])


def test_what_was_acknowledged_before_a_backup_goes_on_after_its_restore(
    databases: tuple[str, str], tmp_path: Path
) -> None:
    original, restored = databases
    target, started, stop = tmp_path / "copy.backup", [], threading.Event()
    with service_process(tmp_path, "original", original) as service:
        service.rest.post("/workflows", WAITING)
        client = threading.Thread(target=_keep_starting, args=(service.rest, started, stop))
        client.start()
        wait_for(lambda: len(started) >= 30, 30, "thirty executions")
        before = list(started)
        done = _backup(original, target)
        stop.set()
        client.join()
    assert done.returncode == 0, done.stderr
    assert len(started) > len(before), "the service took no work while the backup was made"
    assert target.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.glob(".backup-*")) == []
    _restore(target, restored)
    with service_process(tmp_path, "restored", restored) as service:
        outputs = [service.rest.wait(identifier)["output"] for identifier in before]
    assert outputs == [{"n": index} for index in range(len(before))]


def test_a_backup_never_overwrites_a_file(tmp_path: Path) -> None:
    target = tmp_path / "there"
    target.write_text("mine")
    done = _backup(f"sqlite:///{tmp_path}/some.db", target)
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert target.read_text() == "mine"


def test_a_database_that_is_not_there_is_not_made_by_its_backup(tmp_path: Path) -> None:
    done = _backup(f"sqlite:///{tmp_path}/none.db", tmp_path / "copy")
    assert done.returncode == 2
    assert "there is no database" in done.stderr
    assert os.listdir(tmp_path) == []


def test_a_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"SQLite format 3\x00" + os.urandom(8192))
    done = _backup(f"sqlite:///{tmp_path}/bad.db", tmp_path / "copy")
    assert done.returncode == 2
    assert "bad.db" in done.stderr
    assert not (tmp_path / "copy").exists()


def test_an_unreachable_postgresql_is_told_without_its_password(tmp_path: Path) -> None:
    if not shutil.which("pg_dump"):
        pytest.skip("pg_dump is not installed")
    done = _backup("postgresql://me:hunter22@127.0.0.1:1/none", tmp_path / "copy")
    assert done.returncode == 2
    assert "pg_dump could not make the backup" in done.stderr
    assert "hunter22" not in done.stderr
