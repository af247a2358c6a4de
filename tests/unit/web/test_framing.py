"""Where a request ends, however its bytes arrive; what could be read in two ways is refused."""

import pytest

from mistralish.web.framing import MAX_HEADER_BYTES, Framing
from mistralish.web.refusals import RefusedError

START = b"POST /v2/workflows HTTP/1.1\r\nHost: here\r\n"
WHOLE = {
    "no body": b"GET /v2 HTTP/1.1\r\nHost: here\r\n\r\n",
    "a length": START + b"Content-Length: 5\r\n\r\nhello",
    "no length": START + b"\r\n",
    "chunks": START + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
    "chunks that look like an end": START + b"Transfer-Encoding: chunked\r\n\r\n7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
    "a trailer": START + b"Transfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\nSum: 1\r\n\r\n",
}
REFUSED = {
    "a length and chunks": ("400", START + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "two lengths": ("400", START + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
    "a length with a sign": ("400", START + b"Content-Length: +5\r\n\r\n"),
    "a negative length": ("400", START + b"Content-Length: -5\r\n\r\n"),
    "a length that is none": ("400", START + b"Content-Length: five\r\n\r\n"),
    "a blank before the colon": ("400", START + b"Content-Length : 5\r\n\r\n"),
    "a header of two lines": ("400", START + b"X: a\r\n b\r\n\r\n"),
    "two hosts": ("400", START + b"Host: there\r\n\r\n"),
    "another coding": ("501", START + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
    "a chunk without size": ("400", START + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n"),
    "a negative chunk": ("400", START + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n"),
    "a chunk longer than it says": ("400", START + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n"),
    "a body too large": ("413", START + b"Content-Length: 1001\r\n\r\n"),
    "a chunk too large": ("413", START + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n"),
    "chunks too large together": (
        "413",
        START + b"Transfer-Encoding: chunked\r\n\r\n" + b"64\r\n%b\r\n" % (b"x" * 100) * 11,
    ),
    "a path too long": ("414", b"GET /" + b"a" * MAX_HEADER_BYTES),
    "headers too large": ("431", START + b"X: a\r\n" * MAX_HEADER_BYTES),
}


def whole(data: bytes, step: int) -> int | None:
    framing, received = Framing(1000), bytearray()
    for at in range(0, len(data), step):
        received += data[at : at + step]
        end = framing.end(received)
        if end is not None:
            return end
    return None


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize("kind", WHOLE)
def test_the_end_of_a_request_is_found_however_it_arrives(kind: str, step: int) -> None:
    assert whole(WHOLE[kind], step) == len(WHOLE[kind])


@pytest.mark.parametrize("kind", WHOLE)
def test_what_follows_a_request_is_not_part_of_it(kind: str) -> None:
    assert whole(WHOLE[kind] + b"GET / HTTP/1.1\r\n\r\n", 10_000) == len(WHOLE[kind])


@pytest.mark.parametrize("kind", WHOLE)
def test_a_part_of_a_request_is_no_request(kind: str) -> None:
    for length in range(len(WHOLE[kind])):
        assert whole(WHOLE[kind][:length], 10_000) is None


@pytest.mark.parametrize("step", [1000, 1_000_000])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_ambiguous_or_too_large_is_refused_as_soon_as_that_is_known(kind: str, step: int) -> None:
    status, data = REFUSED[kind]
    with pytest.raises(RefusedError) as refused:
        whole(data, step)
    assert refused.value.status.startswith(status)


def test_a_client_that_asks_before_it_sends_is_noticed() -> None:
    framing = Framing(1000)
    assert framing.end(bytearray(START + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")) is None
    assert framing.wants_continue
    assert framing.expects_bytes == 5
