"""Running failed tasks again, and skipping them."""

import pytest
from unit.engine.simulated import error, ok

from mistralish.errors import InputError

LINE = """
version: '2.0'
main:
  output: {got: <% $.get(got) %>}
  tasks:
    a: {action: std.noop, publish: {got: <% task().result %>}, publish-on-skip: {got: skipped}, on-success: b}
    b: {action: std.noop}
"""


def test_a_task_that_succeeds_when_run_again_lets_the_execution_go_on(simulate):
    sim = simulate(LINE, mocks={"a": [error(), ok(5)]}).start()
    assert sim.state == "ERROR"
    task = sim.task("a")
    sim.rerun(task)
    assert sim.state == "SUCCESS"
    assert sim.states() == {"a": "SUCCESS", "b": "SUCCESS"}
    assert sim.output == {"got": 5}
    assert sim.task("a").id == task.id


def test_a_task_that_fails_again_fails_the_execution_again(simulate):
    sim = simulate(LINE, mocks={"a": error("still")}).start()
    sim.rerun(sim.task("a"))
    assert sim.state == "ERROR"
    assert len(sim.actions("a")) == 2
    assert [a.accepted for a in sim.actions("a")] == [False, True]


def test_a_rerun_with_another_environment_sees_it(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.echo output=<% env().who %>, publish: {got: <% task().result %>}}
    """,
    ).start(params={"env": {"other": 1}})
    assert sim.state == "ERROR"
    sim.rerun(sim.task("a"), env={"who": "me"})
    assert sim.output == {"got": "me"}


def test_a_skipped_task_is_followed_like_a_successful_one_when_on_skip_says_nothing(simulate):
    sim = simulate(LINE, mocks={"a": error()}).start()
    sim.rerun(sim.task("a"), skip=True)
    assert sim.states() == {"a": "SKIPPED", "b": "SUCCESS"}
    assert sim.state == "SUCCESS"
    assert sim.output == {"got": "skipped"}


def test_on_skip_says_what_follows_a_skipped_task(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.fail, on-success: b, on-skip: c}
        b: {action: std.noop}
        c: {action: std.noop}
    """).start()
    sim.rerun(sim.task("a"), skip=True)
    assert sim.states() == {"a": "SKIPPED", "c": "SUCCESS"}


def test_with_two_failed_tasks_both_must_be_run_again(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop}
        b: {action: std.noop}
    """,
        mocks={"a": [error(), ok()], "b": [error(), ok()]},
    ).start()
    sim.rerun(sim.task("a"))
    assert sim.state == "ERROR"
    sim.rerun(sim.task("b"))
    assert sim.state == "SUCCESS"


def test_a_join_that_failed_starts_when_its_branch_is_run_again(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop, on-success: j}
        b: {action: std.noop, on-success: j}
        j: {join: all, action: std.noop}
    """,
        mocks={"b": [error(), ok()]},
    ).start()
    assert sim.task("j").state == "ERROR"
    sim.rerun(sim.task("b"))
    assert sim.states() == {"a": "SUCCESS", "b": "SUCCESS", "j": "SUCCESS"}
    assert sim.state == "SUCCESS"
    assert len(sim.tasks("j")) == 1


def test_policies_apply_anew_to_a_task_that_is_run_again(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop, wait-before: 5, retry: {count: 1, delay: 1}}
    """,
        mocks={"a": [error(), error(), error(), ok()]},
    ).start()
    sim.advance(6)
    assert sim.state == "ERROR"
    sim.rerun(sim.task("a"))
    assert sim.task("a").state == "DELAYED"
    sim.advance(5)
    assert len(sim.actions("a")) == 3
    sim.advance(1)
    assert sim.state == "SUCCESS"


def test_a_rerun_while_other_branches_run_is_allowed(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop}
        slow: {action: std.async_noop}
    """,
        mocks={"a": [error(), ok()]},
    ).start()
    sim.rerun(sim.task("a"))
    assert sim.task("a").state == "SUCCESS"
    assert sim.finish("slow").state == "SUCCESS"


@pytest.mark.parametrize("skip", [False, True])
def test_a_task_that_has_not_failed_is_not_run_again(simulate, skip):
    sim = simulate(LINE, mocks={"a": ok(1)}).start()
    before = repr((sim.rows.executions, sim.rows.tasks))
    with pytest.raises(InputError, match="only a task in ERROR"):
        sim.rerun(sim.task("a"), skip=skip)
    assert repr((sim.rows.executions, sim.rows.tasks)) == before


def test_a_cancelled_execution_goes_on_with_a_rerun(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop}
        b: {action: std.async_noop}
    """,
        mocks={"a": [error(), ok()]},
    ).start()
    sim.stop("CANCELLED")
    sim.rerun(sim.task("a"))
    assert sim.state == "RUNNING"
    assert sim.finish("b").state == "SUCCESS"


def test_a_rerun_through_two_levels_takes_the_executions_above_with_it(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      output: {r: <% $.r %>}
      tasks:
        m: {workflow: middle, publish: {r: <% task().result %>}, on-success: after}
        after: {action: std.noop}
    middle:
      output: {low: <% $.low %>}
      tasks:
        l: {workflow: low, publish: {low: <% task().result.x %>}}
    low:
      output: {x: <% $.x %>}
      tasks:
        a: {action: std.noop, publish: {x: <% task().result %>}}
    """,
        mocks={"a": [error(), ok("worked")]},
    ).start()
    middle = sim.children("m")[0]
    low = sim.children("l", middle.id)[0]
    assert [sim.state, middle.state, low.state] == ["ERROR"] * 3
    sim.rerun(sim.task("a", low.id))
    assert sim.state == "SUCCESS"
    assert sim.output == {"r": {"low": "worked"}}
    assert sim.states() == {"m": "SUCCESS", "after": "SUCCESS"}
    assert len(sim.children("m")) == 1


def test_a_sub_workflow_task_that_is_run_again_starts_a_new_sub_workflow(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      output: {r: <% $.r %>}
      tasks:
        m: {workflow: low, publish: {r: <% task().result.x %>}}
    low:
      output: {x: <% $.x %>}
      tasks:
        a: {action: std.noop, publish: {x: <% task().result %>}}
    """,
        mocks={"a": [error(), ok("worked")]},
    ).start()
    sim.rerun(sim.task("m"))
    assert sim.output == {"r": "worked"}
    assert [(c.state, c.accepted) for c in sim.children("m")] == [("ERROR", False), ("SUCCESS", True)]


def test_one_of_several_sub_workflows_is_run_again_from_within(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      output: {r: <% $.r %>}
      tasks:
        m: {with-items: "i in [0, 1, 2]", workflow: low i=<% $.i %>, publish: {r: <% task().result.select($.x) %>}}
    low:
      input: [i]
      output: {x: <% $.x %>}
      tasks:
        a: {action: std.noop, publish: {x: <% task().result %>}}
    """,
        mocks={"a": [ok(0), error(), ok(2), ok(1)]},
    ).start()
    assert sim.state == "ERROR"
    sim.rerun(sim.task("a", sim.children("m")[1].id))
    assert sim.state == "SUCCESS"
    assert sim.output == {"r": [0, 1, 2]}
