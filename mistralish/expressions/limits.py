"""How much one evaluation may use. Ordinary work stays far below."""

from typing import Final

MAX_ITERATIONS: Final = 1_000_000
"""Elements that an expression may take from, or put into, one collection."""

MEMORY_QUOTA: Final = 64 * 1024 * 1024
"""Bytes that one value within a YAQL expression may take."""

PROCESS_MEMORY: Final = 256 * 1024 * 1024
"""Bytes that all values of one evaluation together may take, besides what its process takes when it is idle."""

MAX_SIZE: Final = 16 * 1024 * 1024
"""Size of a value that goes to or comes from an evaluation: characters of text, and 8 for each other value."""

MAX_DEPTH: Final = 200
"""Lists and dictionaries within each other, in a result."""

SECONDS: Final = 0.5
"""Time that one evaluation may take: of the processor; twice as much by the clock, on a machine that is busy."""

LONGEST_LOCAL: Final = 2_000
"""Characters of an expression that is read by the service itself; a longer one is read where it can be cut off."""

CACHED_TEXTS: Final = 4096
"""Texts whose compiled form is kept, and ``CACHED_LENGTH`` the length in characters up to which they are."""

CACHED_LENGTH: Final = 10_000
