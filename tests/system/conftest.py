"""The real server as a process, and real counterparts for it to talk to."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from peers import HttpPeer, SmtpPeer, SshPeer, Unavailable, free_port, http_peer, smtp_peer, ssh_peer, wait_for
from rest import Rest

SSH_HOST = "127.22.22.22"  # std.ssh always goes to port 22; this loopback address is nobody else's


@dataclass(frozen=True)
class Server:
    """A running service: its v2 URL and its log (None when it was not started here)."""

    url: str
    log: Path | None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--server-url", help="run the system tests against this v2 URL instead of starting the service for them"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than ten seconds")


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """Run the service as a process of its own on SQLite in ``folder``; stop it by SIGTERM and expect exit code 0."""
    log, port = folder / "server.log", free_port()
    command = [sys.executable, "-m", "mistralish.cli", "serve", "--port", str(port)]
    command += ["--database-url", f"sqlite:///{folder / 'mistralish.sqlite'}"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder)
    url = f"http://127.0.0.1:{port}/v2"
    try:
        wait_for(lambda: _answers(url, process, log), 30, "the server's first answer")
        yield Server(url, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
    assert code == 0, f"the server ended with {code} after SIGTERM:\n{log.read_text()[-4000:]}"


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service that most tests share."""
    given = request.config.getoption("--server-url")
    if given:
        yield Server(given, None)
        return
    with running_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def own_rest(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """A service with an empty store, for one test module alone (or the one of --server-url)."""
    given = request.config.getoption("--server-url")
    if given:
        yield Rest(given)
        return
    with running_server(tmp_path_factory.mktemp("own-server")) as started:
        yield Rest(started.url)


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, f"the server ended with {process.returncode}:\n{log.read_text()[-4000:]}"
    try:
        return requests.get(url + "/", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="session")
def rest(server: Server) -> Rest:
    """The REST API of the running server."""
    return Rest(server.url)


@pytest.fixture
def web() -> Iterator[HttpPeer]:
    """An HTTP server that records what it is asked."""
    with http_peer() as peer:
        yield peer


@pytest.fixture
def mailbox() -> Iterator[SmtpPeer]:
    """An SMTP server that keeps the mails."""
    try:
        with smtp_peer() as peer:
            yield peer
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshPeer]:
    """An OpenSSH server on port 22 of a loopback address of its own."""
    try:
        with ssh_peer(tmp_path_factory.mktemp("ssh"), SSH_HOST, 22) as peer:
            yield peer
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def definitions() -> Path:
    """The folder of the example definitions."""
    return Path(__file__).parents[2] / "workflows"


@pytest.fixture(scope="session")
def clean_environment() -> dict[str, str]:
    """The environment for a client's process: this one's without settings of OpenStack clients and proxies."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("OS_")}
    return {key: value for key, value in ours.items() if not key.lower().endswith("_proxy")}
