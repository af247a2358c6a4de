"""Dates as clients write them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000

_DATE = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[Tt\s](?P<minute>\d{1,2}:\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"\s*(?P<zone>[Zz]|UTC|GMT|[+\-\s]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)

EXAMPLE = "2026-11-21 07:31:38 (UTC), 2026-11-21T07:31:38Z, 2026-11-21T08:31:38.250+01:00 or 2026-11-21"


@dataclass(frozen=True, slots=True)
class Span:
    """The microseconds from ``start`` to before ``end`` that a date stands for."""

    start: int
    end: int


def parse_date(text: str) -> Span:
    """Return what a date stands for.

    Understood are a date alone (its first second, as in the reference), date and time with a blank or ``T``, to
    the minute, the second or a fraction of it, with ``Z`` or an offset; without either it is UTC. Clients see
    whole seconds only, so a date without a fraction, or with one of zeros, stands for its whole second; with a
    fraction it is that microsecond. A blank before an offset is a ``+`` that was not encoded in the URL.

    Raises ValueError.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a date; write for example {EXAMPLE}")
    moment = datetime.fromisoformat(
        f"{match['date']}T{(match['minute'] or '00:00').zfill(5)}:{match['second'] or '00'}{_offset(match['zone'])}"
    )
    fraction = int((match["fraction"] or "")[:6].ljust(6, "0"))
    start = (moment - _EPOCH) // _MICROSECOND + fraction
    return Span(start, start + (1 if fraction else _SECOND))


def _offset(zone: str | None) -> str:
    if zone is None or zone.upper() in ("Z", "UTC", "GMT"):
        return "+00:00"
    sign = "-" if zone[0] == "-" else "+"
    digits = re.sub(r"\D", "", zone)
    return f"{sign}{digits[:2]}:{digits[2:] or '00'}"
