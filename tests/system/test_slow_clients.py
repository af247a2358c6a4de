"""Clients that send or read slowly, or not at all, keep nobody else waiting, and are told or closed in time."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from peers import wait_for
from serving import Server, running_server

from mistralish.web import HttpServer, connection, reception

POST = b"POST /v2/workflows HTTP/1.1\r\nHost: here\r\n"
THREADS = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"MISTRALISH_HTTP_THREADS": str(THREADS), "MISTRALISH_MAX_BODY_BYTES": "100000"}
    with running_server(tmp_path_factory.mktemp("slow"), settings) as running:
        yield running


@pytest.fixture
def sockets(server: Server) -> Iterator["Sockets"]:
    made = Sockets(server)
    yield made
    made.close()


class Sockets:
    """Connections to the server that are closed at the end."""

    def __init__(self, server: Server) -> None:
        parts = urlsplit(server.url)
        self._address = (parts.hostname, parts.port)
        self.all: list[socket.socket] = []

    def open(self, first: bytes = b"", count: int = 1) -> list[socket.socket]:
        made = [socket.create_connection(self._address, 10) for _ in range(count)]
        for each in made:
            each.sendall(first)
        self.all += made
        return made

    def close(self) -> None:
        for each in self.all:
            each.close()


def answer(peer: socket.socket, seconds: float = 10) -> bytes:
    """All that comes until the server closes the connection, or for so long."""
    peer.settimeout(seconds)
    received = b""
    with contextlib.suppress(TimeoutError):
        while block := peer.recv(65536):
            received += block
    return received


def slowest(server: Server, count: int = 20) -> float:
    """The longest of several requests of a client that is as quick as it should be, in seconds."""
    took = []
    for _ in range(count):
        began = time.monotonic()
        assert requests.get(f"{server.url}/workflows?limit=1", timeout=20).status_code == 200
        took.append(time.monotonic() - began)
    return max(took)


def test_two_hundred_slow_clients_keep_nobody_waiting(server: Server, sockets: Sockets) -> None:
    sockets.open(count=60)
    sockets.open(POST + b"X-Slow: ", count=70)
    sockets.open(POST + b"Content-Length: 90000\r\n\r\nversion", count=70)
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.2):
            for each in sockets.all[60:]:
                with contextlib.suppress(OSError):
                    each.send(b"x")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        assert slowest(server) < 2
    finally:
        stop.set()
        dripping.join()


def test_clients_that_never_read_keep_nobody_waiting(server: Server, sockets: Sockets) -> None:
    for each in sockets.open(count=4 * THREADS):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        each.sendall(b"GET /v2/openapi.json HTTP/1.1\r\nHost: here\r\n\r\n" * 100)
    assert slowest(server) < 2


def test_a_thousand_idle_connections_keep_nobody_waiting(server: Server, sockets: Sockets) -> None:
    ready = sockets.open(b"GET /v2 HTTP/1.1\r\nHost: here\r\n\r\n", count=1000)
    assert slowest(server) < 2
    assert ready[-1].recv(12) == b"HTTP/1.1 200"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with half a second's patience, and an application that answers with much."""
    for name in ("RECEIVE_SECONDS", "SEND_SECONDS"):
        monkeypatch.setattr(connection, name, 0.5)
    monkeypatch.setattr(connection, "SLOWEST_BYTES_PER_SECOND", 1 << 40)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", str(20_000_000))])
        return [b"x" * 20_000_000]

    web = HttpServer(("127.0.0.1", 0), application, max_body=1000, numthreads=2, max=2, timeout=30)
    web.prepare()
    thread = threading.Thread(target=web.serve)
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{web.bind_addr[1]}/v2", None)
    finally:
        web.stop()
        thread.join(10)


@pytest.mark.parametrize("begun", [POST + b"X-Slow: ", POST + b"Content-Length: 900\r\n\r\n"])
def test_a_request_that_drips_for_too_long_is_told_so_and_closed(hasty: Server, begun: bytes) -> None:
    sockets = Sockets(hasty)
    (late,) = sockets.open(begun)
    late.settimeout(0.1)
    received: list[bytes] = []

    def is_closed() -> bool:
        try:
            late.send(b"x")
            received.append(late.recv(4096))
        except TimeoutError:
            return False
        except OSError:
            return True
        return received[-1] == b""

    wait_for(is_closed, 10, "the end of a request that drips")
    assert b"".join(received).startswith(b"HTTP/1.1 408")
    sockets.close()


def test_an_answer_that_nobody_fetches_is_dropped(hasty: Server) -> None:
    sockets = Sockets(hasty)
    (idle,) = sockets.open(b"GET /v2 HTTP/1.1\r\nHost: here\r\n\r\n")
    time.sleep(2)  # by now it is too late: half a second, and the half until the next look
    received = 0
    with contextlib.suppress(ConnectionResetError):
        while block := idle.recv(1 << 20):
            received += len(block)
    assert received < 20_000_000
    sockets.close()


def test_too_many_connections_push_out_those_that_wait_the_longest(
    hasty: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RECEIVE_SECONDS", 60)
    monkeypatch.setattr(reception.Reception, "most", 20)
    sockets = Sockets(hasty)
    silent = sockets.open(count=30)
    for each in silent[:10]:
        assert answer(each, 5) == b"", "closed, with nothing to be told: it had sent nothing"
    (new,) = sockets.open(b"GET /v2 HTTP/1.1\r\nHost: here\r\n\r\n")
    assert new.recv(12) == b"HTTP/1.1 200"
    sockets.close()


def test_a_body_in_pieces_is_waited_for(server: Server, sockets: Sockets) -> None:
    body = b"version: '2.0'\nin_pieces: {tasks: {a: {action: std.noop}}}\n"
    (slow,) = sockets.open(POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
    for at in range(0, len(body), 10):
        slow.sendall(body[at : at + 10])
    assert answer(slow).startswith(b"HTTP/1.1 201")


def test_a_body_in_chunks_without_length_is_read_and_bounded(server: Server, sockets: Sockets) -> None:
    body = b"version: '2.0'\nin_chunks: {tasks: {a: {action: std.noop}}}\n"
    good = requests.post(f"{server.url}/workflows", data=iter([body[:10], body[10:]]), timeout=10)
    assert good.status_code == 201
    large = requests.post(f"{server.url}/workflows", data=iter([b"#" * 60_000] * 2), timeout=10)
    assert (large.status_code, "100000" in large.json()["faultstring"]) == (413, True)


def test_a_body_too_large_is_refused_before_it_is_sent(server: Server, sockets: Sockets) -> None:
    (asking,) = sockets.open(POST + b"Expect: 100-continue\r\nContent-Length: 100001\r\n\r\n")
    assert answer(asking).startswith(b"HTTP/1.1 413")


def test_a_client_that_asks_whether_to_send_is_told_once(server: Server, sockets: Sockets) -> None:
    (asking,) = sockets.open(POST + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert asking.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    asking.sendall(b"abc")
    assert answer(asking).startswith(b"HTTP/1.1 400")


def test_several_requests_at_once_are_answered_in_order(server: Server, sockets: Sockets) -> None:
    (eager,) = sockets.open(
        b"GET /v2 HTTP/1.1\r\nHost: here\r\n\r\n"
        b"GET /v2/nowhere HTTP/1.1\r\nHost: here\r\n\r\n"
        b"GET /v2 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
    )
    statuses = re.findall(rb"HTTP/1.1 (\d+)", answer(eager))
    assert statuses == [b"200", b"404", b"200"]


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        (b"GET http://evil/v2 HTTP/1.1", b"Host: here", b"400"),
        (b"GET v2 HTTP/1.1", b"Host: here", b"400"),
        (b"GET //[::1/v2 HTTP/1.1", b"Host: here", b"400"),
        (b"GET /v2/workflows/\xff HTTP/1.1", b"Host: here", b"400"),
        (b"GET /v2 HTTP/1.1", b"Host: a\r\nHost: b", b"400"),
        (b"GET /v2 HTTP/1.1", b"Host: evil/..", b"400"),
        (b"GET /v2 HTTP/1.1", b"Host: here\r\n folded", b"400"),
        (b"GET /v2 HTTP/1.1", b"Host: here\r\nnonsense", b"400"),
        (b"GET /v2 HTTP/9.9", b"Host: here", b"505"),
        (b"TRACE /v2 HTTP/1.1", b"Host: here", b"405"),
        (b"CONNECT here:1 HTTP/1.1", b"Host: here", b"405"),
        (b"get /v2 HTTP/1.1", b"Host: here", b"400"),
        (b"GET /v2/workflows?name=" + b"a" * 70_000 + b" HTTP/1.1", b"Host: here", b"414"),
        (b"GET /v2 HTTP/1.1", b"Host: here\r\nX: " + b"a" * 70_000, b"431"),
        (b"POST /v2/workflows HTTP/1.1", b"Host: here\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", b"400"),
    ],
)
def test_what_is_no_request_is_refused_in_the_words_of_the_api(
    sockets: Sockets, request_line: bytes, headers: bytes, status: bytes
) -> None:
    (hostile,) = sockets.open(request_line + b"\r\n" + headers + b"\r\nConnection: close\r\n\r\n")
    received = answer(hostile)
    assert received.split()[1] == status
    assert b'"faultstring"' in received
