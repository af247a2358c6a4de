"""Where a request ends in the bytes that have come so far: just enough of RFC 9112 to know when to begin with it.

What is ambiguous is refused, never guessed: two servers in a row that disagree about where a request ends can be made
to take one client's bytes for another's request.
"""

import re
from dataclasses import dataclass

from mistralish.web.refusals import RefusedError

MAX_HEADER_BYTES = 64 * 1024
"""The request line and all header lines together."""

_END_OF_HEADERS = b"\r\n\r\n"
_HEADER = re.compile(rb"\r\n([^\r\n:]*):[ \t]*([^\r\n]*)")
_FOLDED = re.compile(rb"\r\n[ \t]")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_MAX_CHUNK_LINE = 256
_MAX_CHUNKS = 65_536
_MAX_TRAILER_BYTES = 8 * 1024


@dataclass(slots=True)
class Framing:
    """How far one request has come. ``expects_bytes`` is the length of its body where that is known, else 0.

    ``wants_continue``: the client waits for "100 Continue" before it sends the body.
    """

    max_body: int
    body_at: int = 0
    expects_bytes: int = 0
    wants_continue: bool = False
    _scanned: int = 0
    _is_chunked: bool = False
    _chunk_at: int = 0
    _body_bytes: int = 0
    _chunks: int = 0

    def end(self, received: bytearray) -> int | None:
        """The number of bytes of the request, None while it is not all there. Raises RefusedError."""
        if not self.body_at and not self._read_headers(received):
            return None
        if self._is_chunked:
            return self._end_of_chunks(received)
        end = self.body_at + self.expects_bytes
        return end if len(received) >= end else None

    def _read_headers(self, received: bytearray) -> bool:
        end = received.find(_END_OF_HEADERS, max(0, self._scanned - 3), MAX_HEADER_BYTES)
        self._scanned = len(received)
        if end < 0:
            self._check_header_size(received)
            return False
        self.body_at = end + len(_END_OF_HEADERS)
        self._choose_body(bytes(received[:end]))
        return True

    def _check_header_size(self, received: bytearray) -> None:
        if len(received) < MAX_HEADER_BYTES:
            return
        if received.find(b"\r\n", 2, MAX_HEADER_BYTES) < 0:
            raise RefusedError("414 URI Too Long", f"The request line is too long: at most {MAX_HEADER_BYTES} bytes")
        raise RefusedError(
            "431 Request Header Fields Too Large",
            f"The request's headers are too large: at most {MAX_HEADER_BYTES} bytes with the request line",
        )

    def _choose_body(self, head: bytes) -> None:
        if _FOLDED.search(head):
            raise RefusedError("400 Bad Request", "A header goes on in a second line: write it in one")
        lengths, codings, hosts = [], [], 0
        for match in _HEADER.finditer(head):
            name, value = match[1].lower(), match[2].strip(b" \t")
            if name.rstrip(b" \t") in (b"content-length", b"transfer-encoding") and name != name.rstrip(b" \t"):
                raise RefusedError("400 Bad Request", "A header's name has a blank before its colon")
            if name == b"content-length":
                lengths.append(value)
            elif name == b"transfer-encoding":
                codings.append(value.lower())
            elif name == b"host":
                hosts += 1
            elif name == b"expect":
                self.wants_continue = value.lower() == b"100-continue"
        if hosts > 1:
            raise RefusedError("400 Bad Request", "The request has several Host headers: send one")
        if lengths and codings:
            raise RefusedError("400 Bad Request", "The request has both Content-Length and Transfer-Encoding: send one")
        if codings:
            if codings != [b"chunked"]:
                raise RefusedError("501 Not Implemented", "The only Transfer-Encoding that is understood is 'chunked'")
            self._is_chunked, self._chunk_at = True, self.body_at
        elif lengths:
            if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > 18:
                raise RefusedError("400 Bad Request", "Content-Length must be there once, and be a whole number")
            self.expects_bytes = int(lengths[0])
            self._check_body_size(self.expects_bytes)

    def _end_of_chunks(self, received: bytearray) -> int | None:
        while self._chunk_at < len(received):
            line = _CHUNK_LINE.match(received, self._chunk_at, self._chunk_at + _MAX_CHUNK_LINE)
            if line is None:
                if len(received) - self._chunk_at >= _MAX_CHUNK_LINE or received.find(b"\r\n", self._chunk_at) >= 0:
                    raise RefusedError("400 Bad Request", "A chunk of the request body does not begin with its size")
                return None
            size = int(line[1], 16)
            if size == 0:
                return self._end_of_trailer(received, line.end())
            self._body_bytes += size
            self._check_body_size(self._body_bytes)
            self._chunks += 1
            if self._chunks > _MAX_CHUNKS:
                raise RefusedError("413 Content Too Large", f"The request body comes in more than {_MAX_CHUNKS} chunks")
            self._chunk_at = line.end() + size + 2
        return None

    def _end_of_trailer(self, received: bytearray, start: int) -> int | None:
        if received.startswith(b"\r\n", start):
            return start + 2
        end = received.find(_END_OF_HEADERS, start)
        if end >= 0:
            return end + len(_END_OF_HEADERS)
        if len(received) - start > _MAX_TRAILER_BYTES:
            raise RefusedError("431 Request Header Fields Too Large", "The trailer of the request body is too large")
        return None

    def _check_body_size(self, size: int) -> None:
        if size > self.max_body:
            raise RefusedError(
                "413 Content Too Large",
                f"The request body has {size} bytes or more: at most {self.max_body} are allowed (max_body_bytes)",
            )
