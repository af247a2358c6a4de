"""Messages between the service and a process that evaluates: a length of four bytes, then so many bytes."""

import socket
import struct
import time

_HEAD = struct.Struct("<I")
_CHUNK = 1 << 20


class TooLongError(Exception):
    """A message is longer than the reader takes."""


def send(connection: socket.socket, payload: bytes) -> None:
    """Send one message; raises OSError."""
    connection.sendall(_HEAD.pack(len(payload)) + payload)


def receive(connection: socket.socket, longest: int, deadline: float | None = None) -> bytes:
    """Return the next message.

    Raises EOFError where the other end is gone, TimeoutError at ``deadline`` (monotonic), TooLongError.
    """
    (length,) = _HEAD.unpack(_exactly(connection, _HEAD.size, deadline))
    if length > longest:
        raise TooLongError
    return _exactly(connection, length, deadline)


def _exactly(connection: socket.socket, length: int, deadline: float | None) -> bytes:
    parts = []
    while length:
        if deadline is not None:
            connection.settimeout(left_until(deadline))
        part = connection.recv(min(length, _CHUNK))
        if not part:
            raise EOFError
        length -= len(part)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def left_until(deadline: float) -> float:
    """Return the seconds until ``deadline`` (monotonic); raises TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
