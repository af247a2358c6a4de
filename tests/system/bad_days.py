"""What goes wrong with databases, done to real ones, and the caller that writes down how the service takes it."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from peers import wait_for
from processes import ServiceProcess

BOUND_SECONDS = 9.0
"""How long a write may take to be refused: two waits for a lock of four seconds, and some time for a busy machine."""

CROWD = 40
WORKFLOWS = """
version: '2.0'
quick: {tasks: {a: {action: std.noop}}}
under_way:
  output: {done: <% $.get(done) %>}
  tasks:
    a: {action: std.sleep seconds=1, publish: {done: true}, on-success: b}
    b: {action: std.noop, wait-before: 1}
"""


class Day:
    """Asks a service, and keeps what it answered; ``tell`` prints it as a transcript."""

    def __init__(self, service: ServiceProcess, title: str) -> None:
        self.service = service
        self.refused: list[str] = []
        self.acknowledged: list[str] = []
        self._began_at = time.monotonic()
        self._lines = [f"--- {title}"]

    def note(self, text: str) -> None:
        self._lines.append(f"{time.monotonic() - self._began_at:6.1f} s  {text}")

    def tell(self) -> None:
        said = self.service.said.splitlines()
        self._lines += [f"     log  {line[:160]}" for line in said if "ERROR" in line or "WARNING" in line]
        print("\n".join(["", *self._lines]))

    def start(self, workflow: str = "quick") -> tuple[int, float]:
        """Start a workflow under an id of the caller's; return the status and the seconds that it took."""
        identifier, began = str(uuid.uuid4()), time.monotonic()
        response = self.service.rest.call("POST", "/executions", json={"workflow_name": workflow, "id": identifier})
        seconds = time.monotonic() - began
        if response.status_code == 201:
            self.acknowledged.append(identifier)
        else:
            assert response.status_code == 503, response.text
            assert int(response.headers["Retry-After"]) >= 1
            if "may still be carried out" not in response.text:
                self.refused.append(identifier)
        return response.status_code, seconds

    def expect_refusals(self, bound: float = BOUND_SECONDS) -> None:
        """One caller after the other, then a crowd, then other writes: each is refused in time. Readiness says so."""
        statuses, longest = Counter[int](), 0.0
        for _ in range(3):
            status, seconds = self.start()
            statuses[status], longest = statuses[status] + 1, max(longest, seconds)
        time.sleep(1.2)
        with ThreadPoolExecutor(CROWD) as crowd:
            for status, seconds in crowd.map(lambda _: self.start(), range(CROWD)):
                statuses[status], longest = statuses[status] + 1, max(longest, seconds)
        self.note(f"{3 + CROWD} starts: {dict(statuses)}, the slowest after {longest:.2f} s")
        assert set(statuses) == {503}
        assert longest < bound
        for path, body in (("/environments", {"name": "e", "variables": {"a": 1}}), ("/workflows", "{version: '2.0'}")):
            began = time.monotonic()
            options = {"json": body} if isinstance(body, dict) else {"data": body}
            answer = self.service.rest.call("POST", path, **options)
            assert answer.status_code in (400, 503), answer.text
            assert time.monotonic() - began < bound
            self.note(f"POST {path}: {answer.status_code}")
        self.note(f"GET /ready: {self.ask('/ready')}   GET /health: {self.ask('/health')}")
        assert (self.ask("/ready"), self.ask("/health")) == (503, 200)

    def ask(self, path: str) -> int:
        """The status of a request beside the API."""
        return self.service.rest.call("GET", self.service.rest.url.removesuffix("/v2") + path).status_code

    def expect_reads(self, status: int) -> None:
        """Reads are answered so, and quickly."""
        for path in ("/executions?limit=1", "/workflows/quick"):
            began = time.monotonic()
            answer = self.service.rest.call("GET", path)
            assert answer.status_code == status, answer.text
            assert time.monotonic() - began < 2
            self.note(f"GET {path}: {answer.status_code}")

    def expect_recovery(self, seconds: float = 10) -> None:
        """Writes are taken again; what was acknowledged ends well, and of what was refused there is nothing."""
        healed = time.monotonic()
        wait_for(lambda: self.start()[0] == 201, seconds, "a start after the bad day")
        self.note(f"a start is taken again after {time.monotonic() - healed:.2f} s")
        wait_for(lambda: self.ask("/ready") == 200, 15, "readiness")
        self.note(f"GET /ready: 200 after {time.monotonic() - healed:.1f} s")
        rest = self.service.rest
        assert {rest.wait(identifier)["state"] for identifier in self.acknowledged} == {"SUCCESS"}
        found = Counter(rest.call("GET", f"/executions/{identifier}").status_code for identifier in self.refused)
        self.note(f"{len(self.acknowledged)} acknowledged: all SUCCESS; {len(self.refused)} refused: {dict(found)}")
        assert set(found) <= {404}

    def expect_a_quiet_log(self, most: int) -> None:
        """No traceback, and few lines besides those of the requests."""
        said = [line for line in self.service.said.splitlines() if "mistralish.requests" not in line]
        assert "Traceback" not in self.service.said, self.service.said[-4000:]
        assert len(said) <= most, "\n".join(said)


@contextmanager
def full_disk(folder: Path, service: ServiceProcess) -> Iterator[None]:
    """No byte is left in the file system of ``folder``."""
    with (folder / "ballast").open("wb", buffering=0) as ballast:
        try:
            for size in (1024 * 1024, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(bytes(size))
            yield
        finally:
            ballast.truncate(0)


@contextmanager
def file_size_limit(folder: Path, service: ServiceProcess) -> Iterator[None]:
    """The service may not make its files larger than they are: as with a quota, and no root is needed for it."""
    size = max(path.stat().st_size for path in folder.glob("x.db*"))
    limit = ["prlimit", "--pid", str(service.pid)]
    subprocess.run([*limit, f"--fsize={size}:unlimited"], check=True)
    try:
        yield
    finally:
        subprocess.run([*limit, "--fsize=unlimited:unlimited"], check=True)


@contextmanager
def read_only_file(folder: Path, service: ServiceProcess) -> Iterator[None]:
    """The files cannot be written, whoever tries and however long they have been open."""
    # Not the third file: it is mapped into memory, and to write there would end the process.
    files = [str(folder / "x.db"), str(folder / "x.db-wal")]
    subprocess.run(["chattr", "+i", *files], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], check=True)


@contextmanager
def locked_file(folder: Path, service: ServiceProcess) -> Iterator[None]:
    """Another process, here this one, is in the middle of a long transaction."""
    other = sqlite3.connect(folder / "x.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@contextmanager
def damaged_file(folder: Path, service: ServiceProcess) -> Iterator[None]:
    """All pages but the first are noise, until somebody puts them back."""
    with sqlite3.connect(folder / "x.db") as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    whole = (folder / "x.db").read_bytes()
    with (folder / "x.db").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(len(whole) - 4096))
    try:
        yield
    finally:
        with (folder / "x.db").open("r+b") as file:
            file.write(whole)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a few megabytes. Skips where this user may not mount one."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def can_be_made_read_only(folder: Path) -> bool:
    """Whether this user may mark files as immutable here."""
    probe = folder / "probe"
    probe.touch()
    marked = shutil.which("chattr") and not subprocess.run(["chattr", "+i", probe], check=False).returncode
    if marked:
        subprocess.run(["chattr", "-i", probe], check=True)
    return bool(marked)


Trouble = Callable[[Path, ServiceProcess], Any]
