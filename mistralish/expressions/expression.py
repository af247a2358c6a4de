"""One expression: read when first needed; evaluated here where that is certain to be quick, else in the sandbox."""

import re
from collections.abc import Callable
from time import monotonic
from typing import Any

from mistralish.errors import UnavailableError
from mistralish.expressions import jinja_language, sandbox, yaql_language
from mistralish.expressions.errors import EvaluationError, GrammarError, UseError, explain
from mistralish.expressions.fastpath import Call, Closure, compile_fast, path_closure
from mistralish.expressions.jinja_simple import is_simple
from mistralish.expressions.limits import LONGEST_LOCAL, MAX_SIZE
from mistralish.expressions.scope import Scope
from mistralish.expressions.spending import LONG, decision
from mistralish.expressions.values import Meter, plain, unbox

_PATH = re.compile(r"\$(?:\.[a-zA-Z]\w*)*", re.ASCII)
_WORDS = frozenset(("and", "or", "not", "in", "mod", "true", "false", "null"))


class YaqlExpression:
    """One YAQL expression, without its ``<% %>``. A text that is not YAQL fails when it is evaluated."""

    __slots__ = ("_error", "_fast", "_is_read", "_written", "text")

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self._written = text
        self._is_read = False
        self._error: str | None = None
        self._fast: Closure | None = None

    def check(self) -> None:
        """Raise GrammarError unless the text is well formed."""
        if not self._is_read:
            self._read()
        if self._error is not None:
            yaql_language.parse(self._written)  # for the error: positions count from the opening on
        if len(self.text) > LONGEST_LOCAL:
            _check_elsewhere(yaql_language.LANGUAGE, self.text)

    def value(self, context: Any, scope: Scope | None) -> Any:
        """Return the result as new JSON data; raises EvaluationError."""
        return self._run(context, scope, plain, False)

    def printed(self, context: Any, scope: Scope | None) -> str:
        """Return the result as it stands within a text; raises EvaluationError."""
        return str(self._run(context, scope, _print, True))

    def _run(self, context: Any, scope: Scope | None, convert: Callable[[Any], Any], printed: bool) -> Any:
        if not self._is_read:
            self._read()
        if self._error is not None:
            raise EvaluationError(yaql_language.LANGUAGE, self.text, self._error)
        if self._fast is not None:
            start = monotonic()
            try:
                result = convert(self._fast(context, Call(context, scope)))
            except UnavailableError:
                raise
            except Exception:
                pass  # the library decides: it may do better, or it words the error
            else:
                if monotonic() - start > LONG:
                    _note(monotonic() - start, yaql_language.LANGUAGE, self.text)
                return result
        return _evaluate_elsewhere(yaql_language.LANGUAGE, self.text, printed, context, scope)

    def _read(self) -> None:
        if _PATH.fullmatch(self.text) and _WORDS.isdisjoint(names := self.text.split(".")[1:]):
            self._fast = path_closure(names)
        elif len(self.text) <= LONGEST_LOCAL:
            try:
                self._fast = compile_fast(yaql_language.parse(self.text))
            except GrammarError as e:
                self._error = e.reason
        self._is_read = True


class JinjaExpression:
    """A text with Jinja2 in it; ``inner`` is its one expression where it is nothing but ``{{ inner }}``.

    A text that does not compile fails when it is evaluated. Code that changes lists or dictionaries
    (``_.list.append(1)``) works on copies of its own: the context is never changed.
    """

    __slots__ = ("_fast", "_inner", "_is_read", "text")

    def __init__(self, text: str, inner: str | None) -> None:
        self.text = text
        self._inner = inner
        self._is_read = False
        self._fast: jinja_language.Evaluate | None = None

    def check(self) -> None:
        """Raise GrammarError unless the text parses."""
        if len(self.text) > LONGEST_LOCAL:
            _check_elsewhere(jinja_language.LANGUAGE, self.text)
        else:
            jinja_language.parse(self.text)

    def value(self, context: Any, scope: Scope | None) -> Any:
        """Return the result as new JSON data; raises EvaluationError."""
        if not self._is_read:
            self._read()
        if self._fast is None:
            return _evaluate_elsewhere(jinja_language.LANGUAGE, self.text, False, context, scope)
        start = monotonic()
        try:
            result = plain(self._fast(context, scope))
            Meter(MAX_SIZE).take(result)
        except UnavailableError:
            raise
        except Exception as e:
            raise EvaluationError(jinja_language.LANGUAGE, self.text, explain(e, self.text)) from None
        if monotonic() - start > LONG:
            _note(monotonic() - start, jinja_language.LANGUAGE, self.text)
        return result

    def _read(self) -> None:
        if len(self.text) <= LONGEST_LOCAL:
            try:
                if is_simple(jinja_language.parse(self.text)):
                    self._fast = jinja_language.compile_jinja(self.text, self._inner)
            except GrammarError:
                pass  # the sandbox words the error
        self._is_read = True


def _note(seconds: float, language: str, text: str) -> None:
    try:
        decision.add(seconds)
    except UseError as e:
        raise EvaluationError(language, text, str(e)) from None


def _print(value: Any) -> str:
    return str(unbox(value))


def _evaluate_elsewhere(language: str, text: str, printed: bool, context: Any, scope: Scope | None) -> Any:
    try:
        return sandbox.evaluate(sandbox.Question(language, text, printed, context, scope))
    except UnavailableError:
        raise
    except Exception as e:
        raise EvaluationError(language, text, explain(e, text)) from None


def _check_elsewhere(language: str, text: str) -> None:
    try:
        sandbox.check(language, text)
    except sandbox.FailedError as e:
        raise GrammarError(str(e), text, e.line) from None
    except UseError as e:
        raise GrammarError(str(e), text) from None
