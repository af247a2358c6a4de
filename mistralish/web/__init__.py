"""HTTP on a socket: requests are received whole, and answers sent, without a thread that waits for the client."""

from mistralish.web.reception import IDLE_SECONDS
from mistralish.web.server import HttpServer

__all__ = ["IDLE_SECONDS", "HttpServer"]
