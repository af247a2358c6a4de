"""A PostgreSQL server of one's own, that a test may stop and start as it likes."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from peers import free_port

_USER = "postgres"


class Cluster:
    """A running server; ``url`` is its empty database."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        port = free_port()
        self.url = f"postgresql://{_USER}@127.0.0.1:{port}/postgres"
        # The server refuses to be root's.
        self._user = _USER if os.geteuid() == 0 else None
        self._options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=120"
        self._run("initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        self._run("pg_ctl", "-D", self._data, "-l", self._folder / "log", "-o", self._options, "-w", "start")

    def stop(self, mode: str) -> None:
        """Stop; ``fast`` cuts all connections off, ``immediate`` is a crash: the next start recovers from the log."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        # To a file: the server would keep a pipe open.
        with (self._folder / "commands.log").open("ab") as out:
            done = subprocess.run(
                command, user=self._user, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self._folder, timeout=60
            )
        assert done.returncode == 0, f"{program}: {(self._folder / 'commands.log').read_text()[-2000:]}"


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """A server of one's own, gone at the end. Skips where PostgreSQL's programs are not installed."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL's programs (initdb, pg_ctl) are not installed")
    # Not pytest's folder: its parents are closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="mistralish-postgresql-"))
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam(_USER)
            os.chown(folder, user.pw_uid, user.pw_gid)
        cluster = Cluster(programs, folder)
        try:
            yield cluster
        finally:
            cluster.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)
