"""The one error of the language: what is wrong in a definition, where, and what would be right."""

from mistralish.errors import InputError


class LanguageError(InputError):
    """A definition that cannot be accepted.

    ``problem`` says what is wrong, ``hint`` what would be right (may be None); ``line`` and ``column``
    count from 1 and are None where the error belongs to no place. ``message`` and ``str()`` hold it all.
    """

    def __init__(
        self, problem: str, *, line: int | None = None, column: int | None = None, hint: str | None = None
    ) -> None:
        self.problem = problem
        self.line = line
        self.column = column
        self.hint = hint
        where = "" if line is None else f"line {line}, column {column}: "
        super().__init__(f"{where}{problem}{'' if hint is None else ': ' + hint}")
