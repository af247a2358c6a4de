"""YAQL: one engine, one root context with all functions, a thin child context for each evaluation."""

import collections.abc  # yaql 3.2 uses it without importing it
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaql
from yaql.language import contexts, conventions, factory, specs, utils
from yaql.language import exceptions as yaql_errors

from mistralish.errors import UnavailableError
from mistralish.expressions.errors import EvaluationError, GrammarError, explain
from mistralish.expressions.fastpath import Call, Closure, compile_fast
from mistralish.expressions.functions import all_functions
from mistralish.expressions.limits import MAX_ITERATIONS, MEMORY_QUOTA
from mistralish.expressions.scope import Scope
from mistralish.expressions.values import bounded, freeze, plain, unbox

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


class _Context(contexts.Context):
    """A YAQL context that knows the scope of its evaluation, out of reach of the expression itself."""

    def __init__(self, parent_context: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(parent_context, *args, **kwargs)
        self.scope: Scope | None = getattr(parent_context, "scope", None)


@cache
def _engine() -> Any:
    return factory.YaqlFactory(keyword_operator="=>", allow_delegates=False).create(options=_OPTIONS)


@cache
def _root() -> Any:
    root = yaql.create_context(context=_Context(convention=conventions.CamelCaseConvention()))
    _bound_len(root)
    for name, function in all_functions().items():
        root.register_function(function, name=name)
    return root


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


class YaqlExpression:
    """One YAQL expression, without its ``<% %>``. A text that is not YAQL fails when it is evaluated."""

    __slots__ = ("_error", "_fast", "_tree", "text")

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self._error: str | None = None
        self._tree: Any = None
        self._fast: Closure | None = None
        try:
            self._tree = parse(self.text)
            self._fast = compile_fast(self._tree)
        except GrammarError as e:
            self._error = e.reason

    def value(self, context: Any, scope: Scope | None) -> Any:
        """Return the result as new JSON data; raises EvaluationError."""
        return self._run(context, scope, plain)

    def printed(self, context: Any, scope: Scope | None) -> str:
        """Return the result as it stands within a text; raises EvaluationError."""
        return str(self._run(context, scope, _print))

    def _run(self, context: Any, scope: Scope | None, convert: Any) -> Any:
        if self._error is not None:
            raise EvaluationError(LANGUAGE, self.text, self._error)
        if self._fast is not None:
            try:
                return convert(self._fast(context, Call(context, scope)))
            except UnavailableError:
                raise
            except Exception:
                pass  # the library decides: it may do better, or it words the error
        try:
            return convert(self._tree(utils.NO_VALUE, _context(context, scope), _engine()))
        except (EvaluationError, UnavailableError):
            raise
        except Exception as e:
            raise EvaluationError(LANGUAGE, self.text, explain(e, self.text)) from None


def _print(value: Any) -> str:
    return str(unbox(value))


def parse(text: str) -> Any:
    """Return the expression tree of the library for ``text``; raises GrammarError."""
    try:
        with _parsing:  # the library's lexer keeps its place in itself
            return _engine()(text).expression
    except (yaql_errors.YaqlException, KeyError, ValueError, TypeError) as e:
        raise GrammarError(str(e), text) from None


def _context(data: Any, scope: Scope | None) -> Any:
    context = _root().create_child_context()
    context.scope = scope
    context["$"] = freeze(data)
    if isinstance(data, Mapping):
        for name in CONTEXT_NAMES:
            context[name] = data.get(name)
    return context
