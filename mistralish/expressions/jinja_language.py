"""Jinja2: one sandboxed environment; ``_`` is the context; the functions are globals and filters."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import jinja2
from jinja2 import nodes, pass_context
from jinja2.sandbox import SandboxedEnvironment

from mistralish.expressions.errors import GrammarError, UseError, explain
from mistralish.expressions.functions import STANDARD, Function
from mistralish.expressions.limits import MEMORY_QUOTA
from mistralish.expressions.scope import Scope

LANGUAGE = "Jinja"
CONTEXT_NAMES = ("__env", "__execution", "__task_execution")
_CALL = "#call"  # no name that a template can write

Evaluate = Callable[[Any, Scope | None], Any]
"""Takes the context and the scope."""


class Context(Mapping[str, Any]):
    """``_``: the context of an evaluation."""

    __slots__ = ("_data", "scope")

    def __init__(self, data: Mapping[str, Any], scope: Scope | None) -> None:
        self._data = data
        self.scope = scope

    def __getitem__(self, key: str) -> Any:
        return self._data[key]

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return repr(dict(self.items()))


class _Environment(SandboxedEnvironment):
    """The sandbox, with two more rules.

    A variable wins over a method of ``_``; a product or power is not computed when it would be very large.
    """

    intercepted_binops = frozenset(("*", "**"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if _size(operator, left, right) > MEMORY_QUOTA:
            raise UseError(f"the result of {operator} would be larger than {MEMORY_QUOTA} bytes")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is Context:
            return self._of_context(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is Context and isinstance(argument, str):
            return self._of_context(obj, argument)
        return super().getitem(obj, argument)

    def _of_context(self, context: Context, attribute: str) -> Any:
        if attribute in context:
            return context[attribute]
        if attribute in _CONTEXT_METHODS:
            return getattr(context, attribute)
        return self.undefined(hint=f"'_' has no attribute {attribute!r}", name=attribute)


def _size(operator: str, left: Any, right: Any) -> int:
    """Return about how many bytes ``left operator right`` takes, 0 where that is not known to be much.

    A power counts its bits: computing it is slow long before it is large.
    """
    if operator == "**":
        if isinstance(left, int) and isinstance(right, int):
            return left.bit_length() * max(right, 0)
        return 0
    times, repeated = (left, right) if isinstance(left, int) else (right, left)
    if isinstance(times, int) and isinstance(repeated, str | bytes | list | tuple):
        return times * len(repeated) * (1 if isinstance(repeated, str | bytes) else 8)
    return 0


_CONTEXT_METHODS = frozenset(("get", "items", "keys", "values"))


@cache
def _environment() -> _Environment:
    environment = _Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    add_functions(STANDARD, environment)
    return environment


def add_functions(functions: Mapping[str, Function], environment: _Environment | None = None) -> None:
    """Let expressions call ``functions`` by these names, and use them as filters."""
    environment = environment or _environment()
    for name, function in functions.items():
        environment.globals[name] = _as_global(function)
        environment.filters[name] = function


def _as_global(function: Function) -> Callable[..., Any]:
    @pass_context
    def call(context: Any, *args: Any, **kwargs: Any) -> Any:
        return function(context.parent[_CALL], *args, **kwargs)

    return call


def compile_jinja(text: str, inner: str | None) -> Evaluate:
    """Return what evaluates the text; ``inner`` is its one expression where it is nothing but ``{{ inner }}``.

    It may change lists and dictionaries of the context, raises whatever its code raises, and takes as long as that
    takes: see ``sandbox``. Raises GrammarError.
    """
    names = tuple(name for name in CONTEXT_NAMES if name in text)
    try:
        render = _compile(text, inner)
    except (jinja2.TemplateError, RecursionError, MemoryError, SyntaxError, ValueError, OverflowError) as e:
        raise GrammarError(explain(e, text), text) from None

    def evaluate(data: Any, scope: Scope | None) -> Any:
        is_mapping = isinstance(data, Mapping)
        call = Context(data if is_mapping else {}, scope)
        variables: dict[str, Any] = {_CALL: call, "_": call if is_mapping else data}
        for name in names:
            variables[name] = call.get(name)
        return render(variables)

    return evaluate


def _compile(text: str, inner: str | None) -> Callable[[dict[str, Any]], Any]:
    environment = _environment()
    if inner is None:
        template = environment.from_string(text)
        return lambda variables: template.render(variables)
    expression = environment.compile_expression(inner, undefined_to_none=False)
    return lambda variables: expression(variables)


def parse(text: str) -> nodes.Template:
    """Return the syntax tree of a text; raises GrammarError."""
    try:
        return _environment().parse(text)
    except jinja2.TemplateSyntaxError as e:
        raise GrammarError(f"Syntax error '{e.message}'.", text, e.lineno) from None
    except (RecursionError, MemoryError) as e:
        raise GrammarError(f"Syntax error '{explain(e, text)}'.", text) from None
