"""SMTP within the egress policy and within limits: a mail server may be anybody's, and may say anything."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket
from typing import Any

from mistralish.actions.base import ActionError
from mistralish.actions.deadline import Deadline
from mistralish.actions.egress import EgressPolicy

_MOST_REPLY_BYTES = 256 * 1024


@contextmanager
def connect(server: str, seconds: float, all_seconds: float, policy: EgressPolicy) -> Iterator[smtplib.SMTP]:
    """Connect to ``server`` (``host`` or ``host:port``), which may take so many seconds for each answer, and for all.

    Raises EgressError, ActionError where all together take too long, and what smtplib raises.
    """
    with Deadline(all_seconds) as deadline:
        try:
            with _Connection(server, seconds, policy, deadline) as connection:
                yield connection
        except OSError as error:
            if deadline.has_passed:
                raise ActionError(
                    f"Failed to send an email message: the server took longer than {deadline.seconds:g} seconds"
                ) from error
            raise


class _Connection(smtplib.SMTP):
    """A connection that the policy allows, whose server may not talk without end."""

    def __init__(self, server: str, seconds: float, policy: EgressPolicy, deadline: Deadline) -> None:
        self._policy = policy
        self._deadline = deadline
        self._replies: _Replies | None = None
        super().__init__(server, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket:
        self._host = host  # smtplib would look for host:port in the certificate
        connection = self._policy.connect(host, port, timeout)
        self._deadline.watch(connection)
        return connection

    @property
    def file(self) -> Any:
        """What the server says; smtplib reads its lines from here."""
        return self._replies

    @file.setter
    def file(self, stream: Any) -> None:
        self._replies = None if stream is None else _Replies(stream)


class _Replies:
    """A stream of lines that ends with an error when there are too many of them."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._left = _MOST_REPLY_BYTES

    def readline(self, size: int) -> bytes:
        line: bytes = self._stream.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise smtplib.SMTPException("the server's answers are too long")
        return line

    def close(self) -> None:
        self._stream.close()
