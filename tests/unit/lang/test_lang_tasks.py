"""What a task written in the language means once read."""

import textwrap

import pytest

from mistralish.lang import TaskSpec, Transition, WorkflowSpec, parse_workflows


def workflow(text: str) -> WorkflowSpec:
    (spec,) = parse_workflows("version: '2.0'\n" + textwrap.dedent(text))
    return spec


def task(body: str, extra: str = "") -> TaskSpec:
    """The task t1 with this body, beside a task t2; ``extra`` is put into the workflow."""
    indented = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 6)
    return workflow(
        f"wf:\n{textwrap.indent(extra, '  ')}\n  tasks:\n    t1:\n{indented}\n    t2: {{action: a2}}\n"
    ).tasks["t1"]


def test_a_task_without_action_and_workflow_does_nothing():
    spec = task("description: x")
    assert (spec.action, spec.workflow, spec.type, spec.description) == ("std.noop", None, "ACTION", "x")


def test_inline_parameters_are_laid_over_the_input():
    spec = task("action: std.echo output='in' n=1\ninput: {output: out, more: <% $.x %>}")
    assert spec.action == "std.echo"
    assert spec.input == {"output": "in", "n": 1, "more": "<% $.x %>"}
    assert spec.data["input"] == spec.input


def test_a_workflow_task_and_an_expression_for_its_name():
    spec = task("workflow: <% $.which %> a=1\nkeep-result: false\ntarget: host1\ntags: [a, b]")
    assert (spec.workflow, spec.type, spec.input) == ("<% $.which %>", "WORKFLOW", {"a": 1})
    assert (spec.keep_result, spec.target, spec.tags) == (False, "host1", ("a", "b"))


def test_input_may_be_one_expression():
    assert task("action: a\ninput: <% $.all %>").input == "<% $.all %>"


def test_with_items_in_every_form():
    assert task("with-items: i in <% $.l %>").with_items == {"i": "<% $.l %>"}
    assert task("with-items: 'i in {{ _.l }}'").with_items == {"i": "{{ _.l }}"}
    assert task("with-items: i in [1, 2]").with_items == {"i": [1, 2]}
    assert task("with-items: ['i in <% $.l %>', 'j in [\"a\"]']").with_items == {"i": "<% $.l %>", "j": ["a"]}
    assert task("action: a").with_items is None


@pytest.mark.parametrize("clause", ["on-success", "on-error", "on-complete", "on-skip"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("t2", [Transition("t2")]),
        ("[t2, noop]", [Transition("t2"), Transition("noop")]),
        ("[{t2: <% $.x %>}, {fail: '{{ _.y }}'}]", [Transition("t2", "<% $.x %>"), Transition("fail", "{{ _.y }}")]),
        ("{t2: <% $.x %>}", [Transition("t2", "<% $.x %>")]),
        ("fail msg='no luck'", [Transition("fail", None, {"msg": "no luck"})]),
        ("fail(msg=<% $.why %>)", [Transition("fail", None, {"msg": "<% $.why %>"})]),
        ("[{succeed msg='ok then': <% $.x %>}]", [Transition("succeed", "<% $.x %>", {"msg": "ok then"})]),
        ("{next: [t2, pause]}", [Transition("t2"), Transition("pause")]),
        ("{next: {t2: <% $.x %>}}", [Transition("t2", "<% $.x %>")]),
        ("{publish: {branch: {a: 1}}}", []),
    ],
)
def test_a_clause_in_every_form(clause, text, expected):
    spec = task(f"{clause}: {text}")
    assert list(getattr(spec, clause.replace("-", "_"))) == expected


def test_the_short_publish_is_under_on_complete_and_over_the_own_clause():
    spec = task(
        """
        publish: {a: short, b: short, d: {x: 1}}
        publish-on-error: {e: short}
        on-complete: {publish: {branch: {b: always, c: always, d: {y: 2}}}}
        on-success: {publish: {branch: {a: own, s: own}}}
        """
    )
    success = spec.publish["SUCCESS"].branch
    assert success == {"a": "short", "b": "always", "c": "always", "d": {"x": 1, "y": 2}, "s": "own"}
    assert spec.publish["ERROR"].branch == {"e": "short", "b": "always", "c": "always", "d": {"y": 2}}
    assert spec.publish["SKIPPED"].branch == {"b": "always", "c": "always", "d": {"y": 2}}


def test_a_scope_that_the_stronger_form_lacks_is_not_published():
    spec = task("publish: {a: 1}\non-success: {publish: {global: {g: 2}, atomic: {h: 3}}}")
    published = spec.publish["SUCCESS"]
    assert (published.branch, published.global_, published.atomic) == (None, {"g": 2}, {"h": 3})


def test_publish_is_by_end_state():
    spec = task("publish: {a: 1}\npublish-on-error: {a: 2}\npublish-on-skip: {a: 3}")
    assert {state: publish.branch for state, publish in spec.publish.items()} == {
        "SUCCESS": {"a": 1},
        "ERROR": {"a": 2},
        "SKIPPED": {"a": 3},
    }
    assert task("action: a").publish == {}


def test_policies_are_read():
    spec = task(
        "{retry: {count: <% 3 %>, delay: 2, break-on: <% $.b %>, continue-on: <% $.c %>}, wait-before: 1, "
        "wait-after: <% 2 %>, timeout: 3.0, pause-before: true, concurrency: 4, fail-on: <% $.f %>}"
    )
    policies = spec.policies
    assert (policies.wait_before, policies.wait_after, policies.timeout) == (1, "<% 2 %>", 3)
    assert (policies.pause_before, policies.concurrency, policies.fail_on) == (True, 4, "<% $.f %>")
    retry = policies.retry
    assert retry is not None
    assert (retry.count, retry.delay, retry.break_on, retry.continue_on) == ("<% 3 %>", 2, "<% $.b %>", "<% $.c %>")


def test_retry_in_one_line():
    retry = task("retry: count=3 delay=1 break-on=<% $.done %>").policies.retry
    assert retry is not None
    assert (retry.count, retry.delay, retry.break_on) == (3, 1, "<% $.done %>")


def test_task_defaults_fill_each_policy_that_the_task_leaves_open():
    spec = task(
        "timeout: 5\nwait-before: 0",
        "task-defaults: {timeout: 1, wait-before: 2, retry: count=1 delay=0, safe-rerun: true, concurrency: 3}",
    )
    assert (spec.policies.timeout, spec.policies.wait_before, spec.policies.concurrency) == (5, 2, 3)
    assert spec.policies.retry is not None
    assert spec.safe_rerun is True
    assert task("safe-rerun: false", "task-defaults: {safe-rerun: true}").safe_rerun is False


def test_task_defaults_clauses_apply_where_the_task_has_no_next_and_never_lead_to_itself():
    spec = workflow(
        """
        wf:
          task-defaults:
            on-error: [cleanup, report]
          tasks:
            t1: {on-error: {publish: {branch: {a: 1}}}}
            t2: {on-error: fail}
            cleanup: {action: a}
            report: {action: a}
        """
    )
    targets = {name: [t.target for t in task.on_error] for name, task in spec.tasks.items()}
    assert targets == {"t1": ["cleanup", "report"], "t2": ["fail"], "cleanup": ["report"], "report": ["cleanup"]}


def test_joins_are_kept_and_zero_is_none():
    spec = workflow(
        """
        wf:
          tasks:
            a: {on-success: [x, y, z, w]}
            x: {join: all}
            y: {join: one}
            z: {join: 1}
            w: {join: 0}
        """
    )
    assert [spec.tasks[name].join for name in "xyzw"] == ["all", "one", 1, None]
