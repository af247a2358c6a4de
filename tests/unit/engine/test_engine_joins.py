"""Joins: when they start, when they cannot, and what they see."""

import pytest
from unit.engine.simulated import error, ok


def test_join_all_starts_once_after_the_last_branch(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, publish: {a: 1}, on-success: j}
        b: {action: std.async_noop, publish: {b: 2}, on-success: j}
        c: {action: std.async_noop, publish: {c: 3}, on-success: j}
        j: {join: all, action: std.echo output=<% $.a + $.b + $.c %>, publish: {sum: <% task().result %>}}
    """).start()
    sim.finish("b")
    assert sim.task("j").state == "WAITING"
    sim.finish("a")
    assert sim.task("j").state == "WAITING"
    sim.finish("c")
    assert sim.state == "SUCCESS"
    assert sim.output["sum"] == 6
    assert len(sim.actions("j")) == 1


def test_join_one_starts_with_the_first_branch(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-success: j}
        b: {action: std.async_noop, on-success: j}
        j: {join: one, action: std.noop}
    """).start()
    sim.finish("b")
    assert sim.task("j").state == "SUCCESS"
    assert sim.state == "RUNNING"
    sim.finish("a")
    assert sim.state == "SUCCESS"


def test_join_of_a_number_starts_when_so_many_have_come(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-success: j}
        b: {action: std.async_noop, on-success: j}
        c: {action: std.async_noop, on-success: j, on-error: noop}
        j: {join: 2, action: std.async_noop}
    """).start()
    sim.finish("a")
    assert sim.task("j").state == "WAITING"
    sim.finish("b")
    assert sim.task("j").state == "RUNNING"
    sim.finish("c", error())
    sim.finish("j")
    assert sim.state == "SUCCESS"


@pytest.mark.parametrize("first", ["a", "b"])
def test_join_all_fails_as_soon_as_one_branch_cannot_come(simulate, first):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-success: j}
        b: {action: std.async_noop, on-success: j, on-error: noop}
        j: {join: all, action: std.noop, on-error: rescue}
        rescue: {action: std.noop}
    """).start()
    results = {"a": ok(), "b": error()}
    sim.finish(first, results.pop(first))
    for name, result in results.items():
        sim.finish(name, result)
    assert sim.task("j").state == "ERROR"
    assert sim.task("j").state_info == "Failed by tasks: ['b']"
    assert sim.task("rescue").state == "SUCCESS"
    assert not sim.actions("j")
    assert sim.state == "SUCCESS"


def test_join_of_a_number_fails_when_too_few_can_still_come(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-success: j, on-error: noop}
        b: {action: std.async_noop, on-success: j, on-error: noop}
        c: {action: std.async_noop, on-success: j, on-error: noop}
        j: {join: 2, action: std.noop}
    """).start()
    sim.finish("a")
    sim.finish("b", error())
    assert sim.task("j").state == "WAITING"
    sim.finish("c", error())
    assert sim.task("j").state == "ERROR"
    assert sim.state == "ERROR"


def test_a_branch_whose_condition_does_not_hold_makes_the_join_impossible(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-success: [{j: <% 1 = 2 %>}]}
        b: {action: std.noop, on-success: j}
        j: {join: all, action: std.noop}
    """).start()
    assert sim.task("j").state == "WAITING"
    sim.finish("a")
    assert sim.states() == {"a": "SUCCESS", "b": "SUCCESS", "j": "ERROR"}


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_a_failure_far_above_makes_the_join_impossible_whoever_ends_first(simulate, order):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-success: a2}
        a2: {action: std.noop, on-success: a3}
        a3: {action: std.noop, on-success: j}
        b: {action: std.async_noop, on-success: j}
        j: {join: all, action: std.noop}
    """).start()
    results = {"a": error(), "b": ok()}
    for name in order:
        sim.finish(name, results[name])
    assert sim.states() == {"a": "ERROR", "b": "SUCCESS", "j": "ERROR"}
    assert sim.state == "ERROR"


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_a_join_behind_a_join_that_never_came_to_be_cannot_start(simulate, order):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-success: first}
        first: {join: all, action: std.noop, on-success: second}
        b: {action: std.async_noop, on-success: second}
        second: {join: all, action: std.noop}
    """).start()
    results = {"a": error(), "b": ok()}
    for name in order:
        sim.finish(name, results[name])
    assert sim.states() == {"a": "ERROR", "b": "SUCCESS", "second": "ERROR"}
    assert sim.state == "ERROR"


def test_a_failed_join_fails_the_joins_behind_it(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.async_noop, on-success: first, on-error: noop}
        b: {action: std.noop, on-success: [first, second]}
        first: {join: all, action: std.noop, on-success: second}
        second: {join: all, action: std.noop, on-success: third}
        third: {action: std.noop}
    """).start()
    sim.finish("a", error())
    assert sim.states() == {"a": "ERROR", "b": "SUCCESS", "first": "ERROR", "second": "ERROR"}


def test_a_join_is_retried_by_its_policy(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop, on-success: j}
        b: {action: std.noop, on-success: j}
        j: {join: all, action: std.noop, retry: {count: 2, delay: 5}}
    """,
        mocks={"j": [error(), error(), ok()]},
    ).start()
    assert sim.task("j").state == "WAITING"
    sim.advance(5)
    assert sim.task("j").state == "WAITING"
    sim.advance(5)
    assert sim.state == "SUCCESS"
    assert [a.accepted for a in sim.actions("j")] == [False, False, True]


def test_a_join_in_a_loop_starts_each_time_its_branches_come(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      vars: {n: 0}
      output: {n: <% $.n %>}
      tasks:
        begin: {on-success: split}
        split: {publish: {n: <% $.n + 1 %>}, on-success: [left, right]}
        left: {on-success: meet}
        right: {on-success: meet}
        meet: {join: all, on-success: [{split: <% $.n < 3 %>}]}
    """).start()
    assert sim.state == "SUCCESS"
    assert sim.output == {"n": 3}
    assert len(sim.tasks("split")) == 3


def test_after_a_join_a_variable_has_the_value_of_the_branch_that_published_it_more_often(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      output: {x: <% $.x %>}
      tasks:
        a: {action: std.async_noop, publish: {x: once}, on-success: j}
        b: {publish: {x: first}, on-success: b2}
        b2: {publish: {x: twice}, on-success: j}
        j: {join: all}
    """).start()
    sim.finish("a")
    assert sim.output == {"x": "twice"}


def test_after_a_join_of_equals_the_branch_that_ended_last_wins(simulate):
    text = """
    version: '2.0'
    main:
      output: {x: <% $.x %>}
      tasks:
        a: {action: std.async_noop, publish: {x: a}, on-success: j}
        b: {action: std.async_noop, publish: {x: b}, on-success: j}
        j: {join: all}
    """
    assert simulate(text).start().finish("a").finish("b").output == {"x": "b"}
    assert simulate(text).start().finish("b").finish("a").output == {"x": "a"}


def test_after_a_join_dictionaries_are_merged_leaf_by_leaf(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      output: {x: <% $.x %>}
      tasks:
        a: {publish: {x: {same: 0, deep: {a: 1}}}, on-success: j}
        b: {publish: {x: {same: 0, deep: {b: 2}}}, on-success: j}
        j: {join: all}
    """).start()
    assert sim.output == {"x": {"same": 0, "deep": {"a": 1, "b": 2}}}


def test_a_join_whose_two_branches_end_in_one_decision_starts_once(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.fail, on-success: first}
        b: {action: std.async_noop, on-success: [first, second]}
        first: {join: all, action: std.noop, on-complete: second}
        second: {join: all, action: std.noop}
    """).start()
    sim.finish("b")
    assert sim.task("first").state == "ERROR"
    assert sim.task("second").state == "SUCCESS"
    assert len(sim.actions("second")) == 1


def test_a_failed_join_that_waits_for_its_next_try_is_not_woken_by_another_branch(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      tasks:
        a: {action: std.fail, on-success: j}
        b: {action: std.async_noop, on-success: j}
        c: {action: std.async_noop, on-success: j}
        j: {join: all, action: std.noop, retry: {count: 1, delay: 5}}
    """).start()
    sim.finish("b")
    assert sim.task("j").state_info == "Delayed by 'retry' policy [delay=5]"
    sim.finish("c")
    assert sim.task("j").state == "WAITING"
    sim.advance(5)
    assert sim.task("j").state == "ERROR"
    assert sim.state == "ERROR"


def test_a_loop_through_two_joins_in_a_row_goes_round(simulate):
    sim = simulate("""
    version: '2.0'
    main:
      vars: {n: 0}
      output: {n: <% $.n %>}
      tasks:
        begin: {on-success: split}
        split: {publish: {n: <% $.n + 1 %>}, on-success: [left, right]}
        left: {action: std.async_noop, on-success: meet}
        right: {on-success: [meet, again]}
        meet: {join: all, on-success: again}
        again: {join: all, on-success: [{split: <% $.n < 4 %>}]}
    """).start()
    for _ in range(4):
        sim.finish("left")
    assert sim.state == "SUCCESS"
    assert sim.output == {"n": 4}
