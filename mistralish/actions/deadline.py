"""A time at which an exchange with another machine ends, whatever it is waiting for."""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self


class Deadline:
    """Cuts the connections it watches when its time is up. Use it as a context manager around the exchange.

    A timeout of a socket is for one piece of data: who sends a byte now and then keeps a reader for ever. A connection
    that was cut looks to its reader as if the other side had closed it; ``has_passed`` tells the two apart.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    @property
    def left(self) -> float:
        """Seconds that are left, at least a thousandth."""
        return max(0.001, self._at - time.monotonic())

    @property
    def has_passed(self) -> bool:
        return time.monotonic() >= self._at

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection too. TLS may take it over afterwards."""
        with self._lock:
            self._sockets.append(connection.dup())
        if self.has_passed:
            self._cut()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()

    def _cut(self) -> None:
        with self._lock:
            for connection in self._sockets:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
