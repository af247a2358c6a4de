"""No expression, however it is made, takes much more time or memory than it may; and none gets at anything."""

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Any

import attacks
import pytest
from jinja2.defaults import DEFAULT_FILTERS as FILTERS

from mistralish.expressions import EvaluationError, GrammarError, budget, compile_value, validate
from mistralish.expressions.sandbox import process, worker

SECONDS = 0.1
WALL = 2.0  # seconds that a cut-off may take on a machine that is busy; it should take twice SECONDS at the most


class Scope:
    """A workflow with a thousand tasks. ``project``: who pays, another for each test."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.rows = [{"k": n, "v": "t" * 100} for n in range(1000)]

    def task(self, name: str | None) -> dict[str, Any]:
        return {"name": name, "result": self.rows}

    def tasks(self, *asked: Any) -> list[dict[str, Any]]:
        return self.rows


@pytest.fixture(autouse=True)
def little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations may take SECONDS only, so that these tests are quick; the processes wait for them already."""
    compile_value("<% $.keys() %>").evaluate({})
    monkeypatch.setattr(budget, "seconds", SECONDS)


def cut_off(text: str, project: str) -> str:
    """Evaluate a hostile expression; return what the error says, which must come in time."""
    start = time.monotonic()
    with pytest.raises(EvaluationError) as caught:
        compile_value(text).evaluate({"secret": "hunter2"}, Scope(project))
    assert time.monotonic() - start < WALL
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value)) < 2_000
    return caught.value.reason


@pytest.mark.parametrize("name", attacks.YAQL)
def test_hostile_yaql_is_cut_off(name):
    assert cut_off(f"<% {attacks.YAQL[name]} %>", f"yaql {name}")


@pytest.mark.parametrize("name", attacks.JINJA)
def test_hostile_jinja_is_cut_off(name):
    assert cut_off(attacks.JINJA[name], f"jinja {name}")


@pytest.mark.parametrize("text", ["<% range(1000000).select(range(1000000)) %>", "{{ ('(a+)+$' * 9) * 99999 * 9 }}"])
def test_the_next_evaluation_is_not_the_worse_for_it(text):
    cut_off(text, f"next {text}")
    assert compile_value("<% $.keys() %>").evaluate({"a": 1}) == ["a"]


def test_the_message_says_what_happened_and_what_to_do():
    reason = cut_off("<% range(1000000).select(range(1000000).select($)) %>", "message")
    assert reason == (
        "it took longer than 0.1 s and was cut off: make it simpler, let it go over fewer elements, "
        "or do the work in an action"
    )


@pytest.mark.parametrize(
    "text",
    [
        *("<% " + "(" * 100_000 + "1" + ")" * 100_000 + " %>", "<% 1" + "+1" * 1_000_000 + " %>"),
        "{{ _" + ".a" * 100_000 + " }}",
        *("{{ " + "(" * 100_000 + "1" + ")" * 100_000 + " }}", "{{ 1" + "+1" * 1_000_000 + " }}", "{{1}}" * 300_000),
        *("{{ '%1000000000d' % 1 }}", "{{ 'a' | center(10000000000) }}", "{% if 1 %}" * 9_000 + "{% endif %}" * 9_000),
    ],
    ids=lambda text: text[:10],
)
def test_reading_a_hostile_text_is_bounded(text):
    start = time.monotonic()
    try:
        validate(text)
    except GrammarError as error:
        assert len(str(error)) < 2_000  # noqa: PT017 - it may be valid, and just not be computed
    assert time.monotonic() - start < WALL


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"s": "x" * 1_000_000}, {str(n): "<% $.s %>" for n in range(1000)}),
        ({"s": "x" * 1_000_000}, "<% $.s %> " * 1000),
        ({"l": [0] * 100_000}, ["{{ _.l }}"] * 1000),
        ({"l": [0] * 100_000}, "<% [" + "$.l, " * 300 + "1] %>"),
        ({"l": [0] * 1000}, "<% $.l" + ".select([$, $, $, $, $, $, $, $])" * 5 + " %>"),
        ({"l": ["x" * 1000] * 1000}, "<% $.l" + ".select([$, $])" * 40 + " %>"),
        ({"s": "x" * 90_000}, "<% " + "$.s + " * 900 + "'' %>"),
        ({"n": 10**4000}, "<% " + "$.n * " * 300 + "1 %>"),
    ],
)
def test_many_quick_expressions_together_are_bounded(data, value):
    start = time.monotonic()
    with pytest.raises(Exception, match=r"large|long|memory|limit|nested") as caught:
        compile_value(value).evaluate(data, Scope(str(value)[:80]))
    assert type(caught.value).__module__.startswith("mistralish")
    assert time.monotonic() - start < WALL


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ _.__class__ }}",
        "{{ (''|attr('__class__')) }}",
        "{{ ['']|map(attribute='__class__')|list }}",
        "{{ '{0.__class__}'.format('') }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(_) }}",
        "{{ '{a.__class__}'.format_map({'a': 1}) }}",
        "{{ ('%s' ~ '{0.__class__}')|format('').format('') }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ joiner.__init__.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ lipsum.__globals__.os }}",
        "{{ task.__globals__ }}",
        "{{ uuid.__globals__['uuid'].os.environ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context.environment }}",
        "{% for a in [1] %}{{ loop.__class__ }}{% endfor %}",
        "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{% call m() %}{% endcall %}",
        "{{ range.__self__ }}",
        "{{ dict.mro() }}",
        "{{ ().__getattribute__('__class__') }}",
        "{{ (1).__init_subclass__ }}",
        "{% set x = namespace() %}{{ x.__class__ }}",
        "{{ env().__class__ }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% from 'os' import path %}",
        "{% extends '/etc/passwd' %}",
        "{{ [1]|groupby('__class__')|list }}",
        "{{ [1, 2]|sort(attribute='__class__') }}",
        "{{ [1]|sum(attribute='__class__') }}",
        "{{ _|attr('scope') }}",
        "{{ _._data }}",
        "<% $.__class__ %>",
        "<% ''.__class__ %>",
        "<% call('#get_context_data', ['$'], {}).scope %>",
        "<% call('#operator_.', [$, __class__], {}) %>",
        "<% $.get('x', 1).__init__ %>",
        "<% '{0.__class__}'.format('') %>",
        "<% '{0.__class__.__mro__[1].__subclasses__}'.format($) %>",
        "<% $__context.scope %>",
        "<% let(x => 1).register_function %>",
        "<% open('/etc/passwd') %>",
        "<% env().environ.PATH %>",
    ],
)
def test_nothing_leads_out_of_the_sandbox(text):
    with pytest.raises(EvaluationError):
        compile_value(text).evaluate({"x": 1, "__env": {}}, Scope(text))


def test_a_process_that_evaluates_can_open_nothing():
    """Should code get out of the sandbox of its language, it finds no files, no network and no secrets."""
    child = os.fork()
    if child == 0:
        worker._lock_in()
        try:
            socket.socket()
        except OSError:
            with contextlib.suppress(BaseException):
                Path("/etc/passwd").read_text()
                os._exit(1)
            os._exit(0)
        os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_the_processes_are_not_given_the_environment(monkeypatch):
    monkeypatch.setenv("MISTRALISH_SECRET", "hunter2")
    assert "MISTRALISH_SECRET" not in process._environment(os.environ)


@pytest.mark.parametrize("name", sorted(FILTERS.keys() - {"map", "select", "reject", "selectattr", "rejectattr"}))
def test_every_jinja_filter_works_where_no_file_can_be_opened(name):
    """What a library imports only when it is needed must be there already."""
    for value in ("'a b'", "[1, 2]", "{'a': 1}", "3"):
        try:
            compile_value(f"{{% for x in [1] %}}{{{{ {value} | {name} }}}}{{% endfor %}}").evaluate({})
        except EvaluationError as error:
            assert "open files" not in str(error)  # noqa: PT017 - not every value fits every filter
