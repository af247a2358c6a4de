"""How much one evaluation may use. Ordinary work stays far below."""

from typing import Final

MAX_ITERATIONS: Final = 1_000_000
"""Elements that an expression may take from, or put into, one collection."""

MEMORY_QUOTA: Final = 64 * 1024 * 1024
"""Bytes that one value within a YAQL expression may take."""

CACHED_TEXTS: Final = 4096
"""Texts whose compiled form is kept, and ``CACHED_LENGTH`` the length in characters up to which they are."""

CACHED_LENGTH: Final = 10_000
