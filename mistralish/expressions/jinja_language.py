"""Jinja2: one sandboxed environment; ``_`` is the context; the functions are globals and filters."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import jinja2
from jinja2 import pass_context
from jinja2.sandbox import SandboxedEnvironment, modifies_known_mutable

from mistralish.errors import UnavailableError
from mistralish.expressions.errors import EvaluationError, GrammarError, UseError, explain
from mistralish.expressions.functions import Function, all_functions
from mistralish.expressions.limits import MEMORY_QUOTA
from mistralish.expressions.scope import Scope
from mistralish.expressions.values import copy_plain, plain

LANGUAGE = "Jinja"
CONTEXT_NAMES = ("__env", "__execution", "__task_execution")
_CALL = "#call"  # no name that a template can write


class _MutationError(Exception):
    """A template is about to change a list or dictionary that is not its own."""


class Context(Mapping[str, Any]):
    """``_``: the context of an evaluation. With ``private``, values are copies that a template may change."""

    __slots__ = ("_copies", "_data", "private", "scope")

    def __init__(self, data: Mapping[str, Any], scope: Scope | None, private: bool) -> None:
        self._data = data
        self._copies: dict[str, Any] = {}
        self.scope = scope
        self.private = private

    def __getitem__(self, key: str) -> Any:
        if not self.private:
            return self._data[key]
        if key not in self._copies:
            self._copies[key] = copy_plain(self._data[key])
        return self._copies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return repr(dict(self.items()))


class _Environment(SandboxedEnvironment):
    """The sandbox, with three more rules.

    A variable wins over a method of ``_``; data that is not the template's own is not changed; a product or
    power is not computed when it would be very large.
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

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        owner = getattr(obj, "__self__", None)
        if owner is not None and modifies_known_mutable(owner, getattr(obj, "__name__", "")):
            call: Context = context.parent[_CALL]
            if not call.private:
                raise _MutationError
        return super().call(context, obj, *args, **kwargs)


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
    for name, function in all_functions().items():
        environment.globals[name] = _as_global(function)
        environment.filters[name] = function
    return environment


def _as_global(function: Function) -> Callable[..., Any]:
    @pass_context
    def call(context: Any, *args: Any, **kwargs: Any) -> Any:
        ours: Context = context.parent[_CALL]
        result = function(ours, *args, **kwargs)
        return copy_plain(result) if ours.private else result

    return call


class JinjaExpression:
    """A text with Jinja2 in it; ``inner`` is its one expression where it is nothing but ``{{ inner }}``.

    A text that does not compile fails when it is evaluated. A text whose code changes lists or dictionaries
    (``_.list.append(1)``) works on copies of its own: the context is never changed.
    """

    __slots__ = ("_error", "_names", "_private", "_render", "text")

    def __init__(self, text: str, inner: str | None) -> None:
        self.text = text
        self._private = False
        self._error: str | None = None
        self._names = tuple(name for name in CONTEXT_NAMES if name in text)
        self._render: Callable[[dict[str, Any]], Any] | None = None
        try:
            self._render = _compile(text, inner)
        except jinja2.TemplateError as e:
            self._error = explain(e, text)
        except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError) as e:
            self._error = explain(e, text)

    def value(self, context: Any, scope: Scope | None) -> Any:
        """Return the result as new JSON data; raises EvaluationError."""
        if self._render is None:
            raise EvaluationError(LANGUAGE, self.text, self._error or "")
        try:
            return self._evaluate(context, scope)
        except (EvaluationError, UnavailableError):
            raise
        except Exception as e:
            raise EvaluationError(LANGUAGE, self.text, explain(e, self.text)) from None

    def _evaluate(self, context: Any, scope: Scope | None) -> Any:
        assert self._render is not None
        if not self._private:
            try:
                return plain(self._render(self._variables(context, scope, private=False)))
            except _MutationError:
                self._private = True
        return plain(self._render(self._variables(context, scope, private=True)))

    def _variables(self, data: Any, scope: Scope | None, private: bool) -> dict[str, Any]:
        is_mapping = isinstance(data, Mapping)
        call = Context(data if is_mapping else {}, scope, private)
        variables: dict[str, Any] = {_CALL: call}
        variables["_"] = call if is_mapping else copy_plain(data) if private else data
        for name in self._names:
            variables[name] = call.get(name)
        return variables


def _compile(text: str, inner: str | None) -> Callable[[dict[str, Any]], Any]:
    environment = _environment()
    if inner is None:
        template = environment.from_string(text)
        return lambda variables: template.render(variables)
    expression = environment.compile_expression(inner, undefined_to_none=False)
    return lambda variables: expression(variables)


def check(text: str) -> None:
    """Raise GrammarError unless ``text`` parses as a Jinja2 template."""
    try:
        _environment().parse(text)
    except jinja2.TemplateSyntaxError as e:
        raise GrammarError(f"Syntax error '{e.message}'.", text, e.lineno) from None
    except (RecursionError, MemoryError) as e:
        raise GrammarError(f"Syntax error '{explain(e, text)}'.", text) from None
