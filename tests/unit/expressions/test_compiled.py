"""What is an expression, what it becomes, and what it leaves alone."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mistralish.errors import InputError, UnavailableError, WorkflowError
from mistralish.expressions import EvaluationError, GrammarError, compile_value, validate

CONTEXT = {
    "n": 1,
    "f": 1.5,
    "s": "abc",
    "l": [1, 2, 3],
    "ld": [{"k": 1}, {"k": 2}],
    "d": {"a": {"b": [1, {"c": 2}]}, "x": None},
    "__env": {"e": 1},
    "__execution": {"id": "e1"},
}


def run(value: Any, context: Any = CONTEXT, scope: Any = None) -> Any:
    return compile_value(value).evaluate(context, scope)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<% $.n %>", 1),
        ("<%$.n%>", 1),
        ("<% $.n + 1 %>", 2),
        ("<% $.d %>", {"a": {"b": [1, {"c": 2}]}, "x": None}),
        ("<% $.d.x %>", None),
        ("<% $.ld.k %>", [1, 2]),
        ("<% $missing %>", None),
        ("<% $__env %>", {"e": 1}),
        ("<% $__task_execution %>", None),
        ("<% word %>", "word"),
        ("<% $.l.orderBy(-$) %>", [3, 2, 1]),
        ("<% $.l.groupBy($ mod 2) %>", [[1, [1, 3]], [0, [2]]]),
        ("<% dict(a => [1, {b => 2}]) %>", {"a": [1, {"b": 2}]}),
        ("<% set(1) %>", [1]),
        ("<% range(3) %>", [0, 1, 2]),
        ("<% {1 => 2} %>", {"1": 2}),
        ("<% datetime(2020, 1, 2) %>", "2020-01-02T00:00:00.000000"),
        ("<% $.len() %>", 8),
        ("{{ _.n }}", 1),
        ("{{ _['n'] }}", 1),
        ("{{ _.d }}", {"a": {"b": [1, {"c": 2}]}, "x": None}),
        ("{{ none }}", None),
        ("{{ __env }}", {"e": 1}),
        ("{{ _.l | map('string') }}", ["1", "2", "3"]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ _.s | e }}", "abc"),
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ _ | length }}", 8),
        ("{{ _.get('zz', 3) }}", 3),
    ],
)
def test_a_string_that_is_one_expression_takes_its_value(text, expected):
    result = run(text)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" <% $.n %>", " 1"),
        ("<% $.n %>\n", "1\n"),
        ("<% $.n %><% $.n %>", "11"),
        ("x <% $.d %> <% $.l %> y", "x {'a': {'b': [1, {'c': 2}]}, 'x': None} [1, 2, 3] y"),
        ("x<% $.d.x %>", "xNone"),
        ("x<% set(1) %>", "x{1}"),
        ("x<% $.n = 1 %>", "xTrue"),
        ("one\ntwo <% $.n %>\n", "one\ntwo 1\n"),
        ("{{ _.n }} ", "1 "),
        ("{{ _.n }}\n", "1"),
        ("{{ _.n }}{{ _.s }}", "1abc"),
        ("x {{ _.d }}", "x {'a': {'b': [1, {'c': 2}]}, 'x': None}"),
        ("{{ {'a': {'b': 1}} }}", "{'a': {'b': 1}}"),
        ("{% for i in _.l %}{{ i }}{% endfor %}", "123"),
        ("{% if _.n %}yes{% endif %}", "yes"),
        ("{# note #}{{ _.n }}", "1"),
    ],
)
def test_within_a_string_values_are_printed(text, expected):
    assert run(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "plain", "<% $.n\n %>", "{{ _.n\n }}", "{# note #}", "100 %> <%", "<% open", "{{ open", "$.n", "%>", "}}{{"],
)
def test_what_has_no_expression_on_one_line_is_left_as_it_is(text):
    compiled = compile_value(text)
    assert compiled.constant
    assert compiled.evaluate({}) == text


def test_a_printed_value_is_not_read_as_an_expression_again():
    assert run("<% $.a %> <% $.b %>", {"a": "<% $.b %>", "b": "secret"}) == "<% $.b %> secret"


def test_values_are_evaluated_at_any_depth_and_keys_are_not():
    value = {"<% $.n %>": ["<% $.n %>", {"deep": ({"x": "{{ _.s }}"}, 5)}], "plain": None}
    assert run(value) == {"<% $.n %>": [1, {"deep": [{"x": "abc"}, 5]}], "plain": None}


@pytest.mark.parametrize("value", [None, 5, 1.5, True, "x", [], {}, {"a": [1, "b"]}, ["{{"]])
def test_values_without_expressions_are_constant(value):
    compiled = compile_value(value)
    assert compiled.constant
    assert compiled.evaluate({}) == value


@pytest.mark.parametrize("value", ["<% 1 %>", ["{{ 1 }}"], {"a": {"b": ["x{% if 1 %}{% endif %}"]}}])
def test_values_with_expressions_are_not_constant(value):
    assert not compile_value(value).constant


def test_the_same_text_is_compiled_once():
    assert compile_value("<% $.once + 1 %>") is compile_value("<% $.once + 1 %>")


def test_the_context_may_be_any_value():
    assert run("<% $ %>", [1, {"a": 2}]) == [1, {"a": 2}]
    assert run("<% $.result %>", {"result": 3}) == 3
    assert run("{{ _ }}", "text") == "text"
    assert run("{{ _[0] }}", [7]) == 7
    assert run("<% $ %>", None) is None


class Counting(Mapping[str, Any]):
    """A context that tells which entries were read."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.read: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.read.append(key)
        return self.data[key]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the whole context was walked")

    def __len__(self) -> int:
        return len(self.data)


@pytest.mark.parametrize("text", ["<% $.k7 + 1 %>", "{{ _.k7 + 1 }}", "x <% $.k7 %>", "x {{ _.k7 }}"])
def test_only_what_an_expression_names_is_read(text):
    context = Counting({f"k{i}": i for i in range(10_000)})
    run(text, context)
    assert {key for key in context.read if not key.startswith("__")} == {"k7"}
    assert len(context.read) <= 8


class Deep(dict[str, Any]):
    """A value that must not be converted."""

    def items(self) -> Any:
        raise AssertionError("a value that no one asked for was converted")

    __iter__ = items


def test_values_beside_the_one_asked_for_are_not_converted():
    assert run("<% $.d.a %>", {"d": {"a": 1, "b": Deep(x=1)}}) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ _.l.append(4) }}", None),
        ("{{ _.l.append(4) or _.l }}", [1, 2, 3, 4]),
        ("{% if _.d.update({'z': 1}) %}{% endif %}{{ _.d.z }}", "1"),
        ("{{ _.d.a['b'].clear() }}", None),
        ("{{ (_.l | attr('reverse'))() }}", None),
        ("{% set mine = [] %}{% if mine.append(1) %}{% endif %}{{ mine }}", "[1]"),
        ("{{ task('x').result.append(9) }}", None),
        ("{{ env().update({'q': 1}) }}", None),
    ],
)
def test_jinja_code_that_changes_data_changes_its_own_copy(text, expected):
    class Scope:
        result = {"result": [1]}  # noqa: RUF012

        def task(self, name):
            return self.result

    context = copy.deepcopy(CONTEXT)
    for _ in range(2):
        assert run(text, context, Scope()) == expected
    assert context == CONTEXT
    assert Scope.result == {"result": [1]}


@pytest.mark.parametrize(
    "value", ["<% $.d %>", "{{ _.d }}", "<% $ %>", {"a": [{"b": 1}]}, {"c": [{"b": 1}], "x": "<% 1 %>"}]
)
def test_a_result_can_be_changed_without_changing_anything_else(value):
    def spoil(data):
        for item in data.values() if isinstance(data, dict) else data:
            if isinstance(item, dict | list):
                spoil(item)
        data.clear()

    context = copy.deepcopy(CONTEXT)
    compiled = compile_value(value)
    first = compiled.evaluate(context)
    expected = copy.deepcopy(first)
    spoil(first)
    assert context == CONTEXT
    assert compiled.evaluate(context) == expected


def test_a_variable_wins_over_a_method_of_the_jinja_context():
    assert run("{{ _.items }}", {"items": [1]}) == [1]
    assert run("{{ _.keys() | list }}", {"items": [1]}) == ["items"]


@pytest.mark.parametrize(
    "text",
    [
        "{{ _._data }}",
        "{{ _.scope }}",
        "{{ _.private }}",
        "{{ ''.__class__ }}",
        "{{ self._TemplateReference__context }}",
    ],
)
def test_jinja_code_cannot_reach_the_inside(text, scope):
    with pytest.raises(EvaluationError):
        run(text, CONTEXT, scope)


@pytest.mark.parametrize(
    "text", ["<% timespan(days => 1) %>", "<% regex(a) %>", "<% let(a => 1) %>", "{{ lipsum }}", "{{ _.items }}"]
)
def test_a_result_that_json_cannot_hold_is_an_error_that_says_so(text):
    with pytest.raises(EvaluationError, match="which JSON cannot hold"):
        run(text)


@pytest.mark.parametrize("text", ["<% sequence() %>", "x<% repeat(1) %>", "<% [1].cycle().len() %>"])
def test_an_endless_result_is_an_error(text):
    with pytest.raises(EvaluationError):
        run(text)


@pytest.mark.parametrize(
    "text", ["{{ [0] * 2000000000 }}", "{{ 'x' * 10 ** 12 }}", "{{ 10 ** (10 ** 10) }}", "<% 'x' * 1000000000000 %>"]
)
def test_a_result_that_would_fill_the_memory_is_an_error(text):
    with pytest.raises(EvaluationError, match=r"larger than|too much memory"):
        run(text)


def test_products_and_powers_of_ordinary_size_are_computed():
    assert run("{{ [0] * 3 + [2 ** 10, 2.5 * 2] }}") == [0, 0, 0, 1024, 5.0]
    assert run("{{ 'ab' * 2 }}") == "abab"


def test_a_hundred_thousand_elements_are_ordinary_work():
    assert run("<% range(200000).toList().len() %>") == 200_000
    assert run("<% $.rows.len() %>", {"rows": [{"k": 1}] * 100_000}) == 100_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<% $.missing %>", "Can not evaluate YAQL expression [expression=$.missing, error='missing']"),
        (
            "<% $.s + 1 %>",
            "Can not evaluate YAQL expression [expression=$.s + 1, "
            'error=No function "#operator_+" matches supplied arguments]',
        ),
        (
            "<% $.n.y %>",
            'Can not evaluate YAQL expression [expression=$.n.y, error=Unknown function "#property#y"]',
        ),
        (
            "<% $.n + %>",
            "Can not evaluate YAQL expression [expression=$.n +, error=Parse error: unexpected end of statement]",
        ),
        (
            "{{ _.missing }}",
            "Can not evaluate Jinja expression [expression={{ _.missing }}, error='_' has no attribute 'missing']",
        ),
        (
            "a {{ missing }}",
            "Can not evaluate Jinja expression [expression=a {{ missing }}, error='missing' is undefined]",
        ),
        (
            "{{ _.n | zz }}",
            "Can not evaluate Jinja expression [expression={{ _.n | zz }}, error=No filter named 'zz'.]",
        ),
    ],
)
def test_errors_read_as_the_references(text, message):
    with pytest.raises(EvaluationError) as caught:
        run(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "<% $.nope() %>",
        "<% $.s.toDict($, $) %>",
        "<% int($.s) %>",
        "<% int($.long) %>",
        "<% float($.long) %>",
        "{{ _.long | int(none) + 1 }}",
        "{% for a in [1] %}{{ '%d' % _.long }}{% endfor %}",
        "<% $.d.get($.s).x %>",
        "<% $.d[$.s + '2'] %>",
        "{{ _.d[_.s ~ '2'] }}",
        "{{ _.s | int(none) + _.d }}",
        "{{ json_parse(_.s) }}",
        "<% yaml_parse($.y) %>",
        "<% $.d.foo.bar($.s) %>",
    ],
)
def test_errors_never_tell_the_data(text):
    context = {"s": "hunter2", "y": "a: b: hunter2", "d": {"hunter2": None, "foo": ["hunter2"]}}
    context["long"] = "hunter2" * 1000
    with pytest.raises(EvaluationError) as caught:
        run(text, context)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_store_that_cannot_answer_is_not_the_expressions_fault():
    class Scope:
        def task(self, name):
            raise UnavailableError("the database does not answer")

    for text in ("<% task(x) %>", "{{ task('x') }}"):
        with pytest.raises(UnavailableError):
            run(text, CONTEXT, Scope())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<% $.a b %>", "unexpected 'b' at position 5"),
        ("x <% %>", "unexpected end of statement"),
        ("<% 1 %> <% $.__env %>", "illegal character '_'"),
        ("{{ _.n + }}", "Syntax error 'unexpected 'end of print statement''"),
        ("one\n{{ }}", "line=2"),
        ("{% if %}", "Syntax error"),
        ("<% $.n %> {{ _.n }}", "Mixing expression types in a single line is not allowed"),
    ],
)
@pytest.mark.parametrize("shape", [lambda t: t, lambda t: [1, t], lambda t: {"a": "b", "k": t}])
def test_a_malformed_expression_is_refused_with_its_place(text, message, shape):
    with pytest.raises(GrammarError) as caught:
        validate(shape(text))
    assert message in str(caught.value)
    assert str(caught.value).endswith("]")


@pytest.mark.parametrize(
    "value", ["plain", "<% $.a %> b <% $.c %>", "{{ _.x | nofilter }}", 5, None, {"a": {"b": "<% + %>"}}]
)
def test_what_the_reference_accepts_is_accepted(value):
    validate(value)


def test_the_errors_are_of_the_kinds_their_callers_expect():
    assert issubclass(GrammarError, InputError)
    assert issubclass(EvaluationError, WorkflowError)


def test_a_line_of_unclosed_openings_is_read_in_linear_time():
    validate("<%" * 200_000 + "{{" * 200_000)
