"""Planted secrets: values that tests use as passwords and tokens, and that no log of the whole test run may have.

Everything that starts a service tells ``watch`` where its log is; at the end of the session each is searched.
"""

import base64
from pathlib import Path

MARKER = "Pl4nt3dS3cr3t"
"""What every planted value has in it."""

_watched: set[Path] = set()


def planted(name: str) -> str:
    """A secret value; ``name`` says what for."""
    return f"{MARKER}-{name}"


def watch(log: Path) -> None:
    """Have the log of a service searched at the end of the session."""
    _watched.add(log)


def found_in(data: bytes) -> bool:
    """Whether there is a planted secret in ``data``, as it is or in base64."""
    return any(form in data for form in _FORMS)


def found_in_logs() -> list[Path]:
    """The logs that have a planted secret in them."""
    return sorted(log for log in _watched if log.exists() and found_in(log.read_bytes()))


def _in_base64(text: bytes, before: int) -> bytes:
    """What of ``text`` shows in base64 wherever it begins: the digits that depend on nothing around it."""
    digits = base64.b64encode(b"x" * before + text)
    first = -(-before * 8 // 6)
    return digits[first : (before + len(text)) * 8 // 6]


_FORMS = (MARKER.encode(), *(_in_base64(MARKER.encode(), before) for before in range(3)))
