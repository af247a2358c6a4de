"""The closures for common YAQL forms answer exactly what the yaql library answers, or leave it to the library."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yaql.language import utils

from mistralish.expressions import yaql_language
from mistralish.expressions.fastpath import Call, compile_fast
from mistralish.expressions.values import plain, unbox

NAMES = ["a", "b", "c"]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, -0.5, 1.0, 2.5, 1e308, 10**20, float("nan")])
    | st.sampled_from(["", "a", "b", "1", "2.5", "x y", "é"])
)
DATA = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=12,
)
ROWS = st.lists(st.fixed_dictionaries({"a": LEAVES, "b": LEAVES}), max_size=3)
CONTEXTS = st.fixed_dictionaries({"a": DATA, "b": ROWS | DATA, "c": st.lists(LEAVES, max_size=3) | DATA})

ATOMS = st.sampled_from(
    [
        *("$", "$.a", "$.b", "$.c", "$.zz", "$.a.b", "$.a.b.c", "$.b[0]", "$.b[0].a", "$.c[-1]", "$.b.a", "$.c.len()"),
        *("null", "true", "false", "0", "1", "2", "2.5", "'1'", "'a'", "word", "[]", "{}", "[1, a]", "{a => 1}"),
        *("env().a", "task(x).result", "task(x).result.a", "task().name", "task(nowhere)", "global(g)", "$__env"),
        *("execution().id", "dict(a => $.a)", "$unknown", "range(3)", "range(1, 4)", "range(5, 1, -2)", "range(0, -3)"),
    ]
)
BINARY = ["+", "-", "*", "/", "mod", "<", "<=", ">", ">=", "=", "!=", "and", "or", "in"]
POSTFIX = [
    *(".a", ".b", "[0]", "[a]", "[a, 7]", ".get(a)", ".get(a, 5)", ".len()", ".first()", ".last()", ".toList()"),
    *(".select($.a)", ".where($.a = 1)", ".select($ + 1)", ".where($)", ".select($)", ".where($ != null).len()"),
    *(".select([$, $.len()])", ".select({k => $})", ".select($.where($ > 0))", ".first().a"),
]
CALLS = ["str", "len", "int", "float", "bool", "range"]


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.builds("({} {} {})".format, inner, st.sampled_from(BINARY), inner)
        | st.builds("{}{}".format, inner, st.sampled_from(POSTFIX))
        | st.builds("{}({})".format, st.sampled_from(CALLS), inner)
        | st.builds("range({}, {})".format, inner, inner)
        | st.builds("not ({})".format, inner)
        | st.builds("-({})".format, inner)
        | st.builds("[{}, {}]".format, inner, inner)
        | st.builds("{{k => {}, {} => 1}}".format, inner, inner)
        | st.builds("({}).select([$, {}])".format, inner, inner)
        | st.builds("({}).where({})".format, inner, inner)
    )


EXPRESSIONS = st.recursive(ATOMS, _grow, max_leaves=6)


class Scope:
    """The same answers every time."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def env(self) -> Any:
        return {"a": 1}

    def task(self, name: str | None) -> Any:
        return None if name == "nowhere" else {"name": name or "me", "result": self.data}

    def execution(self) -> Any:
        return {"id": "e1"}

    def global_(self, name: str) -> Any:
        return [1, {"a": 2}]


def by_library(text: str, context: Any, scope: Scope) -> tuple[str, Any, Any]:
    def once() -> Any:
        # A value that is an iterator can be read once only: evaluate again for each form of the result.
        tree = yaql_language.parse(text)
        return tree(utils.NO_VALUE, yaql_language._context(context, scope), yaql_language._engine())

    try:
        return "value", repr(plain(once())), str(unbox(once()))
    except Exception:
        return "error", None, None


def by_closure(text: str, context: Any, scope: Scope) -> tuple[str, Any, Any]:
    closure = compile_fast(yaql_language.parse(text))
    if closure is None:
        return "not fast", None, None
    try:
        value = closure(context, Call(context, scope))
        return "value", repr(plain(value)), str(unbox(value))
    except Exception:
        return "left to the library", None, None


def compare(text: str, context: Any, data: Any) -> str:
    before = copy.deepcopy(context)
    fast = by_closure(text, context, Scope(data))
    assert repr(context) == repr(before)
    if fast[0] == "value":
        assert fast == by_library(text, context, Scope(data))
    return fast[0]


@settings(max_examples=500, deadline=None)
@given(text=EXPRESSIONS, context=CONTEXTS, data=DATA)
def test_a_closure_that_answers_answers_as_the_library(text, context, data):
    compare(text, context, data)


NUMBERS = st.integers(-7, 7) | st.sampled_from([0.0, -0.5, 2.5, 1e308, 10**20])
TEXTS = st.sampled_from(["", "a", "ab", "b", "1"])
PAIRS = st.tuples(NUMBERS, NUMBERS) | st.tuples(TEXTS, TEXTS) | st.tuples(LEAVES, LEAVES | st.lists(LEAVES, max_size=2))


@pytest.mark.parametrize("operator", BINARY)
@settings(max_examples=40, deadline=None)
@given(pair=PAIRS)
def test_an_operator_on_every_pair_of_kinds(operator, pair):
    compare(f"$.a {operator} $.b", {"a": pair[0], "b": pair[1]}, None)


@pytest.mark.parametrize("form", ["str($.a)", "int($.a)", "float($.a)", "bool($.a)", "len($.a)", "not $.a", "-($.a)"])
@settings(max_examples=40, deadline=None)
@given(value=LEAVES | DATA)
def test_a_conversion_of_every_kind(form, value):
    compare(form, {"a": value}, None)


SAMPLE = {
    "n": 2,
    "f": 1.5,
    "s": "abc",
    "none": None,
    "rows": [{"k": 1, "on": True}, {"k": 2, "on": False}],
    "d": {"x": [1, {"y": "z"}]},
    "__env": {"e": 1},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$.n + 1", 3),
        ("7 / 2", 3),
        ("-7 / 2", -4),
        ("7 / 2.0", 3.5),
        ("-7 mod 3", 2),
        ("$.s + '-' + str($.n)", "abc-2"),
        ("str(null) + str(true)", "nulltrue"),
        ("$.d.x[1].y", "z"),
        ("$.d[x][0]", 1),
        ("$.n > 1 and not $.none", True),
        ("$.none or $.s", "abc"),
        ("$.none = null", True),
        ("1 = true", True),
        ("$.s in [abc, d]", True),
        ("b in $.s", True),
        ("len($.rows) + $.s.len() + $.len()", 12),
        ("$.rows.k", [1, 2]),
        ("$.rows.where($.on).select($.k).first()", 1),
        ("$.rows.where($.k > 1).len()", 1),
        ("$.d.get(zz, 4)", 4),
        ("{a => $.n, b => [1, $.s]}", {"a": 2, "b": [1, "abc"]}),
        ("dict(ids => $.rows.select($.k))", {"ids": [1, 2]}),
        ("task(x).result.y", 1),
        ("task().name", "me"),
        ("env().e", 1),
        ("$__env.e", 1),
        ("global(g)[1].a", 2),
        ("execution().id", "e1"),
        ("-($.n)", -2),
    ],
)
def test_the_common_forms_are_answered_by_closures(text, expected):
    scope = Scope({"y": 1})
    assert by_closure(text, SAMPLE, scope)[:2] == ("value", repr(expected))
    assert by_library(text, SAMPLE, scope)[:2] == ("value", repr(expected))


@pytest.mark.parametrize(
    "text",
    ["$.zz", "$.n.x", "$.none.x", "1 / 0", "$.s + 1", "$.none + 1", "$.rows[5]", "$.s < 1", "[].first()", "int($.s)"],
)
def test_errors_are_left_to_the_library(text):
    assert by_closure(text, SAMPLE, Scope(None))[0] == "left to the library"
    assert by_library(text, SAMPLE, Scope(None))[0] == "error"


@pytest.mark.parametrize("text", ["$.d = $.d", "$.rows + $.rows", "$.none > 1", "$.n in {a => 1}", "true + 1"])
def test_operands_with_subtle_rules_are_left_to_the_library(text):
    assert by_closure(text, SAMPLE, Scope(None))[0] == "left to the library"


def test_an_iterator_is_used_up_as_in_the_library():
    text = "[$.rows.select($.k)].select([$.len(), $.len()])"
    assert by_closure(text, SAMPLE, Scope(None))[0] != "value"
    nested = "$.d.select($.where($ > 0)).select([$.len(), $.len()])"
    assert by_closure(nested, {"d": [[1], [2, 3]]}, Scope(None))[0] != "value"
    assert compare("$.rows.select($.k).select([$, $])", SAMPLE, None) == "value"
