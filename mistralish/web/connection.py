"""A connection whose requests are there before a thread begins with them, and whose answers wait without one."""

import contextlib
import io
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from cheroot.server import HTTPConnection, HTTPRequest

from mistralish.web import refusals
from mistralish.web.framing import Framing

RECEIVE_SECONDS = 30
"""How long the headers of a request may take, from its first byte; and a TLS handshake."""

SEND_SECONDS = 60
"""How long an answer may take to be fetched, besides what its size allows."""

SLOWEST_BYTES_PER_SECOND = 64 * 1024
"""How much longer bodies and answers may take, by their size."""

_LINGER_SECONDS = 2
_BLOCK = 256 * 1024


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


class RequestBytes(io.BytesIO):
    """The bytes of one request, as the server's parser wants them."""

    bytes_read = 0

    def has_data(self) -> bool:
        """Whether there is more to read: never, since what follows a request is kept elsewhere."""
        return False


class AnswerBytes:
    """What a thread writes as its answer: kept until all of it is there, then sent at once."""

    def __init__(self) -> None:
        self._parts: deque[memoryview] = deque()
        self.bytes_written = 0

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def write(self, data: bytes) -> int:
        """Keep ``data`` for sending."""
        if data:
            self._parts.append(memoryview(data))
            self.bytes_written += len(data)
        return len(data)

    def clear(self) -> None:
        """Forget what has not been sent."""
        self._parts.clear()

    def send(self, sock: socket.socket) -> bool:
        """Send what the socket takes now; say whether all has been sent. Raises OSError."""
        if len(self._parts) > 1:
            self._parts = deque((memoryview(b"".join(self._parts)),))
        try:
            while self._parts:
                sent = sock.send(self._parts[0][:_BLOCK])
                rest = self._parts[0][sent:]
                self._parts.popleft()
                if rest:
                    self._parts.appendleft(rest)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return False
        return True


class Request(HTTPRequest):
    """A request that is all there; what the server itself has to say about it is said as the API does."""

    def read_request_line(self) -> bool:
        """See the base; a target that is no URI is refused too."""
        try:
            return bool(super().read_request_line())
        except ValueError:
            self.simple_response("400 Bad Request", "The request line does not name a URI")
            return False

    def read_request_headers(self) -> bool:
        """See the base; a client that waits for "100 Continue" has been told already."""
        is_right = super().read_request_headers()
        if is_right:
            self.conn.wfile.clear()
        return bool(is_right)

    def send_headers(self) -> None:
        """See the base; the time is written once a second, not for each answer."""
        self.outheaders.append((b"Date", _date(int(time.time()))))
        super().send_headers()

    def simple_response(self, status: Any, msg: str = "") -> None:
        """Answer what cannot be handed to the application, and close the connection."""
        self.close_connection = True
        self.conn.wfile.write(refusals.answer(str(status), msg or str(status)))


class Connection(HTTPConnection):
    """One client's connection, whose socket never blocks.

    ``deadline`` (``time.monotonic``) is when it is closed unless something happens; ``waits_since``, from when its
    request has not been there; ``noted`` is what the reception has counted of ``held``. Only its owner touches it:
    the reception, or the thread that answers its request.
    """

    RequestHandlerClass = Request

    def __init__(
        self,
        server: Any,
        sock: socket.socket,
        address: tuple[Any, ...],
        max_body: int,
        on_close: Callable[["Connection"], None],
    ) -> None:
        super().__init__(server, sock, lambda *_: None)
        self.remote_addr, self.remote_port = address[:2]
        self.rfile, self.wfile = RequestBytes(), AnswerBytes()
        self.in_handshake = False
        self.is_lingering = False
        self.closes_after_answer = False
        self.is_closed = False
        self.waits_since = time.monotonic()
        self.deadline = self.waits_since + RECEIVE_SECONDS
        self.noted = 0
        self._on_close = on_close
        self._max_body = max_body
        self._received = bytearray()
        self._framing = Framing(max_body)

    @property
    def held(self) -> int:
        """How many bytes are kept for this connection."""
        return len(self._received) + len(self.rfile.getbuffer()) + len(self.wfile)

    @property
    def is_idle(self) -> bool:
        """Whether no part of a request or an answer is under way."""
        return not (self._received or len(self.wfile) or self.in_handshake)

    def receive(self) -> bool:
        """Take what has come; False at the end of the stream. Raises OSError."""
        try:
            block = self.socket.recv(_BLOCK)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        if not block:
            return False
        if not self.is_lingering:
            if not self._received:
                self.deadline = time.monotonic() + RECEIVE_SECONDS
            self._received += block
            while isinstance(self.socket, ssl.SSLSocket) and (waiting := self.socket.pending()):
                self._received += self.socket.recv(waiting)
        return True

    def next_request(self) -> bool:
        """Put the next request before the parser, if it is all there. Raises RefusedError."""
        had_headers = self._framing.body_at
        end = self._framing.end(self._received) if self._received else None
        if end is None:
            if self._framing.body_at and not had_headers:
                self._expect_body()
            return False
        self.rfile = RequestBytes(bytes(self._received[:end]))
        del self._received[:end]
        self._framing = Framing(self._max_body)
        return True

    def refuse(self, status: str, text: str) -> None:
        """Answer that the request is not taken in, and close the connection after that."""
        self.wfile.clear()
        self.wfile.write(refusals.answer(status, text))
        self.closes_after_answer = True
        self._received.clear()

    def send(self) -> bool:
        """Send what can be sent now; say whether all has been. Raises OSError."""
        if self.wfile.send(self.socket):
            self.rfile = RequestBytes()
            return True
        return False

    def begin_to_send(self) -> None:
        """The answer is there: from now on it must be fetched in time."""
        self.rfile = RequestBytes()
        self.deadline = time.monotonic() + SEND_SECONDS + len(self.wfile) / SLOWEST_BYTES_PER_SECOND

    def begin_to_linger(self) -> None:
        """Send no more, and let the client finish, so that it gets to read why it was refused."""
        self.is_lingering = True
        self.deadline = time.monotonic() + _LINGER_SECONDS
        self.socket.shutdown(socket.SHUT_WR)

    def communicate(self) -> bool:
        """Answer the request that is there. True: another one may come."""
        goes_on = bool(super().communicate())
        self.closes_after_answer = not goes_on
        return True

    def close(self) -> None:
        """Close the socket."""
        if not self.is_closed:
            self.is_closed = True
            with contextlib.suppress(OSError):
                self.socket.close()
            self._on_close(self)

    def _expect_body(self) -> None:
        framing = self._framing
        expected = framing.expects_bytes or self._max_body
        self.deadline = time.monotonic() + RECEIVE_SECONDS + expected / SLOWEST_BYTES_PER_SECOND
        if framing.wants_continue:
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.send()
