"""cheroot's server with a reception of its own."""

import contextlib
import logging
from typing import Any

from cheroot.wsgi import Server

from mistralish.web.connection import Connection
from mistralish.web.framing import MAX_HEADER_BYTES
from mistralish.web.reception import Reception

_LAST_SECONDS = 2

log = logging.getLogger(__name__)


class HttpServer(Server):
    """Serves a WSGI application: whole requests only, with bodies of at most ``max_body`` bytes.

    The other arguments are cheroot's. A TLS adapter, where there is one, has a ``context`` and ``get_environ``.
    """

    _connections: Any

    def __init__(self, address: tuple[str, int], application: Any, *, max_body: int, **arguments: Any) -> None:
        super().__init__(address, application, **arguments)
        self.max_request_header_size = MAX_HEADER_BYTES
        self._max_body = max_body

    def prepare(self) -> None:
        """Bind the port. Raises OSError."""
        super().prepare()
        self._connections.close()
        self._connections = Reception(self, self._max_body)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Log what cheroot has to say, which it would otherwise print."""
        log.log(level, "%s", msg, exc_info=traceback)

    def put_conn(self, conn: Connection) -> None:
        """Take a connection back whose request has been answered; when the server stops, its answer still goes out."""
        if self.ready:
            self._connections.put(conn)
            return
        conn.socket.settimeout(_LAST_SECONDS)
        with contextlib.suppress(OSError):
            conn.send()
        conn.close()
