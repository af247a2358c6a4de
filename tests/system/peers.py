"""Real counterparts for tests: an HTTP server, an SMTP server (aiosmtpd) and an OpenSSH server, all on loopback.

Each is a context manager; nothing in here pretends: requests, mails and commands really happen. ``Unavailable``
says why one cannot run on this machine, so that a test can skip with that reason.
"""

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Unavailable(Exception):  # noqa: N818 - a reason to skip, not a failure
    """The counterpart cannot run on this machine."""


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def wait_for(check: Callable[[], Any], seconds: float = 20, what: str = "the condition") -> Any:
    """Return the first true value of ``check()``; AssertionError after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come about in {seconds} s")


@dataclass(frozen=True)
class Request:
    """One request that the HTTP peer received."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpPeer:
    """An HTTP server that records every request.

    ===========================  ====================================================================
    ``GET /users``               a JSON list of four users
    ``GET /users/<id>``          one of them, or 404
    ``*   /echo``                ``{"method", "query", "headers", "json"}`` of the request
    ``*   /status/<code>``       an empty answer with that status
    ``GET /flaky/<name>?fail=N`` 503 for the first N requests of that name, then ``{"attempt": N + 1}``
    ``GET /jobs/<name>?polls=N`` ``{"status": "running"}`` N times, then ``{"status": "done", ...}``
    ``GET /slow?seconds=S``      ``{"slept": S}`` after S seconds
    ``GET /text``                ``plain words`` as text/plain
    ``POST /hooks/<name>``       ``{"received": <body>}``
    ===========================  ====================================================================

    ``routes`` holds more: path → function of the Request that returns (status, JSON value).
    """

    url: str
    requests: list[Request] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    routes: dict[str, Callable[[Request], tuple[int, Any]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    USERS = (
        {"id": 1, "name": "Ada", "city": "London", "score": 91},
        {"id": 2, "name": "Grace", "city": "New York", "score": 88},
        {"id": 3, "name": "Edsger", "city": "Rotterdam", "score": 42},
        {"id": 4, "name": "Barbara", "city": "Los Angeles", "score": 77},
    )

    def received(self, path: str) -> list[Request]:
        """Return the requests to ``path`` so far, oldest first."""
        with self.lock:
            return [request for request in self.requests if request.path == path]

    def answer(self, request: Request) -> tuple[int, Any]:
        """Return the status and the value (JSON, str or None) that answers ``request``."""
        with self.lock:
            self.requests.append(request)
            self.seen[request.path] += 1
            count = self.seen[request.path]
        if request.path in self.routes:
            return self.routes[request.path](request)
        head, _, rest = request.path.lstrip("/").partition("/")
        handler = getattr(self, f"_{head}", None)
        return handler(request, rest, count) if handler else (404, {"error": f"no such page: {request.path}"})

    def _users(self, request: Request, rest: str, count: int) -> tuple[int, Any]:
        if not rest:
            return 200, list(self.USERS)
        found = [user for user in self.USERS if str(user["id"]) == rest]
        return (200, found[0]) if found else (404, {"error": f"no user {rest}"})

    def _echo(self, request: Request, rest: str, count: int) -> tuple[int, Any]:
        body = request.json if request.body else None
        return 200, {"method": request.method, "query": request.query, "headers": request.headers, "json": body}

    def _status(self, request: Request, rest: str, count: int) -> tuple[int, Any]:
        return int(rest), None

    def _flaky(self, request: Request, rest: str, count: int) -> tuple[int, Any]:
        if count <= int(request.query.get("fail", "0")):
            return 503, {"error": "try again", "attempt": count}
        return 200, {"attempt": count}

    def _jobs(self, request: Request, rest: str, count: int) -> tuple[int, Any]:
        if count <= int(request.query.get("polls", "0")):
            return 200, {"status": "running", "poll": count}
        return 200, {"status": "done", "poll": count, "artifact": f"{rest}.tar.gz"}

    def _slow(self, request: Request, rest: str, count: int) -> tuple[int, Any]:
        time.sleep(float(request.query["seconds"]))
        return 200, {"slept": float(request.query["seconds"])}

    def _text(self, request: Request, rest: str, count: int) -> tuple[int, Any]:
        return 200, "plain words"

    def _hooks(self, request: Request, rest: str, count: int) -> tuple[int, Any]:
        return 201, {"received": request.json if request.body else None}


class _Server(ThreadingHTTPServer):
    request_queue_size = 256  # the default of 5 drops connections when a hundred items are sent at once
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away: some are killed."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def http_peer() -> Iterator[HttpPeer]:
    """Run an HttpPeer on a free port of 127.0.0.1."""
    peer = HttpPeer("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, value = peer.answer(Request(self.command, parts.path, query, dict(self.headers), body))
            is_text = isinstance(value, str)
            data = b"" if value is None else (value if is_text else json.dumps(value)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if is_text else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = respond  # noqa: N815 - names that http.server asks for

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the requests are recorded."""

    server = _Server(("127.0.0.1", 0), Handler)
    peer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass(frozen=True)
class Mail:
    """One mail that the SMTP peer took: the envelope and the parsed message."""

    sender: str
    recipients: list[str]
    message: EmailMessage


@dataclass
class SmtpPeer:
    """An SMTP server without authentication; ``address`` is ``host:port``. ``refuse`` holds refused recipients."""

    address: str
    mails: list[Mail] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):  # noqa: N802
        if address in self.refuse:
            return "550 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        message = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append(Mail(envelope.mail_from, list(envelope.rcpt_tos), message))
        return "250 Message accepted for delivery"


@contextmanager
def smtp_peer() -> Iterator[SmtpPeer]:
    """Run an SmtpPeer on a free port of 127.0.0.1; Unavailable without aiosmtpd."""
    try:
        from aiosmtpd.controller import Controller
    except ImportError as error:
        raise Unavailable("the Python package aiosmtpd is not installed") from error
    port = free_port()
    peer = SmtpPeer(f"127.0.0.1:{port}")
    controller = Controller(peer, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield peer
    finally:
        controller.stop()


@dataclass(frozen=True)
class SshPeer:
    """An OpenSSH server. It knows one key, ``private_key`` (text; also in ``key_file``), for ``username``."""

    host: str
    port: int
    username: str
    private_key: str
    key_file: str


def _sshd_path() -> str:
    path = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
    if path is None or shutil.which("ssh-keygen") is None:
        raise Unavailable("no OpenSSH server on this machine (Debian: apt-get install openssh-server)")
    return path


def _make_key(path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def _can_bind(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


@contextmanager
def ssh_peer(folder: Path, host: str = "127.0.0.1", port: int | None = None) -> Iterator[SshPeer]:
    """Run sshd on ``host``:``port`` (a free port when None), its keys and files in ``folder``.

    std.ssh knows no port: for it, ask for port 22 of a loopback address that is nobody's, such as
    127.22.22.22. Unavailable where there is no sshd, or the port may not be taken.
    """
    sshd = _sshd_path()
    port = free_port(host) if port is None else port
    if not _can_bind(host, port):
        raise Unavailable(f"{host}:{port} cannot be listened on (in use, or a privileged port)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's own privilege separation directory
    host_key, user_key, authorized = folder / "host_key", folder / "user_key", folder / "authorized_keys"
    _make_key(host_key)
    _make_key(user_key)
    authorized.write_text(user_key.with_suffix(".pub").read_text())
    authorized.chmod(0o600)
    config = folder / "sshd_config"
    config.write_text(
        f"ListenAddress {host}:{port}\nHostKey {host_key}\nAuthorizedKeysFile {authorized}\nPidFile none\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        "AllowTcpForwarding yes\nMaxStartups 200\nMaxSessions 200\n"
    )
    log = folder / "sshd.log"  # a file: open sessions outlive the server, and would hold a pipe open
    process = subprocess.Popen([sshd, "-D", "-E", str(log), "-f", str(config)], stdin=subprocess.DEVNULL)
    try:
        _wait_until_listening(process, host, port, log)
        yield SshPeer(host, port, getpass.getuser(), user_key.read_text(), str(user_key))
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_until_listening(process: subprocess.Popen[bytes], host: str, port: int, log: Path) -> None:
    def connected() -> bool:
        if process.poll() is not None:
            raise Unavailable(f"sshd does not start here: {log.read_text().strip()}")
        with socket.socket() as probe:
            return probe.connect_ex((host, port)) == 0

    wait_for(connected, 10, f"sshd on {host}:{port}")
