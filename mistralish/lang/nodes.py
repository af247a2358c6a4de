"""A YAML value together with the place where it was written."""

from dataclasses import dataclass, field
from typing import Any, NoReturn

from mistralish.lang.errors import LanguageError


@dataclass(slots=True, eq=False)
class Node:
    """One value of a YAML document.

    ``value`` is the plain, JSON-compatible data of the whole subtree. A mapping has its children in
    ``fields`` (by key), a list has them in ``items``. Lines and columns count from 1; ``key_line`` and
    ``key_column`` are those of the key under which the value stands (its own where it has no key).
    ``end_line`` is the line in which whatever follows the value begins; ``flow``: written with braces or brackets.
    ``odd_key``: the key was not text in YAML (a number, a boolean, …). ``is_date``: the value was a date.
    """

    value: Any
    line: int
    column: int
    end_line: int
    key_line: int = 0
    key_column: int = 0
    odd_key: bool = False
    is_date: bool = False
    flow: bool = False
    fields: dict[str, "Node"] = field(default_factory=dict)
    items: list["Node"] = field(default_factory=list)

    def fail(self, problem: str, hint: str | None = None) -> NoReturn:
        """Raise LanguageError at the value."""
        raise LanguageError(problem, line=self.line, column=self.column, hint=hint)

    def fail_at_key(self, problem: str, hint: str | None = None) -> NoReturn:
        """Raise LanguageError at the key of this value."""
        line, column = (self.key_line, self.key_column) if self.key_line else (self.line, self.column)
        raise LanguageError(problem, line=line, column=column, hint=hint)

    @property
    def is_text(self) -> bool:
        """Whether the value is a string (a date is not: YAML reads it as a moment)."""
        return isinstance(self.value, str) and not self.is_date
