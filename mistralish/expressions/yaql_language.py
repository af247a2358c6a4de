"""YAQL: one engine, one root context with all functions, a thin child context for each evaluation."""

import collections.abc  # yaql 3.2 uses it without importing it
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import yaql
from yaql.language import contexts, conventions, factory, specs, utils
from yaql.language import exceptions as yaql_errors

from mistralish.expressions.errors import GrammarError
from mistralish.expressions.functions import STANDARD, Function
from mistralish.expressions.limits import MAX_ITERATIONS, MEMORY_QUOTA
from mistralish.expressions.scope import Scope
from mistralish.expressions.values import bounded, freeze, unbox

LANGUAGE = "YAQL"
CONTEXT_NAMES = ("__env", "__execution", "__task_execution")

_OPTIONS = {
    "yaql.limitIterators": MAX_ITERATIONS,
    "yaql.memoryQuota": MEMORY_QUOTA,
    "yaql.convertTuplesToLists": True,
    "yaql.convertSetsToLists": False,
    "yaql.iterableDicts": False,
}

assert collections.abc  # keep the import: see above

_parsing = threading.Lock()

Evaluate = Callable[[Any, Scope | None, bool], Any]
"""Takes the context, the scope and whether the result is printed into a text."""


class Context(contexts.Context):
    """A YAQL context that knows the scope of its evaluation, out of reach of the expression itself."""

    def __init__(self, parent_context: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(parent_context, *args, **kwargs)
        self.scope: Scope | None = getattr(parent_context, "scope", None)


@cache
def _engine() -> Any:
    return factory.YaqlFactory(keyword_operator="=>", allow_delegates=False).create(options=_OPTIONS)


@cache
def _root() -> Any:
    root = yaql.create_context(context=Context(convention=conventions.CamelCaseConvention()))
    _bound_len(root)
    add_functions(STANDARD, root)
    return root


def add_functions(functions: Mapping[str, Function], root: Any = None) -> None:
    """Let expressions call ``functions`` by these names."""
    root = root or _root()
    for name, function in functions.items():
        root.register_function(function, name=name)


def _bound_len(root: Any) -> None:
    """Replace the library's ``len`` of an iterator, which alone of its functions counts without a limit."""
    context = root
    while context is not None:
        for definition in context.get_functions("len")[0]:
            if definition.payload.__name__ == "count_":
                context.delete_function(definition)
        context = context.parent
    root.register_function(_iterator_len)


@specs.parameter("collection", utils.IteratorType)
@specs.name("len")
@specs.extension_method
def _iterator_len(collection: Iterator[Any]) -> int:
    return sum(1 for _ in bounded(collection))


def compile_yaql(text: str) -> Evaluate:
    """Return what evaluates the expression with the library; raises GrammarError.

    It raises whatever the library raises, and takes as long as the expression takes: see ``sandbox``.
    """
    tree = parse(text)
    names = tuple(name for name in CONTEXT_NAMES if name in text or (name == "__env" and "env" in text))

    def evaluate(data: Any, scope: Scope | None, printed: bool) -> Any:
        value = tree(utils.NO_VALUE, _context(data, scope, names), _engine())
        return str(unbox(value)) if printed else value

    return evaluate


def parse(text: str) -> Any:
    """Return the expression tree of the library for ``text``; raises GrammarError."""
    try:
        with _parsing:  # the library's lexer keeps its place in itself
            return _engine()(text).expression
    except (yaql_errors.YaqlException, KeyError, ValueError, TypeError) as e:
        raise GrammarError(str(e), text) from None


def _context(data: Any, scope: Scope | None, names: tuple[str, ...] = CONTEXT_NAMES) -> Any:
    context = _root().create_child_context()
    context.scope = scope
    context["$"] = freeze(data)
    if isinstance(data, Mapping):
        for name in names:
            context[name] = data.get(name)
    return context
