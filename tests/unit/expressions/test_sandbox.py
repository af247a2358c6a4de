"""The processes that evaluate come and go without anybody's noticing."""

import os
import signal
import threading

import pytest

from mistralish.expressions import compile_value, sandbox
from mistralish.expressions.sandbox import FailedError, Question

SLOW = "<% $.keys().orderBy($) %>"


def ask(text: str, context: object) -> object:
    return sandbox.evaluate(Question("YAQL", text, False, context, None))


def test_many_threads_evaluate_at_the_same_time():
    wrong: list[int] = []

    def work(number: int) -> None:
        for n in range(50):
            if compile_value(SLOW).evaluate({f"k{number}": n, "a": 1}) != ["a", f"k{number}"]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)


def test_a_parent_that_was_killed_is_replaced():
    compile_value(SLOW).evaluate({"a": 1})
    parent = sandbox._pool._parent
    assert parent is not None
    os.kill(parent._process.pid, signal.SIGKILL)
    parent._process.wait()
    for process in sandbox._pool._idle:
        process.close()
    sandbox._pool._idle.clear()
    assert compile_value(SLOW).evaluate({"a": 1}) == ["a"]


def test_after_a_stop_it_starts_again():
    sandbox.stop()
    assert compile_value(SLOW).evaluate({"b": 1}) == ["b"]


def test_variables_that_the_text_does_not_name_can_be_read_too():
    context = {"region": {"x": [1, 2]}, "other": "o"}
    assert ask("$.get('reg' + 'ion')", context) == {"x": [1, 2]}
    assert ask("$.items().len()", context) == 2
    assert ask("$", context) == context


@pytest.mark.parametrize(
    "value", [1 << 70, -0.0, 1e308, "\ud800", "é\U0001f600", [], {}, None, True, {"a": [{"b": None}]}]
)
def test_values_go_there_and_back_unchanged(value):
    back = ask("$.v", {"v": value})
    assert back == value
    assert type(back) is type(value)


def test_one_evaluation_leaves_nothing_for_the_next():
    compile_value("{% set x = _.l.append('mine') %}{{ _.l }}").evaluate({"l": []})
    assert compile_value("{% for i in [1] %}{{ _.l }}{% endfor %}").evaluate({"l": []}) == "[]"
    ask("let(x => mine) -> $x", {})
    with pytest.raises(FailedError):
        ask("$x.y", {})
