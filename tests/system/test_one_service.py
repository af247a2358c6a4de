"""A SQLite database belongs to one service at a time."""

import subprocess
import sys
from pathlib import Path

from peers import free_port
from processes import service_process


def _serve(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mistralish.cli", "serve", "--port", str(free_port()), "--database-url", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_second_service_on_one_sqlite_file_is_refused_and_the_first_works_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/one.db"
    with service_process(tmp_path, "first", url) as first:
        second = _serve(url)
        assert second.returncode == 2
        assert "another service runs on the database" in second.stderr
        first.rest.post("/workflows", "{version: '2.0', still: {tasks: {a: {action: std.noop}}}}")
        assert first.rest.run("still")["state"] == "SUCCESS"


def test_the_lock_of_a_killed_service_holds_nobody_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/killed.db"
    with service_process(tmp_path, "first", url) as first:
        first.kill()
        with service_process(tmp_path, "second", url) as second:
            assert second.rest.get("/")
