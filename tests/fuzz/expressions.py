"""Expressions: any text is well formed or refused; evaluated, it has JSON for a value or fails plainly, soon."""

import itertools
import json
from typing import Any

from fuzz.search import Target, settled
from hypothesis import strategies as st

from mistralish.expressions import compile_value, validate

_CONTEXT = {"x": 1, "s": "text é", "l": [3, 1, 2], "d": {"a": {"b": [None, True]}}, "n": None, "f": 1.5, "": 0}

_COMMON = [
    *("(", ")", "[", "]", "{", "}", ",", ".", " ", "'", '"', "\\", "`", "|", "?", ":", ";", "!", "#", "\n", "\0", "é"),
    *("+", "-", "*", "/", "%", "=", "!=", "<", ">", "<=", " and ", " or ", " not ", " in ", "->", "=>", "=~", "**"),
    *("1", "0", "-1", "1.5", "1e400", "9" * 40, "true", "null", "none", "'a'", "'é'", '"%s"', "''", "[]", "{}", "x"),
    *("env()", "task()", "tasks()", "execution()", "global(x)", "uuid()", "json_parse('[1')", "yaml_parse('a: [')"),
    *("<%", "%>", "{{", "}}", "{%", "%}", "{#", "#}"),
]
_YAQL = [
    *("$", "$.x", "$.l", "$.d.a.b", "$.nope", "$.s", "$1", "$.d?.z", "$.l[0]", "$.l[-9]", "$.d[a]", ".len()", ".len("),
    *(
        ".select($)",
        ".where($ > 1)",
        ".orderBy($)",
        ".toDict($, $)",
        ".flatten()",
        ".first()",
        ".groupBy($)",
        ".keys()",
    ),
    *("range(5)", "range(", "let(a => 1) -> $a", "def(f, f($)) -> f(1)", "switch($.x = 1 => 2)", "regex('(')", "str("),
    *("dict(a => 1)", "list(1, 2)", "int('x')", "datetime('x')", "now()", ".matches('(a+)+$')", "format('{0}', 1)"),
    *("generate(0, true, $ + 1)", ".aggregate($1 + $2)", " mod ", " is ", "pow(9, 9999)", "call('len', [1], {})", "$$"),
    *(
        "with(1)",
        ".join(',')",
        ".split(',')",
        ".mergeWith({})",
        "coalesce(null, 1)",
        "isString(",
        "lambda(",
        "@",
        "$__",
    ),
]
_JINJA = [
    *("_", "_.x", "_.l", "_.d.a.b", "_.nope.x", "_['s']", "_.l[0]", "_.d.items()", "loop.index", "self", "varargs"),
    *(" | length", " | sort", " | join(',')", " | tojson", " | map('upper')", " | nope", " | int", " | round('x')"),
    *(
        "{% for i in _.l %}",
        "{% endfor %}",
        "{% if _.x %}",
        "{% else %}",
        "{% endif %}",
        "{% set a = 1 %}",
        "{% raw %}",
    ),
    *(
        "{% endraw %}",
        "{% macro m() %}",
        "{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% block a %}",
    ),
    *(
        "{% endblock %}",
        "{% extends 'x' %}",
        "{% filter upper %}",
        "{% endfilter %}",
        "{% call m() %}",
        "{% with a=1 %}",
    ),
    *("''.__class__", "().__class__.__mro__", "range(9)", "dict(a=1)", "namespace()", "cycler(1)", "lipsum()", "~"),
    *(
        " is defined",
        " is nope",
        " if 1 else 2",
        "loop.cycle()",
        "joiner()",
        "{{ _.x }}",
        "{{- ",
        " -}}",
        "{%- ",
        "+%}",
    ),
]


def _texts(pieces: list[str], begin: str, end: str) -> st.SearchStrategy[str]:
    inside = st.lists(
        st.one_of(*[st.sampled_from(pieces)] * 2, st.sampled_from(_COMMON), st.text(max_size=3)), max_size=8
    )
    return inside.map(lambda parts: f"{begin}{''.join(parts)}{end}")


_deep = st.builds(
    lambda shape, n, end: shape[0] + shape[1] * n + "1" + shape[2] * n + end,
    st.sampled_from([("<% ", "(", ")"), ("<% ", "[", "]"), ("<% ", "-", ""), ("<% ", "not ", ""), ("<% 1", " + 1", "")])
    | st.sampled_from(
        [("<% ", "len(", ")"), ("<% $", ".a", ""), ("<% ", "'a' + ", ""), ("{{ ", "(", ")"), ("{{ ", "{a:", "}")]
    )
    | st.sampled_from(
        [("{{ ", "-", ""), ("{{ 1", " + 1", ""), ("{{ _", ".a", ""), ("{{ ", "not ", ""), ("{{ 1", "|string", "")]
    )
    | st.sampled_from(
        [("{% for i in _.l %}", "{% if 1 %}", "{% endif %}"), ("", "<% 1 %> ", ""), ("", "{{ 1 }} ", "")]
    ),
    st.sampled_from([1, 5, 50, 500, 3000, 30_000]),
    st.sampled_from([" %>", " }}", "", "{% endfor %}"]),
)
_one = st.one_of(
    *[_texts(_YAQL, "<% ", " %>"), _texts(_JINJA, "{{ ", " }}"), _texts(_JINJA, "", "{{ 1 }}")] * 3,
    _texts([*_YAQL, *_JINJA], "a ", " b"),
    st.text(max_size=30),
    _deep,
)
_values = st.one_of(
    _one, _one, _one, st.lists(_one, max_size=3), st.dictionaries(st.sampled_from("abc"), _one, max_size=3)
)
_numbers = itertools.count()


class _Project:
    """A scope of a project that has spent nothing yet; there is no execution."""

    def __init__(self) -> None:
        self.project = f"project {next(_numbers)}"

    def env(self) -> dict[str, Any]:
        return {"a": 1}

    def task(self, name: str | None) -> dict[str, Any] | None:
        return None

    def tasks(self, *_: Any) -> list[dict[str, Any]]:
        return []

    def execution(self) -> dict[str, Any]:
        return {"id": "an id"}

    def executions(self, *_: Any) -> list[dict[str, Any]]:
        return []

    def global_(self, name: str) -> Any:
        return None


def _evaluate(value: Any) -> str:
    before = json.dumps(_CONTEXT)
    words = (settled(validate, value), settled(_value, value))
    assert json.dumps(_CONTEXT) == before, "the context has changed"
    return " then ".join(words)


def _value(value: Any) -> None:
    json.dumps(compile_value(value).evaluate(_CONTEXT, _Project()))


EXPRESSIONS = Target("expressions", _values, _evaluate)
