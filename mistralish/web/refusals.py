"""Answers to what never becomes a request: in the API's words, since clients read those."""

import json

from mistralish.headers import SAFE

_SAFE = "".join(f"\r\n{name}: {value}" for name, value in SAFE.items())


class RefusedError(Exception):
    """A request that is not taken in. ``status`` is the status line's code and phrase, ``text`` says why."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


def answer(status: str, text: str) -> bytes:
    """The whole answer to such a request, after which the connection is closed."""
    code = "Server" if status.startswith("5") else "Client"
    body = json.dumps({"faultcode": code, "faultstring": text, "debuginfo": None}).encode()
    headers = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close{_SAFE}"
    return f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode() + body
