"""One thread that receives all requests and sends what answers are left, so that no other waits for a client.

It replaces cheroot's manager of connections, which gives each new connection a thread that waits for the request: as
many clients as there are threads, each sending a byte now and then, would keep everybody else out.
"""

import collections
import contextlib
import logging
import resource
import selectors
import socket
import ssl
import threading
import time
from typing import Any

from cheroot.connections import ConnectionManager, prevent_socket_inheritance

from mistralish.web import refusals
from mistralish.web.connection import Connection
from mistralish.web.refusals import RefusedError

IDLE_SECONDS = 30
"""How long a connection may stay open between two requests."""

_MAX_CONNECTIONS = 4_000
_OTHER_FILES = 256
_ACCEPTED_AT_ONCE = 64
_SMALL = 64 * 1024
_LARGEST_BODIES = 32
_PLAIN_HTTP = "This port speaks TLS only: write https:// instead of http://"

log = logging.getLogger(__name__)


def most_connections() -> int:
    """How many connections may be open: a bound, or less where the process may not open so many files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_CONNECTIONS if files < 0 else max(64, min(_MAX_CONNECTIONS, files - _OTHER_FILES))


class Reception(ConnectionManager):
    """Accepts, receives, hands whole requests to the server's threads, and sends what they could not at once.

    Where there are too many connections, those go that have been waiting the longest without a whole request; from
    one address at most half of all. What all hold together is bounded too.
    """

    most = most_connections()
    _selector: Any
    _stop_requested: bool

    def __init__(self, server: Any, max_body: int) -> None:
        super().__init__(server)
        server.socket.setblocking(False)
        self._max_body = max_body
        self._max_held = _LARGEST_BODIES * max(max_body, 1024 * 1024)
        self._lock = threading.Lock()
        self._open: collections.Counter[Any] = collections.Counter()
        self._held = 0

    @property
    def can_add_keepalive_connection(self) -> bool:
        """Whether a connection may stay open after an answer: always, since what is too many is closed elsewhere."""
        return True

    def put(self, conn: Connection) -> None:
        """Take a connection back from the thread that has answered its request; called by that thread."""
        conn.waits_since = time.monotonic()
        conn.begin_to_send()
        try:
            self._send(conn)
        except OSError:
            conn.close()

    def _run(self, expiration_interval: float) -> None:
        next_look = time.monotonic()
        while not self._stop_requested:
            for _, conn in self._selector.select(timeout=expiration_interval):
                if conn is self.server:
                    self._accept()
                else:
                    self._selector.unregister(conn.socket.fileno())
                    self._serve(conn)
            if time.monotonic() >= next_look:
                self._close_late()
                next_look = time.monotonic() + expiration_interval

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                sock, address = self.server.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                log.warning("A connection cannot be accepted: %s", error)
                self._make_room(lambda conn: True)
                time.sleep(0.01)
                return
            try:
                self._take(sock, address)
            except OSError:
                sock.close()

    def _take(self, sock: socket.socket, address: tuple[Any, ...]) -> None:
        prevent_socket_inheritance(sock)
        sock.setblocking(False)
        host = address[0]
        if self._open[host] >= max(1, self.most // 2):
            self._make_room(lambda conn: conn.remote_addr == host)
        elif self._open.total() >= self.most:
            self._make_room(lambda conn: True)
        adapter = self.server.ssl_adapter
        if adapter is not None:
            sock = adapter.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        conn = Connection(self.server, sock, address, self._max_body, self._forget)
        conn.in_handshake = adapter is not None
        conn.ssl_env = {}
        with self._lock:
            self._open[host] += 1
        self._serve(conn)

    def _serve(self, conn: Connection) -> None:
        try:
            if conn.in_handshake:
                self._shake_hands(conn)
            elif len(conn.wfile):
                self._send(conn)
            elif conn.receive():
                self._note(conn)
                self._next(conn)
            else:
                conn.close()
        except OSError:
            conn.close()
        except Exception:
            log.exception("A connection failed")
            conn.close()

    def _shake_hands(self, conn: Connection) -> None:
        try:
            conn.socket.do_handshake()
        except ssl.SSLWantReadError:
            self._wait(conn, selectors.EVENT_READ)
            return
        except ssl.SSLWantWriteError:
            self._wait(conn, selectors.EVENT_WRITE)
            return
        except ssl.SSLError as error:
            if error.reason == "HTTP_REQUEST":
                self._tell_plain_client(conn)
            raise
        conn.in_handshake = False
        conn.ssl_env = self.server.ssl_adapter.get_environ(conn.socket)
        self._serve(conn)

    def _tell_plain_client(self, conn: Connection) -> None:
        with socket.socket(fileno=conn.socket.detach()) as plain, contextlib.suppress(OSError):
            plain.send(refusals.answer("400 Bad Request", _PLAIN_HTTP))

    def _next(self, conn: Connection) -> None:
        """Hand over the next request where it is all there; wait for the rest where not."""
        if conn.is_lingering:
            self._wait(conn, selectors.EVENT_READ)
            return
        try:
            if self._held > self._max_held and conn.held > _SMALL:
                raise RefusedError("503 Service Unavailable", "Too many large requests are under way: try again later")
            if conn.next_request():
                self.server.process_conn(conn)
                return
        except RefusedError as refusal:
            conn.refuse(refusal.status, refusal.text)
            self._send(conn)
            return
        self._wait(conn, selectors.EVENT_READ)

    def _send(self, conn: Connection) -> None:
        is_sent = conn.send()
        self._note(conn)
        if not is_sent:
            if self._held > self._max_held:
                conn.close()
            else:
                self._wait(conn, selectors.EVENT_WRITE)
        elif conn.closes_after_answer:
            conn.begin_to_linger()
            self._wait(conn, selectors.EVENT_READ)
        else:
            conn.deadline = time.monotonic() + IDLE_SECONDS
            self._next(conn)

    def _wait(self, conn: Connection, events: int) -> None:
        try:
            self._selector.register(conn.socket.fileno(), events, data=conn)
        except (KeyError, ValueError, RuntimeError):
            # The selector is closed: the server stops.
            conn.close()

    def _close_late(self) -> None:
        now = time.monotonic()
        for conn in self._waiting():
            if conn.deadline < now:
                self._drop(conn, is_late=True)

    def _make_room(self, chosen: Any) -> None:
        """Close one in sixteen of the chosen connections, at least one: those that wait the longest."""
        waiting = sorted((conn for conn in self._waiting() if chosen(conn)), key=lambda conn: conn.waits_since)
        for conn in waiting[: max(1, len(waiting) // 16)]:
            self._drop(conn, is_late=False)

    def _waiting(self) -> list[Connection]:
        return [conn for _, conn in list(self._selector.connections) if conn is not self.server]

    def _drop(self, conn: Connection, *, is_late: bool) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(conn.socket.fileno())
        if not (conn.is_idle or conn.is_lingering or conn.in_handshake or len(conn.wfile)):
            status, text = "408 Request Timeout", "The request did not come in time: it took too long to be sent"
            if not is_late:
                status, text = "503 Service Unavailable", "Too many connections are open: try again later"
            conn.refuse(status, text)
            with contextlib.suppress(OSError):
                conn.send()
        conn.close()

    def _note(self, conn: Connection) -> None:
        held = 0 if conn.is_closed else conn.held
        with self._lock:
            self._held += held - conn.noted
        conn.noted = held

    def _forget(self, conn: Connection) -> None:
        self._note(conn)
        with self._lock:
            self._open[conn.remote_addr] -= 1
            if self._open[conn.remote_addr] <= 0:
                del self._open[conn.remote_addr]
