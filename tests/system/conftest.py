"""The real server as a process, and real counterparts for it to talk to."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import HttpPeer, SmtpPeer, SshPeer, Unavailable, http_peer, smtp_peer, ssh_peer
from rest import Rest
from serving import GIVEN_URL, Server, running_server

SSH_HOST = "127.22.22.22"  # std.ssh always goes to port 22; this loopback address is nobody else's


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than ten seconds")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service that most tests share."""
    if GIVEN_URL:
        yield Server(GIVEN_URL, None)
        return
    with running_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def own_rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """A service with an empty store, for one test module alone (or the one that was given)."""
    if GIVEN_URL:
        yield Rest(GIVEN_URL)
        return
    with running_server(tmp_path_factory.mktemp("own-server")) as started:
        yield Rest(started.url)


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
