"""YAQL and Jinja2 expressions: compile once, evaluate many times, never change the data."""

from mistralish.expressions.compiled import Compiled, compile_value, validate
from mistralish.expressions.errors import EvaluationError, GrammarError
from mistralish.expressions.scope import Scope

__all__ = ["Compiled", "EvaluationError", "GrammarError", "Scope", "compile_value", "validate"]
