"""Where expressions are in a string. Both ends of one must be on the same line. Time is linear in the length."""

from collections.abc import Iterator
from dataclasses import dataclass

_YAQL = ("<%", "%>")
_JINJA = (("{{", "}}"), ("{%", "%}"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a string: an expression without its delimiters, or text."""

    text: str
    is_expression: bool


def is_yaql(text: str) -> bool:
    """Whether there is ``<% … %>`` in the text."""
    return "<%" in text and next(_find(text, *_YAQL), None) is not None


def is_jinja(text: str) -> bool:
    """Whether there is ``{{ … }}`` or ``{% … %}`` in the text."""
    return "{" in text and any(next(_find(text, *ends), None) is not None for ends in _JINJA)


def whole_jinja(text: str) -> str | None:
    """Return what is inside when the text is one ``{{ … }}`` and nothing else, or None."""
    first = next(_find(text, *_JINJA[0]), None)
    return text[2:-2] if first == (0, len(text)) else None


def yaql_pieces(text: str) -> list[Piece]:
    """Return the text cut into YAQL expressions and what is between them; nothing is empty but an expression."""
    pieces = []
    done = 0
    for start, end in _find(text, *_YAQL):
        if start > done:
            pieces.append(Piece(text[done:start], False))
        pieces.append(Piece(text[start:end].strip("<%>"), True))
        done = end
    if done < len(text):
        pieces.append(Piece(text[done:], False))
    return pieces


def _find(text: str, opening: str, closing: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each shortest match of opening … closing within a line, from the left."""
    offset = 0
    for line in text.split("\n"):
        start = line.find(opening)
        while start >= 0:
            end = line.find(closing, start + len(opening))
            if end < 0:
                break
            end += len(closing)
            yield offset + start, offset + end
            start = line.find(opening, end)
        offset += len(line) + 1
