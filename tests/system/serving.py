"""The service as a process of its own, for tests: started on a free port, stopped by SIGTERM."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from peers import free_port, wait_for
from planted import watch

GIVEN_URL = os.environ.get("MISTRALISH_SYSTEM_URL")
"""A v2 URL to run the system tests against, instead of a service started for them (to try them on the reference)."""


@dataclass(frozen=True)
class Server:
    """A running service: its v2 URL, its log and its process's id (None and 0 when it was not started here)."""

    url: str
    log: Path | None
    process_id: int = 0


@contextmanager
def running_server(folder: Path, more: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run the service as a process of its own on SQLite in ``folder``; stop it by SIGTERM and expect exit code 0.

    What is off by default is switched on; ``more`` are environment variables with further settings.
    """
    log, port = folder / "server.log", free_port()
    command = [sys.executable, "-m", "mistralish.cli", "serve", "--port", str(port)]
    command += ["--database-url", f"sqlite:///{folder / 'mistralish.sqlite'}"]
    info = folder / "info.json"
    info.write_text('{"release": "test"}')
    environment = os.environ | {"MISTRALISH_DYNAMIC_ACTIONS": "true", "MISTRALISH_INFO_FILE": str(info)} | (more or {})
    watch(log)
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder, env=environment
        )
    url = f"http://127.0.0.1:{port}/v2"
    try:
        wait_for(lambda: _answers(url, process, log), 30, "the server's first answer")
        yield Server(url, log, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    said = log.read_text()
    assert code == 0, f"the server ended with {code} after SIGTERM:\n{said[-4000:]}"
    assert "Traceback" not in said, said[said.index("Traceback") :][:4000]


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, f"the server ended with {process.returncode}:\n{log.read_text()[-4000:]}"
    try:
        return requests.get(url + "/", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False
