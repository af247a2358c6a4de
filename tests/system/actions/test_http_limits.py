"""What hostile web servers try on std.http: they get an error, soon, and no memory."""

import contextlib
import gzip
import resource
import socket
import threading
import time
import zlib

import pytest

from mistralish.actions import ActionSettings, Registry
from mistralish.actions.settings import HttpSettings
from mistralish.executors import ActionCall, run_now

SECONDS = 1.0
LIMITS = HttpSettings(default_timeout=0.8, max_seconds=SECONDS, most_seconds=2, max_response_bytes=1_000_000)
HEAD = b"HTTP/1.1 200 OK\r\n"


def _bomb(megabytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()


BOMB = _bomb(300)


def _packed(body, encoding=b"gzip"):
    return HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body)) + body


def _drip(head):
    yield head
    while True:
        time.sleep(0.1)
        yield b"0"


def _flood(head, piece):
    yield head
    while True:
        yield piece


HOSTILE = {
    "bomb": lambda: [_packed(BOMB)],
    "bomb-in-bomb": lambda: [_packed(gzip.compress(BOMB), b"gzip, gzip")],
    "chunked-bomb": lambda: [
        HEAD
        + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BOMB)
        + BOMB
        + b"\r\n0\r\n\r\n"
    ],
    "endless-body": lambda: _flood(HEAD + b"\r\n", bytes(65536)),
    "dripping-body": lambda: _drip(HEAD + b"\r\n"),
    "dripping-chunk-size": lambda: _drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
    "dripping-header": lambda: _drip(HEAD + b"X: "),
    "endless-continues": lambda: _flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "endless-headers": lambda: _flood(HEAD, b"X: y\r\n" * 1000),
    "endless-header": lambda: _flood(HEAD + b"X: ", bytes(65536)),
    "large-headers": lambda: [HEAD + b"".join(b"X%d: " % i + b"y" * 9000 + b"\r\n" for i in range(90)) + b"\r\n"],
    "endless-trailers": lambda: _flood(HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: yyyyyyyy\r\n" * 100),
    "endless-chunk-extension": lambda: _flood(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", bytes(65536)),
    "endless-redirects": lambda: [b"HTTP/1.1 302 Found\r\nLocation: /endless-redirects\r\nContent-Length: 0\r\n\r\n"],
    "not-http": lambda: [b"220 mail.example.org ESMTP\r\n"],
    "empty-members": lambda: _flood(HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 1000),
}


@pytest.fixture(scope="module")
def server():
    """Answers by the path, with bytes that are no web server's."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    open_ = threading.Event()
    open_.set()

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            path = connection.recv(65536).split(b" ")[1].decode().strip("/")
            for piece in ANSWERS[path]():
                connection.sendall(piece)

    def accept():
        while open_.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    open_.clear()
    thread.join()
    listener.close()


def _redirect(location, more=b"Content-Length: 0\r\n\r\n"):
    return b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n" + more


ANSWERS = {
    **HOSTILE,
    "good": lambda: [HEAD + b"Content-Length: 4\r\n\r\ngood"],
    "redirect-with-bomb": lambda: [_redirect(b"/good", b"Content-Encoding: gzip\r\n\r\n") + BOMB],
    "redirect-with-drip": lambda: _drip(_redirect(b"/good", b"\r\n")),
    "redirect-to-file": lambda: [_redirect(b"file:///etc/passwd")],
    "redirect-to-metadata": lambda: [_redirect(b"http://2852039166/")],
    "redirect-to-mapped": lambda: [_redirect(b"http://[::ffff:169.254.169.254]/")],
}


@pytest.fixture(scope="module")
def registry():
    return Registry(ActionSettings(http=LIMITS), find_entry_points=list)


def get(registry, url, timeout=None, **given):
    return run_now(
        registry, ActionCall("a1", "std.http", {"url": url, "allow_redirects": True, **given}, timeout=timeout)
    )


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_server_gets_an_error_soon_and_no_memory(registry, server, attack):
    before, start = memory(), time.monotonic()
    result = get(registry, f"{server}/{attack}")
    assert "HTTP" in result.error
    assert time.monotonic() - start < SECONDS + 1
    assert memory() - before < 64 * 1024  # KiB


@pytest.mark.parametrize("path", ["redirect-with-bomb", "redirect-with-drip"])
def test_what_comes_with_a_redirect_is_not_read(registry, server, path):
    start = time.monotonic()
    result = get(registry, f"{server}/{path}").data
    assert (result["content"], result["history"]) == ("good", [{"url": f"{server}/{path}", "status": 302}])
    assert time.monotonic() - start < SECONDS


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("redirect-to-file", "URLs of the scheme 'file' are not allowed here"),
        ("redirect-to-metadata", "169.254.169.254 (from 2852039166) must not be connected to"),
        ("redirect-to-mapped", "must not be connected to"),
    ],
)
def test_a_redirect_leads_nowhere_where_a_request_may_not_go(registry, server, path, reason):
    assert reason in get(registry, f"{server}/{path}").error
    assert get(registry, f"{server}/{path}", allow_redirects=False).data["status"] == 302


def test_a_request_ends_with_the_timeout_of_its_action(registry, server):
    before = threading.active_count()
    assert "Timeout after 0.2 seconds" in get(registry, f"{server}/dripping-body", timeout=0.2).error
    end = time.monotonic() + 10
    while threading.active_count() > before + 1:  # the server's own thread may take a moment too
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_long_timeout_of_the_request_lengthens_it_but_not_without_end(registry, server):
    start = time.monotonic()
    result = run_now(
        registry, ActionCall("a1", "std.http", {"url": f"{server}/dripping-body", "timeout": 1_000_000_000})
    )
    assert "HTTP response took too long (limit=2 seconds)" in result.error
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("file", ["/etc/hostname", "/no/such/file", "/dev/zero", "/etc", "/etc/shadow", "\0"])
def test_what_files_the_machine_has_is_not_told(registry, server, file):
    error = get(registry, server.replace("http", "https"), verify=file).error
    assert "Wrong parameter 'verify'; it must be true, false, or the name of a PEM file" in error
