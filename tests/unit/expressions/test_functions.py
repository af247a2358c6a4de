"""Every function, in both languages."""

import uuid
from typing import Any

import pytest

from mistralish.expressions import EvaluationError, compile_value

CONTEXT = {
    "n": 1,
    "l": [1, {"b": "x"}],
    "d": {"b": [1, {"c": 2}], "a": None},
    "__env": {"e": 1},
    "__execution": {"id": "e1"},
    "__task_execution": {"id": "t1", "name": "current"},
}


def both(yaql: str, jinja: str) -> Any:
    return pytest.mark.parametrize("text", [f"<% {yaql} %>", f"{{{{ {jinja} }}}}"], ids=["yaql", "jinja"])


def run(text: Any, scope: Any = None, context: Any = CONTEXT) -> Any:
    return compile_value(text).evaluate(context, scope)


@both("task().name", "task().name")
def test_task_without_a_name_is_the_current_one(text, scope):
    assert run(text, scope) == "current"


@both("task(x).result.ids[1]", "task('x').result.ids[1]")
def test_task_result_can_be_walked(text, scope):
    assert run(text, scope) == 2
    assert scope.asked == [("task", "x")]


@both("task(x).result", "task('x').result")
def test_task_result_comes_whole(text, scope):
    assert run(text, scope) == {"ids": [1, 2], "rows": [{"k": 1}, {"k": 2}]}


@both("task(nowhere)", "task('nowhere')")
def test_a_task_that_is_not_there_is_null(text, scope):
    assert run(text, scope) is None


@both("task(nowhere).result", "task('nowhere').result")
def test_the_result_of_a_task_that_is_not_there_is_an_error(text, scope):
    with pytest.raises(EvaluationError):
        run(text, scope)


@both("tasks(e7, true, ERROR, true).name", "tasks('e7', True, 'ERROR', True) | map(attribute='name')")
def test_tasks_passes_all_that_is_asked_in_order(text, scope):
    assert run(text, scope) == ["a", "b"]
    assert scope.asked == [("tasks", "e7", True, "ERROR", True)]


@both(
    "tasks(workflowExecutionId => e7, flat => true).len()",
    "tasks(workflow_execution_id='e7', flat=true) | length",
)
def test_tasks_takes_arguments_by_name(text, scope):
    assert run(text, scope) == 2
    assert scope.asked == [("tasks", "e7", False, None, True)]


@both("execution().input.n", "execution().input.n")
def test_execution_is_the_current_one(text, scope):
    assert run(text, scope) == 1


@both(
    "executions(rootExecutionId => r, fromTime => a, toTime => b).id",
    "executions(root_execution_id='r', from_time='a', to_time='b') | map(attribute='id') | list",
)
def test_executions_takes_filters_by_name(text, scope):
    assert run(text, scope) == ["e1", "e2"]
    assert scope.asked == [("executions", None, "r", None, "a", "b")]


@both("env().e", "env().e")
def test_env_is_the_environment_in_the_context(text):
    assert run(text) == 1


@both("env().region", "env().region")
def test_env_is_the_scopes_where_the_context_has_none(text, scope):
    assert run(text, scope, {"n": 1}) == "north"


@both("env()", "env()")
def test_env_is_null_where_there_is_none(text):
    assert run(text, None, {"n": 1}) is None


@both("[global(g), global(h)]", "[global('g'), global('h')]")
def test_global_is_what_was_published_or_null(text, scope):
    assert run(text, scope) == [[1], None]


@both("uuid()", "uuid()")
def test_uuid_is_a_new_random_uuid_each_time(text):
    first, second = run(text), run(text)
    assert uuid.UUID(first).version == 4
    assert first != second


@both("json_dump($.d)", "json_dump(_.d)")
def test_json_dump_is_indented_json(text):
    assert run(text) == (
        '{\n    "b": [\n        1,\n        {\n            "c": 2\n        }\n    ],\n    "a": null\n}'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<% json_dump($.l.select(1)) %>", "[\n    1,\n    1\n]"),
        ("<% json_dump(set(1)) %>", "[\n    1\n]"),
        ("<% json_dump(datetime(2020, 1, 2)) %>", '"2020-01-02T00:00:00.000000"'),
        ("<% yaml_dump($.l.select(1)) %>", "- 1\n- 1\n"),
        ("<% yaml_dump(1) %>", "1\n...\n"),
    ],
)
def test_dumps_take_what_yaql_makes(text, expected):
    assert run(text) == expected


@both("json_parse('{\"a\": [1, null]}').a", "json_parse('{\"a\": [1, null]}').a")
def test_json_parse_reads_json(text):
    assert run(text) == [1, None]


@both("yaml_dump($.d)", "yaml_dump(_.d)")
def test_yaml_dump_is_block_style_with_sorted_keys(text):
    assert run(text) == "a: null\nb:\n- 1\n- c: 2\n"


@both("yaml_dump([$.l, $.l])", "yaml_dump([_.l, _.l])")
def test_yaml_dump_writes_no_anchors(text):
    assert run(text) == "- - 1\n  - b: x\n- - 1\n  - b: x\n"


@both("yaml_parse('a: [1, 2]').a", "yaml_parse('a: [1, 2]').a")
def test_yaml_parse_reads_yaml(text):
    assert run(text) == [1, 2]


@both("yaml_parse('[&a x, *a, @b]')", "yaml_parse('[&a x, *a, @b]')")
def test_yaml_parse_takes_anchors_and_aliases_as_text(text):
    assert run(text) == ["&a x", "*a", "@b"]


@both("yaml_parse('!!python/object:os.system {}')", "yaml_parse('!!python/object:os.system {}')")
def test_yaml_parse_refuses_tags(text):
    with pytest.raises(EvaluationError, match="not YAML"):
        run(text)


@pytest.mark.parametrize("name", ["task('x')", "tasks()", "execution()", "executions()", "global('x')"])
@pytest.mark.parametrize("text", ["<% {} %>", "{{{{ {} }}}}"])
def test_functions_that_need_a_workflow_say_so_without_one(name, text):
    with pytest.raises(EvaluationError, match=r"\(\) can only be used within a running workflow"):
        run(text.format(name))


@pytest.mark.parametrize("text", ["{{ _ | env }}", "{{ _ | task('x') | length }}", "{{ '' | uuid | length }}"])
def test_functions_are_jinja_filters_of_the_context(text, scope):
    assert run(text, scope) in ({"e": 1}, 3, 36)


@both("shout($.n, b => 2)", "shout(_.n, b=2)")
def test_a_plug_in_is_called_with_the_context_first(text, scope, plug_in):
    seen = []

    def shout(context, a, b=None):
        seen.append([context[name] for name in ("__env", "__execution", "__task_execution")])
        return {"sum": a + b}

    plug_in(shout=shout)
    assert run(text, scope) == {"sum": 3}
    assert seen == [[{"e": 1}, {"id": "e1"}, {"id": "t1", "name": "current"}]]


@both("many(1, 2, 3)", "many(1, 2, 3)")
def test_a_plug_in_may_take_any_number_of_arguments(text, plug_in):
    plug_in(many=lambda context, *args: sum(args))
    assert run(text) == 6


@both("uuid()", "uuid()")
def test_a_plug_in_does_not_replace_a_standard_function(text, plug_in):
    plug_in(uuid=lambda context=None: "mine")
    assert run(text) != "mine"


@both("leak($.secret)", "leak(_.secret)")
def test_what_a_plug_in_raises_is_an_evaluation_error_without_the_quoted_data(text, plug_in):
    def leak(context, value):
        raise ValueError(f"bad value {value!r}")

    plug_in(leak=leak)
    with pytest.raises(EvaluationError, match="bad value") as caught:
        run(text, None, {"secret": "hunter2"})
    assert "hunter2" not in str(caught.value)
