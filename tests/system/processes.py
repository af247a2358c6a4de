"""Service processes that share a database, each with settings of its own, and may be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from peers import free_port, wait_for
from planted import watch
from rest import Rest


class ServiceProcess:
    """One running service. ``rest`` is its API; ``said`` what it has logged so far."""

    def __init__(
        self, folder: Path, name: str, database_url: str, settings: dict[str, Any], packages: Path | None = None
    ) -> None:
        self._log = folder / f"{name}.log"
        watch(self._log)
        port = free_port()
        environ = {key: value for key, value in os.environ.items() if not key.startswith("MISTRALISH_")}
        environ |= {f"MISTRALISH_{key.upper()}": str(value) for key, value in settings.items()}
        if packages is not None:
            environ["PYTHONPATH"] = str(packages)
        command = [sys.executable, "-m", "mistralish.cli", "serve", "--port", str(port), "--database-url", database_url]
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environ)
        self.rest = Rest(f"http://127.0.0.1:{port}/v2")

    @property
    def said(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def wait_until_it_answers(self, **options: Any) -> None:
        def answers() -> bool:
            assert self._process.poll() is None, self.said[-4000:]
            try:
                return self.rest.call("GET", "/", **options).status_code == 200
            except requests.ConnectionError:
                return False

        wait_for(answers, 30, "the service's first answer")

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Return the exit code, after so many seconds at the most."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        """End the process without any warning."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """Have it stop as an administrator would, if it still runs."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def service_process(
    folder: Path, name: str, database_url: str, *, packages: Path | None = None, **settings: Any
) -> Iterator[ServiceProcess]:
    """A service with these settings, stopped at the end; ``name`` is its log's, ``packages`` a folder of packages."""
    process = ServiceProcess(folder, name, database_url, settings, packages)
    try:
        process.wait_until_it_answers()
        yield process
    finally:
        process.terminate()
