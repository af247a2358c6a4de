"""Every refusal of a definition names line and column, and says what would be right."""

import textwrap

import pytest

from mistralish.errors import InputError
from mistralish.lang import LanguageError, parse_actions, parse_workbook, parse_workflows


def refused(parse, text: str) -> LanguageError:
    with pytest.raises(LanguageError) as caught:
        parse(text)
    error = caught.value
    assert isinstance(error, InputError)
    assert error.status == 400
    assert error.line is not None
    assert error.column is not None
    assert str(error) == error.message
    assert str(error).startswith(f"line {error.line}, column {error.column}: {error.problem}")
    return error


def refused_task(body: str, kind: str = "direct") -> LanguageError:
    """The error for task t1 with this body, which begins in line 6, column 7, beside a task t2."""
    indented = textwrap.indent(body, " " * 6)
    return refused(
        parse_workflows, f"version: '2.0'\nwf:\n  type: {kind}\n  tasks:\n    t1:\n{indented}\n    t2: {{action: a}}\n"
    )


TASKS = [
    ("on-sucess: t2", 6, 7, "did you mean 'on-success'?"),
    ("acton: std.noop", 6, 7, "did you mean 'action'?"),
    ("requires: t2", 6, 7, "type: reverse"),
    ("on-success: tt2", 6, 19, "did you mean 't2'? known tasks and commands: 't1', 't2', 'fail'"),
    ("on-success:\n  - t2\n  - t4: <% 1 %>", 8, 11, "unknown task 't4' in 'on-success' of task 't1'"),
    ("on-error: {next: [t2, nix]}", 6, 29, "unknown task 'nix'"),
    ("on-success: []", 6, 19, "at least one item"),
    ("on-success: ['']", 6, 20, "write a task"),
    ("on-success: [t2, t2]", 6, 24, "line 6, column 20"),
    ("on-success: [t2, 5]", 6, 24, "not the number 5"),
    ("on-success: null", 6, 19, "nothing (null)"),
    ("on-success: two words", 6, 19, "no task or command"),
    ("on-success: fail(msg='x')", 6, 19, "write it with a blank: fail msg='x'"),
    ("on-success: [{t2: <% 1 %>, t1: <% 2 %>}]", 6, 20, "start a list item"),
    ("on-success: [{t2: yes please}]", 6, 25, "must be an expression"),
    ("on-success: {publish: {v: 1}}", 6, 30, "'branch', 'global' or 'atomic'"),
    ("on-success: {publish: {}}", 6, 29, "'branch', 'global' or 'atomic'"),
    ("on-success: {next: t2, more: 1}", 6, 30, "known keys: 'publish', 'next'"),
    ("action: a\nworkflow: b", 7, 7, "one or the other"),
    ("action: ''", 6, 15, "not empty"),
    ("action: {a: 1}", 6, 15, "not a mapping"),
    ("action: null", 6, 15, "nothing (null)"),
    ("action: '- x=1'", 6, 15, "start with a name"),
    ("action: std.echo a=1\ninput: <% $.x %>", 7, 14, "use one of the two"),
    ("input: {}", 6, 14, "at least one key"),
    ("input: [a]", 6, 14, "must be a mapping, not a list"),
    ("input: {1: x}", 6, 15, 'write "1"'),
    ("input: {on: x}", 6, 15, "YAML reads on, off"),
    ("publish: {a: 2015-01-01}", 6, 20, "quote it"),
    ("publish: x", 6, 16, "must be a mapping"),
    ("with-items: x", 6, 19, "write 'i in <% $.list %>'"),
    ("with-items: i in [1,,2]", 6, 19, "no JSON"),
    ("with-items: [i in <% 1 %>, 3]", 6, 34, "not the number 3"),
    ("timeout: -1", 6, 16, "whole number of 0 or more"),
    ("timeout: 1.5", 6, 16, "not the number 1.5"),
    ("wait-before: '3'", 6, 20, "not the text '3'"),
    ("wait-after: true", 6, 19, "not the boolean true"),
    ("concurrency: [1]", 6, 20, "not a list"),
    ("pause-before: 1", 6, 21, "true, false"),
    ("fail-on: maybe", 6, 16, "true, false"),
    ("keep-result: maybe", 6, 20, "true, false"),
    ("safe-rerun: 0", 6, 19, "true, false"),
    ("retry: {count: 1}", 6, 14, "no 'delay'"),
    ("retry: count=1", 6, 14, "no 'count'"),
    ("retry: {count: 1, delay: 2, brake-on: <% 1 %>}", 6, 35, "did you mean 'break-on'?"),
    ("retry: {count: 1, delay: 2, break-on: true}", 6, 45, "must be an expression"),
    ("join: 2.5", 6, 13, "'all', 'one' or a whole number"),
    ("join: many", 6, 13, "'all', 'one' or a whole number"),
    ("join: all", 6, 13, "at least 1 must have it in an on-* clause"),
    ("join: 2\naction: a", 6, 13, "0 tasks lead to it: at least 2"),
    ("tags: a", 6, 13, "a list"),
    ("tags: [a, a]", 6, 17, "the same item twice"),
    ("description: ''", 6, 20, "not empty"),
    ("target: 5", 6, 15, "not the number 5"),
]


@pytest.mark.parametrize(("body", "line", "column", "says"), TASKS, ids=[body for body, *_ in TASKS])
def test_a_wrong_task_is_refused_at_its_place(body, line, column, says):
    error = refused_task(body)
    assert (error.line, error.column) == (line, column), str(error)
    assert says in str(error)


@pytest.mark.parametrize(
    "body",
    [
        "action: std.echo output=<% * %>",
        "input: {a: <% * %>}",
        "publish: {a: '{{ * }}'}",
        "publish-on-error: {a: <% * %>}",
        "publish-on-skip: {a: <% * %>}",
        "timeout: <% * %>",
        "fail-on: <% * %>",
        "keep-result: <% * %>",
        "safe-rerun: <% * %>",
        "retry: count=1 delay=<% * %>",
        "retry: {count: 1, delay: 1, break-on: <% * %>}",
        "with-items: i in <% * %>",
        "on-success: [{t2: <% * %>}]",
        "on-success: {publish: {branch: {a: <% * %>}}}",
        "input: {a: '<% 1 %> and {{ 2 }}'}",
    ],
)
def test_a_wrong_expression_is_refused_at_its_place(body):
    error = refused_task(body)
    assert error.line == 6
    assert error.column > 7


@pytest.mark.parametrize("body", ["on-success: t2", "join: all", "on-complete: [t2]"])
def test_a_reverse_task_has_no_transitions(body):
    error = refused_task(body, "reverse")
    assert (error.line, error.column) == (6, 7)
    assert "'type: direct'" in str(error)


def test_unknown_and_empty_requirements_are_refused():
    error = refused_task("requires: [t2, t3]", "reverse")
    assert (error.line, error.column) == (6, 22)
    assert "known tasks: 't1', 't2'" in str(error)
    assert "a list with at least one text" in str(refused_task("requires: []", "reverse"))


HEAD = "version: '2.0'\n"
WORKFLOWS = [
    ("", 1, 1, "empty"),
    ("just text", 1, 1, "must be a mapping"),
    ("wf: {tasks: {t1: {action: a}}}", 1, 1, "version: '2.0'"),
    ("version: null\nwf: {tasks: {t1: {action: a}}}", 1, 10, "version: '2.0'"),
    ("version: '2.0'", 1, 1, "no workflow"),
    (HEAD + "wf:", 2, 4, "nothing (null)"),
    (HEAD + "wf: {}", 2, 5, "at least one key"),
    (HEAD + "wf: {task: {}}", 2, 1, "did you mean 'task'?"),
    (HEAD + "wf: {tasks: {}}", 2, 13, "at least one task"),
    (HEAD + "wf: {tasks: [t1]}", 2, 13, "not a list"),
    (HEAD + "wf: {tasks: {t1: {}}}", 2, 18, "at least one key"),
    (HEAD + "wf: {tasks: {t1: a}}", 2, 18, "must be a mapping"),
    (HEAD + "wf: {tasks: {1: {action: a}}}", 2, 14, 'write "1"'),
    (HEAD + "wf: {tasks: {version: {action: a}}}", 2, 14, "reserved"),
    (HEAD + f"wf: {{tasks: {{{'t' * 256}: {{action: a}}}}}}", 2, 14, "at most 255"),
    (HEAD + f"wf: {{tasks: {{a: {{on-success: {'t' * 209}}}, {'t' * 209}: {{join: all}}}}}}", 2, 454, "at most 208"),
    (HEAD + f"{'w' * 256}: {{tasks: {{t1: {{action: a}}}}}}", 2, 1, "at most 255"),
    (HEAD + "my wf: {tasks: {t1: {action: a}}}", 2, 1, "a blank"),
    (HEAD + "12: {tasks: {t1: {action: a}}}", 2, 1, 'write "12"'),
    (HEAD + "b98180ba-48a0-4e26-ab2e-50dc224f6fd1: {tasks: {t1: {action: a}}}", 2, 1, "UUID"),
    (HEAD + "wf: {type: circular, tasks: {t1: {action: a}}}", 2, 12, "'direct' or 'reverse'"),
    (HEAD + "wf: {type: null, tasks: {t1: {action: a}}}", 2, 12, "'direct' or 'reverse'"),
    (HEAD + "wf: {input: a, tasks: {t1: {action: a}}}", 2, 13, "a list of names"),
    (HEAD + "wf: {input: [], tasks: {t1: {action: a}}}", 2, 13, "a list of names"),
    (HEAD + "wf: {input: [a, a], tasks: {t1: {action: a}}}", 2, 17, "the same item twice"),
    (HEAD + "wf: {input: [{a: 1, b: 2}], tasks: {t1: {action: a}}}", 2, 14, "start a new item"),
    (HEAD + "wf: {output: <% 1 %>, tasks: {t1: {action: a}}}", 2, 14, "must be a mapping"),
    (HEAD + "wf: {output: {a: <% * %>}, tasks: {t1: {action: a}}}", 2, 18, "*"),
    (HEAD + "wf: {vars: {}, tasks: {t1: {action: a}}}", 2, 12, "at least one key"),
    (HEAD + "wf: {tags: [], tasks: {t1: {action: a}}}", 2, 12, "at least one text"),
    (HEAD + "wf: {task-defaults: {timeout: x}, tasks: {t1: {action: a}}}", 2, 31, "whole number"),
    (HEAD + "wf: {task-defaults: {join: all}, tasks: {t1: {action: a}}}", 2, 22, "unknown key 'join'"),
    (HEAD + "wf: {task-defaults: {on-error: t9}, tasks: {t1: {action: a}}}", 2, 32, "unknown task 't9'"),
    (HEAD + "wf: {tasks: {a: {on-success: b}, b: {on-error: a}}}", 2, 6, "no task can start first"),
    (HEAD + "wf: {tasks: {a: {action: x}, a: {action: y}}}", 2, 30, "line 2, column 14"),
]


@pytest.mark.parametrize(("text", "line", "column", "says"), WORKFLOWS, ids=[text[:60] for text, *_ in WORKFLOWS])
def test_a_wrong_workflow_is_refused_at_its_place(text, line, column, says):
    error = refused(parse_workflows, text)
    assert (error.line, error.column) == (line, column), str(error)
    assert says in str(error)


ACTIONS = [
    (HEAD + "a: {bas: std.noop}", 2, 5, "did you mean 'base'?"),
    (HEAD + "a: {description: x}", 2, 1, "no 'base'"),
    (HEAD + "a: {base: 5}", 2, 11, "not the number 5"),
    (HEAD + "a: {base: std.echo output=<% * %>}", 2, 11, "*"),
    (HEAD + "a: {base: b, base-input: [x]}", 2, 26, "must be a mapping"),
    (HEAD + "a: {base: b, input: {x: 1}}", 2, 21, "a list of names"),
    (HEAD + "a: {base: b, output: <% * %>}", 2, 22, "*"),
    (HEAD + "a: {base: b, output: 2015-01-01}", 2, 22, "quote it"),
    (HEAD + "a b: {base: b}", 2, 1, "a blank"),
    (HEAD, 1, 1, "no action"),
]


@pytest.mark.parametrize(("text", "line", "column", "says"), ACTIONS, ids=[text[15:] for text, *_ in ACTIONS])
def test_a_wrong_action_is_refused_at_its_place(text, line, column, says):
    error = refused(parse_actions, text)
    assert (error.line, error.column) == (line, column), str(error)
    assert says in str(error)


WORKBOOKS = [
    ("name: b\n", 1, 1, "version: '2.0'"),
    ("version: '3.0'\nname: b\n", 1, 10, "version: '2.0'"),
    (HEAD, 1, 1, "no 'name'"),
    (HEAD + "name: [b]\n", 2, 7, "not a list"),
    (HEAD + "name: b c\n", 2, 1, "a blank"),
    (HEAD + "name: b\nworkflow: {}\n", 3, 1, "did you mean 'workflows'?"),
    (HEAD + "name: b\nworkflows: {}\n", 3, 12, "at least one key"),
    (HEAD + "name: b\nworkflows: {a.b: {tasks: {t: {action: a}}}}\n", 3, 13, "letters, digits"),
    (HEAD + "name: b\nworkflows: {wf: null}\n", 3, 17, "nothing (null)"),
    (HEAD + "name: b\nworkflows: {wf: {tasks: {t: {acton: a}}}}\n", 3, 30, "did you mean 'action'?"),
    (HEAD + "name: b\nactions: {a: {bse: x}}\n", 3, 15, "did you mean 'base'?"),
    (HEAD + "name: b\nactions: {version: '1', a: {base: x}}\n", 3, 20, "'2.0'"),
    (HEAD + "name: b\nactions: text\n", 3, 10, "must be a mapping"),
]


@pytest.mark.parametrize(("text", "line", "column", "says"), WORKBOOKS, ids=[text[15:] for text, *_ in WORKBOOKS])
def test_a_wrong_workbook_is_refused_at_its_place(text, line, column, says):
    error = refused(parse_workbook, text)
    assert (error.line, error.column) == (line, column), str(error)
    assert says in str(error)


def test_long_names_and_lists_do_not_make_long_messages():
    tasks = ", ".join(f"{'t' * 200}{i}: {{action: a}}" for i in range(500))
    error = refused(parse_workflows, f"version: '2.0'\nwf: {{tasks: {{a: {{on-success: {'x' * 5000}}}, {tasks}}}}}")
    assert len(str(error)) < 3000
    assert "(505 in all)" in str(error)


def test_task_defaults_cannot_make_links_without_end():
    targets = ", ".join(f"t{i}" for i in range(1100))
    tasks = ", ".join(f"t{i}: {{action: a}}" for i in range(1100))
    error = refused(
        parse_workflows, f"version: '2.0'\nwf: {{task-defaults: {{on-error: [{targets}]}}, tasks: {{{tasks}}}}}"
    )
    assert (error.line, error.column) == (2, 6)
    assert "at most 1000000" in str(error)
