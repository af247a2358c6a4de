"""The service as a process of its own, and what it costs the machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.client import Client

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class Service:
    """A running service. ``client`` speaks to it; ``ready_seconds`` passed from the command to its first answer."""

    def __init__(self, folder: Path, database_url: str, more: Mapping[str, str] | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("MISTRALISH_")}
        environ |= {"MISTRALISH_DATA_DIR": str(folder), **(more or {})}
        command = [sys.executable, "-m", "mistralish.cli", "serve", "--port", str(port), "--database-url", database_url]
        began = time.perf_counter()
        with (folder / "service.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environ)
        self.client = Client("127.0.0.1", port)
        while not self.client.answers():
            if self._process.poll() is not None:
                raise RuntimeError((folder / "service.log").read_text()[-2000:])
            time.sleep(0.002)
        self.ready_seconds = time.perf_counter() - began

    @property
    def resident_mib(self) -> float:
        """How much memory it occupies now."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * _PAGE / 2**20

    @property
    def cpu_seconds(self) -> float:
        """How much processor time it has used so far."""
        parts = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / _TICKS

    def stop(self) -> None:
        """End it as an administrator would."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)


@contextmanager
def running(folder: Path, database_url: str | None = None, more: Mapping[str, str] | None = None) -> Iterator[Service]:
    """A service, on a SQLite file in ``folder`` unless another database is named, that ends with the block."""
    service = Service(folder, database_url or sqlite_url(folder), more)
    try:
        yield service
    finally:
        service.stop()


def database_file(folder: Path) -> Path:
    """The SQLite file of a service in ``folder``."""
    return folder / "bench.db"


def sqlite_url(folder: Path) -> str:
    """The URL of that file."""
    return f"sqlite:///{database_file(folder)}"
