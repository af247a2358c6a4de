"""Times as people and clients read them."""

from datetime import UTC, datetime


def moment(micros: int) -> str:
    """A time in microseconds since the epoch as the Mistral v2 API shows it: UTC, to the second."""
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def precise_moment(micros: int) -> str:
    """The same, to the microsecond."""
    return f"{moment(micros)}.{micros % 1_000_000:06d}"
