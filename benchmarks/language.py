"""The common forms of YAQL, beside the yaql library evaluating the same text on the same data."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import yaql
from yaql.language import conventions, utils

from benchmarks.figures import Figure
from mistralish.expressions import compile_value

_TARGET = 20
_SECONDS = 0.2
_DATA = {
    "n": 5,
    "a": {"b": [{"c": 1}, {"c": 2}, {"c": 3}]},
    "name": "web",
    "items": [{"id": at, "size": at * 3, "name": f"item-{at}"} for at in range(10)],
}
FORMS = (
    "$.n + 1",
    "$.a.b[0]",
    "$.a.b[0].c * 2 - 1",
    "$.n > 3 and not $.name = 'db' or false",
    "'host-' + $.name + '-' + str($.n)",
    "len($.items)",
    "$.items.where($.size > 10).select($.name)",
    "$.items.where($.id = 7).first()",
    "$.items.select({id => $.id})",
    "{total => $.n + 1, who => $.name}",
)


def measure() -> list[Figure]:
    """How many times as quick as the library each form is; the least of them has the target."""
    engine = yaql.YaqlFactory().create(options={"yaql.convertTuplesToLists": True})
    root = yaql.create_context(convention=conventions.CamelCaseConvention())
    ratios = []
    for text in FORMS:
        parsed = engine(text)

        def library(parsed: Any = parsed) -> Any:
            context = root.create_child_context()
            context["$"] = utils.convert_input_data(_DATA)
            return parsed.evaluate(context=context)

        ours = compile_value(f"<% {text} %>")
        assert ours.evaluate(_DATA) == library(), text
        ratios.append(_seconds(library) / _seconds(partial(ours.evaluate, _DATA)))
    return [
        Figure("expressions: least of the common forms, times the library", min(ratios), "×", _TARGET),
        Figure("expressions: median of the common forms", statistics.median(ratios), "×"),
    ]


def _seconds(evaluate: Callable[[], Any]) -> float:
    """The time of one evaluation."""
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < _SECONDS:
        evaluate()
        count += 1
    return passed / count
