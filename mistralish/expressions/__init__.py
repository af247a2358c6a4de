"""YAQL and Jinja2 expressions: compile once, evaluate many times, never change the data, and hurt nobody."""

from mistralish.expressions.compiled import Compiled, compile_value, validate
from mistralish.expressions.errors import EvaluationError, GrammarError
from mistralish.expressions.scope import Scope
from mistralish.expressions.spending import budget, decision

__all__ = [
    "Compiled",
    "EvaluationError",
    "GrammarError",
    "Scope",
    "budget",
    "compile_value",
    "decision",
    "validate",
]
