"""Values with expressions anywhere in them, compiled once and evaluated many times.

Which strings are expressions: ``<% … %>`` is YAQL, ``{{ … }}`` and ``{% … %}`` are Jinja2, each on one line
of the string. A string that is nothing but one expression takes the expression's own value; within a longer
string the value is printed. Keys of dictionaries are taken as they are written.
Source of the rules: the language reference, "YAQL", "Jinja2"; the finer points are the reference's behaviour.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from time import monotonic
from typing import Any

from mistralish.errors import WorkflowError
from mistralish.expressions.errors import GrammarError, UseError
from mistralish.expressions.expression import JinjaExpression, YaqlExpression
from mistralish.expressions.limits import CACHED_LENGTH, CACHED_TEXTS, MAX_SIZE
from mistralish.expressions.scope import Scope
from mistralish.expressions.spending import LONG, budget, decision
from mistralish.expressions.text import is_jinja, is_yaql, whole_jinja, yaql_pieces
from mistralish.expressions.values import SCALARS, Meter, copy_plain


class Compiled(ABC):
    """A value ready to be evaluated. It can be shared by threads."""

    __slots__ = ()
    constant = False
    count = 1
    """How many expressions there are in it."""

    @abstractmethod
    def evaluate(self, context: Mapping[str, Any] | Any, scope: Scope | None = None) -> Any:
        """Return the value with every expression replaced by its result.

        ``context`` is what expressions see as ``$`` and ``_``: usually a mapping, which is read where an
        expression asks and never changed. ``scope`` answers ``task()`` and the like; without one they fail.
        The result is JSON data, new with each call: it shares nothing that can be changed with the context
        or with the compiled value. Raises EvaluationError; UnavailableError where the scope cannot answer now.
        """


class Constant(Compiled):
    """A value without expressions."""

    __slots__ = ("_shared", "_value")
    constant = True
    count = 0

    def __init__(self, value: Any) -> None:
        self._value = value
        self._shared = type(value) in SCALARS

    def evaluate(self, context: Any, scope: Scope | None = None) -> Any:
        return self._value if self._shared else copy_plain(self._value)


class Single(Compiled):
    """A string that has the value of the one expression in it, or a Jinja2 text."""

    __slots__ = ("_expression",)

    def __init__(self, expression: YaqlExpression | JinjaExpression) -> None:
        self._expression = expression

    def evaluate(self, context: Any, scope: Scope | None = None) -> Any:
        return self._expression.value(context, scope)


class YaqlText(Compiled):
    """A string with YAQL expressions between other text."""

    __slots__ = ("_pieces", "count")

    def __init__(self, pieces: tuple[str | YaqlExpression, ...]) -> None:
        self._pieces = pieces
        self.count = len(pieces)

    def evaluate(self, context: Any, scope: Scope | None = None) -> str:
        texts = (p if isinstance(p, str) else p.printed(context, scope) for p in self._pieces)
        return "".join(texts if self.count <= FEW else map(Gathering().add, texts))


class ListValue(Compiled):
    """A list with an expression somewhere."""

    __slots__ = ("_items", "count")

    def __init__(self, items: list[Compiled]) -> None:
        self._items = items
        self.count = sum(item.count for item in items)

    def evaluate(self, context: Any, scope: Scope | None = None) -> list[Any]:
        if self.count <= FEW:
            return [item.evaluate(context, scope) for item in self._items]
        gathering = Gathering()
        return [gathering.add(item.evaluate(context, scope)) for item in self._items]


class DictValue(Compiled):
    """A dictionary with an expression somewhere in its values."""

    __slots__ = ("_items", "count")

    def __init__(self, items: dict[Any, Compiled]) -> None:
        self._items = items
        self.count = sum(item.count for item in items.values())

    def evaluate(self, context: Any, scope: Scope | None = None) -> dict[Any, Any]:
        if self.count <= FEW:
            return {key: item.evaluate(context, scope) for key, item in self._items.items()}
        gathering = Gathering()
        return {key: gathering.add(item.evaluate(context, scope)) for key, item in self._items.items()}


FEW = 16
"""Expressions in one value that need not be watched as a whole: each is watched by itself."""


class Gathering:
    """Sees that many values together are not too large, and do not take too long."""

    __slots__ = ("_deadline", "_meter", "_noted")

    def __init__(self) -> None:
        self._meter = Meter(MAX_SIZE)
        self._noted = monotonic()
        self._deadline = self._noted + 2 * budget.seconds

    def add(self, value: Any) -> Any:
        """Return ``value``; raises WorkflowError where it is one too many."""
        if type(value) not in SCALARS or type(value) is str:
            try:
                self._meter.take(value)
            except UseError as error:
                raise WorkflowError(f"The values of expressions together are too large: {error}") from None
        self._check_time()
        return value

    def _check_time(self) -> None:
        now = monotonic()
        if now - self._noted > LONG:
            try:
                decision.add(now - self._noted)
            except UseError as error:
                raise WorkflowError(str(error)) from None
            self._noted = now
        if now > self._deadline:
            raise WorkflowError(
                f"Expressions that belong together took longer than {2 * budget.seconds:g} s: "
                "let there be fewer of them, or make the slow ones simpler"
            )


def compile_value(value: Any) -> Compiled:
    """Return ``value`` compiled: a string, or a dict or list of any depth with strings somewhere.

    What is not well formed compiles too, and fails with EvaluationError when it is evaluated, as it does in
    the reference; ``validate`` is the function that refuses it beforehand.
    """
    if isinstance(value, str):
        return _compile_string(value)
    if isinstance(value, Mapping):
        items = {key: compile_value(item) for key, item in value.items()}
        return Constant(value) if all(item.constant for item in items.values()) else DictValue(items)
    if isinstance(value, list | tuple):
        entries = [compile_value(item) for item in value]
        return Constant(value) if all(entry.constant for entry in entries) else ListValue(entries)
    return Constant(value)


def _compile_string(text: str) -> Compiled:
    if not (is_jinja(text) or is_yaql(text)):
        return Constant(text)
    return _cached(text) if len(text) <= CACHED_LENGTH else _compile_text(text)


@lru_cache(maxsize=CACHED_TEXTS)
def _cached(text: str) -> Compiled:
    return _compile_text(text)


def _compile_text(text: str) -> Compiled:
    if is_jinja(text):
        return Single(JinjaExpression(text, whole_jinja(text)))
    pieces = yaql_pieces(text)
    if len(pieces) == 1:
        return Single(_yaql(pieces[0].text))
    return YaqlText(tuple(_yaql(p.text) if p.is_expression else p.text for p in pieces))


def _yaql(text: str) -> YaqlExpression:
    return _kept_yaql(text) if len(text) <= CACHED_LENGTH else YaqlExpression(text)


@lru_cache(maxsize=CACHED_TEXTS)
def _kept_yaql(text: str) -> YaqlExpression:
    return YaqlExpression(text)


def validate(value: Any) -> None:
    """Raise GrammarError when a string in ``value`` is not a well-formed expression, or mixes both languages.

    ``value`` is a string, or a list or dict of strings. As in the reference, what is nested deeper is not
    looked at: there a malformed expression shows when it is evaluated.
    """
    if isinstance(value, str):
        _validate_text(value)
    elif isinstance(value, Mapping):
        _validate_each(value.values())
    elif isinstance(value, list | tuple):
        _validate_each(value)


def _validate_each(values: Any) -> None:
    for value in values:
        if isinstance(value, str):
            _validate_text(value)


def _validate_text(text: str) -> None:
    has_jinja, has_yaql = is_jinja(text), is_yaql(text)
    if has_jinja:
        JinjaExpression(text, None).check()
    if has_jinja and has_yaql:
        raise GrammarError(
            "The line already contains an expression of type 'jinja'. Mixing expression types in a single line "
            "is not allowed: use either {{ }} or <% %>.",
            text,
        )
    if has_yaql:
        for piece in yaql_pieces(text):
            if piece.is_expression:
                _yaql(piece.text).check()
