"""What goes wrong with expressions, told without ever telling the data they were evaluated on."""

import re

from mistralish.errors import InputError, WorkflowError

_LONGEST = 500
_QUOTED = re.compile(
    r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|(?<!\w)['\"].*\Z", re.DOTALL
)  # Python may cut off the end


class GrammarError(InputError):
    """An expression is not well formed: ``reason``, its text in ``expression``, ``line`` from 1 where known."""

    def __init__(self, message: str, expression: str, line: int | None = None) -> None:
        place = f", line={line}" if line is not None else ""
        super().__init__(f"{message} [expression={shorten(expression)}{place}]")
        self.reason = message
        self.expression = expression
        self.line = line


class EvaluationError(WorkflowError):
    """An expression could not be evaluated. ``expression`` is its text; the message never holds the data."""

    def __init__(self, language: str, expression: str, reason: str) -> None:
        super().__init__(f"Can not evaluate {language} expression [expression={shorten(expression)}, error={reason}]")
        self.expression = expression
        self.reason = reason


class UseError(Exception):
    """A function of ours cannot do what an expression asks; its message holds no data and is shown whole."""


class TooDeepError(UseError):
    """A value has too many lists and dictionaries within each other."""


def explain(error: BaseException, expression: str) -> str:
    """Return what ``error`` says, without the data that Python and the libraries quote in their messages.

    Quoted pieces that are not part of the expression's own text are blanked out.
    """
    if isinstance(error, UseError):
        return str(error)
    text = _library_text(error)
    return shorten(_QUOTED.sub(lambda match: _own(match.group(), expression), text))


def shorten(text: str) -> str:
    """Return ``text``, cut where it is too long for a message."""
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _own(quoted: str, expression: str) -> str:
    name = _INTERNAL.sub("", quoted[1:-1])
    return quoted if name in expression or name in _HARMLESS else "'***'"


# How YAQL names the functions behind operators and properties: what follows is from the expression.
_INTERNAL = re.compile(r"^#(operator_|unary_operator_|property#)")

# What Python and the libraries quote that is never data: types, parts of the grammar, parameters of our functions.
_HARMLESS = frozenset(
    (
        *("str", "int", "float", "bool", "NoneType", "list", "tuple", "dict", "set", "frozenset", "map", "function"),
        *("dict object", "list object", "str object", "int object", "None", "Context", "method", "LazyMapping"),
        *("end of template", "end of print statement", "end of statement block"),
        *("#indexer", "#list", "#map", "*equal", "*not_equal", "context", "data", "var_name"),
    )
)


def _library_text(error: BaseException) -> str:
    receiver_free = _without_receiver(error)
    if receiver_free is not None:
        return receiver_free
    if isinstance(error, KeyError) and error.args:
        return repr(error.args[0]) if isinstance(error.args[0], str) else "no such key"
    if isinstance(error, RecursionError):
        return "the expression or its data are nested too deeply"
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, ValueError) and "integer string conversion" in str(error):
        return "a whole number of more than 4300 digits cannot be written or read"
    return str(error) or type(error).__name__


def _without_receiver(error: BaseException) -> str | None:
    """YAQL's "unknown method" errors print the whole value that the method was called on: leave it out."""
    for opening in ("Unknown method ", "No method ", "Ambiguous method "):
        text = str(error)
        if text.startswith(opening) and " for receiver " in text:
            head = text.split(" for receiver ", 1)[0]
            tail = " matches supplied arguments" if opening == "No method " else ""
            return f"{head} for this receiver{tail}"
    return None
