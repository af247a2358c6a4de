"""What the simulation of the service (tests/simulation) has found, each as small as it could be made."""

import pytest
from unit.engine.simulated import WAIT, error, ok

from mistralish.engine import steps


def test_a_join_that_waited_when_its_execution_failed_is_looked_at_when_that_is_run_again(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            early: {on-success: meet}
            late: {on-success: meet}
            bad: {on-error: fail}
            meet: {join: all}
        """,
        mocks={"late": WAIT, "bad": WAIT},
    ).start()
    sim.finish("bad", error()).finish("late")
    assert (sim.state, sim.task("meet").state) == ("ERROR", "WAITING")
    sim.rerun(sim.task("bad")).finish("bad")
    assert (sim.state, sim.task("meet").state) == ("ERROR", "ERROR")


def test_a_failed_join_does_not_fail_once_more_with_each_branch_that_comes_later(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            a: {on-success: meet, publish: {a: 1}}
            b: {on-success: meet, on-error: noop}
            c: {on-success: meet, publish: {c: 3}}
            meet: {join: all, on-error: after}
            after: {publish: {after: yes}}
        """,
        mocks={"a": WAIT, "b": WAIT, "c": WAIT},
    ).start()
    sim.finish("a").finish("b", error())
    assert sim.task("meet").state == "ERROR"
    sim.finish("c")
    assert (sim.state, len(sim.tasks("after"))) == ("SUCCESS", 1)


def test_a_sub_workflow_that_is_run_again_takes_the_place_of_those_that_followed_it(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            sub: {workflow: below, with-items: i in <% range(1) %>, retry: {count: 1, delay: 1}}
            bad: {action: std.fail}
        below:
          tasks:
            w: {action: std.noop}
        """,
        mocks={"w": [error(), ok("second"), ok("third")]},
    ).start()
    sim.advance(2)
    first, _ = sim.children("sub")
    assert (sim.state, sim.task("sub").state, first.state) == ("ERROR", "SUCCESS", "ERROR")
    sim.rerun(sim.task("w", first.id))
    assert (sim.state, sim.task("sub").state) == ("ERROR", "SUCCESS")
    assert [child.accepted for child in sim.children("sub")] == [True, False]


def test_what_came_out_of_each_start_of_a_join_stays_known(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            first: {on-success: round}
            round:
              join: one
              publish: {n: '<% $.get(n, 0) + 1 %>'}
              on-success: [behind, {again: '<% $.n < 3 %>'}]
            again: {on-success: round}
            behind: {publish: {saw: <% $.n %>}, on-success: last}
            last: {publish: {last: <% $.saw %>}}
        """,
        mocks={"behind": WAIT},
    ).start()
    waiting = list(sim.waiting)
    for action_id in reversed(waiting):
        sim.finish(action_id)
    assert [task.published["saw"] for task in sim.tasks("behind")] == [1, 2, 3]
    assert sorted(task.published["last"] for task in sim.tasks("last")) == [1, 2, 3]


def test_what_followed_a_task_goes_on_with_what_it_saw_though_the_task_is_run_again(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            a: {publish-on-error: {from_a: failed}, publish: {from_a: well}, on-error: [behind, fail]}
            behind: {publish: {saw: <% $.from_a %>}}
        """,
        mocks={"a": [error(), ok()], "behind": WAIT},
    ).start()
    sim.rerun(sim.task("a"))
    sim.finish("behind")
    assert sim.task("behind").published == {"saw": "failed"}


def test_a_join_that_ends_for_the_second_time_while_its_execution_is_paused_leads_on_afterwards(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            first: {on-success: round}
            round:
              join: one
              publish: {n: '<% $.get(n, 0) + 1 %>'}
              on-success: [{again: '<% $.n < 2 %>'}, {last: '<% $.n >= 2 %>'}]
            again: {on-success: round}
            last: {action: std.noop}
        """,
        mocks={"round": WAIT},
    ).start()
    sim.finish("round").pause().finish("round").resume()
    assert (sim.state, sim.states().get("last")) == ("SUCCESS", "SUCCESS")


def test_a_task_that_waits_after_its_end_is_not_ended_by_a_child_that_is_told_of_twice(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            sub: {workflow: below, wait-after: 5}
        below:
          tasks: {w: {action: std.noop}}
        """
    ).start()
    (child,) = sim.children("sub")
    told = steps.ChildEnded(sim.task("sub").id, child.id, child.state, child.state_info, child.output)
    sim.decide(sim.root_id, told)
    assert sim.task("sub").state == "DELAYED"
    sim.advance(5)
    assert sim.state == "SUCCESS"


def test_tasks_are_in_the_order_in_which_they_were_made_though_the_clock_goes_back(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            a: {on-success: b}
            b: {on-success: c}
            c: {action: std.noop}
        """,
        mocks={"a": WAIT, "b": WAIT},
    ).start()
    for name in "ab":
        sim.world.now -= 60_000_000
        sim.finish(name)
    assert [task.name for task in sorted(sim.tasks(), key=lambda task: task.created_at)] == ["a", "b", "c"]


def test_a_join_does_not_wait_for_what_a_fail_has_cut_off_before_its_execution_went_on_again(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            broken: {on-complete: both}
            cut: {on-success: [fail, never]}
            never: {on-success: both}
            both: {join: all}
        """,
        mocks={"broken": [error(), ok()], "cut": WAIT},
    ).start()
    sim.finish("cut")
    assert (sim.state, sim.states()["both"]) == ("ERROR", "WAITING")
    sim.rerun(sim.task("broken"))
    assert (sim.state, sim.states()["both"]) == ("ERROR", "ERROR")


_TRIED_TWICE = """
version: '2.0'
main:
  tasks:
    work:
      action: std.async_noop
      timeout: 5
      retry: {count: 1, delay: 1}
      publish: {got: <% task().result %>}
"""


def _second_try(simulate) -> tuple[object, str, str]:
    """A task whose first action hung until its time was up, and whose second one is under way."""
    sim = simulate(_TRIED_TWICE, mocks={"work": WAIT}).start().advance(7)
    first, second = sim.waiting
    assert sim.task("work").state == "RUNNING"
    return sim, first, second


def _accepted(sim, action_id: str) -> bool:
    return next(action.accepted for action in sim.actions("work") if action.id == action_id)


@pytest.mark.parametrize("late", [ok("late"), error("lost")])
def test_an_action_of_a_try_that_was_given_up_ends_for_itself(simulate, late):
    sim, first, second = _second_try(simulate)
    sim.finish(first, late)
    assert (sim.task("work").state, _accepted(sim, first)) == ("RUNNING", False)
    sim.finish(second, ok("right"))
    assert (sim.state, sim.task("work").published) == ("SUCCESS", {"got": "right"})


def test_an_action_that_ends_between_two_tries_does_not_count(simulate):
    sim = simulate(_TRIED_TWICE, mocks={"work": WAIT}).start().advance(5.5)
    assert sim.task("work").state == "DELAYED"
    (first,) = sim.waiting
    sim.finish(first, ok("late")).advance(1)
    sim.finish("work", ok("right"))
    assert (sim.state, sim.task("work").published) == ("SUCCESS", {"got": "right"})


def test_an_action_of_a_try_that_was_given_up_neither_pauses_the_task_nor_holds_it_back(simulate):
    sim, first, second = _second_try(simulate)
    sim.tell(steps.ActionState(first, "PAUSED"))
    assert (sim.state, sim.task("work").state) == ("RUNNING", "RUNNING")
    sim.tell(steps.ActionState(second, "PAUSED"))
    assert sim.state == "PAUSED"
    sim.tell(steps.ActionState(second, "RUNNING"))
    assert (sim.state, sim.task("work").state) == ("RUNNING", "RUNNING")


def test_an_action_that_hung_before_a_rerun_does_not_end_the_task_that_runs_again(simulate):
    text = _TRIED_TWICE.replace("retry: {count: 1, delay: 1}", "")
    sim = simulate(text, mocks={"work": WAIT}).start().advance(5)
    assert sim.state == "ERROR"
    (first,) = sim.waiting
    sim.rerun(sim.task("work"), reset=False).finish(first, error("lost"))
    assert sim.task("work").state == "RUNNING"
    sim.finish("work", ok("right"))
    assert (sim.state, sim.task("work").published) == ("SUCCESS", {"got": "right"})


def test_a_sub_workflow_of_a_try_that_was_given_up_counts_only_if_it_is_run_again(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            sub: {workflow: below, timeout: 5, retry: {count: 1, delay: 1}, publish: {got: <% task().result %>}}
        below:
          output: {by: <% execution().id %>}
          tasks: {w: {action: std.async_noop}}
        """,
        mocks={"w": WAIT},
    ).start()
    sim.advance(7)
    first, second = sim.children("sub")
    by_child = {call.record.workflow_execution_id: call.record.id for call in sim.waiting.values()}
    sim.finish(by_child[first.id], error())
    assert (sim.task("sub").state, [child.accepted for child in sim.children("sub")]) == ("RUNNING", [False, False])
    sim.rerun(sim.task("w", first.id))
    again = next(call.record.id for call in sim.waiting.values() if call.record.workflow_execution_id == first.id)
    sim.finish(by_child[second.id])
    assert sim.task("sub").state == "RUNNING"
    sim.finish(again)
    assert (sim.state, sim.task("sub").published) == ("SUCCESS", {"got": {"by": first.id}})


def test_a_task_held_back_by_pause_before_is_held_back_again_when_its_failed_execution_goes_on(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            held: {pause-before: true, action: std.noop}
            bad: {action: std.echo output=<% env().word %>}
        """
    ).start()
    assert (sim.state, sim.task("held").state) == ("ERROR", "IDLE")
    sim.rerun(sim.task("bad"), env={"word": "hello"})
    assert (sim.state, sim.states()) == ("PAUSED", {"bad": "SUCCESS", "held": "IDLE"})
    sim.resume()
    assert (sim.state, sim.states()) == ("SUCCESS", {"bad": "SUCCESS", "held": "SUCCESS"})


def test_what_fails_beside_a_task_that_pauses_the_execution_does_not_fail_it(simulate):
    """As in the reference: of tasks that start together, the last one written is the first."""
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            bad: {action: std.echo output=<% env().word %>}
            held: {pause-before: true, action: std.noop}
        """
    ).start()
    assert (sim.state, sim.states()) == ("PAUSED", {"bad": "ERROR", "held": "IDLE"})


def test_the_results_of_a_join_that_started_twice_are_in_the_order_of_its_starts_though_the_clock_goes_back(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            a: {on-success: meet, on-complete: meet}
            b: {on-success: meet}
            meet: {join: one, publish: {got: <% task().result %>}}
        """,
        mocks={"a": WAIT, "b": WAIT, "meet": [ok("first"), ok("second")]},
    ).start()
    sim.finish("a")
    sim.world.now -= 60_000_000
    sim.finish("b")
    assert sim.task("meet").published == {"got": ["first", "second"]}


def test_what_followed_a_failed_join_keeps_what_it_saw_though_a_branch_ends_later(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            first: {on-success: meet}
            bad: {on-success: meet, on-error: noop}
            late: {publish: {late: yes}, on-success: meet}
            meet: {join: all, on-error: after}
            after: {publish: {saw: '<% $.get(late, nothing) %>'}}
        """,
        mocks={"bad": WAIT, "late": WAIT, "after": WAIT},
    ).start()
    sim.finish("bad", error())
    assert (sim.task("meet").state, sim.task("after").state) == ("ERROR", "RUNNING")
    sim.pause().finish("late").finish("after").resume()
    assert sim.task("after").published == {"saw": "nothing"}


@pytest.mark.parametrize("width", [3, 6])
def test_news_of_a_pause_and_of_a_resumption_passes_each_execution_of_a_tree_once_down_and_once_up(simulate, width):
    sim = simulate(
        f"""
        version: '2.0'
        main:
          tasks: {{t: {{with-items: i in <% range({width}) %>, workflow: middle}}}}
        middle:
          tasks: {{t: {{with-items: i in <% range({width}) %>, workflow: low}}}}
        low:
          tasks: {{t: {{action: std.async_noop}}}}
        """
    ).start()
    below = width + width**2
    for change in (sim.pause, sim.resume):
        before = sim.decisions
        change()
        assert sim.decisions - before == 1 + 2 * below


def test_a_pause_is_not_undone_by_a_child_that_has_gone_on_just_before(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            sub: {workflow: below}
        below:
          tasks: {w: {action: std.async_noop}}
        """,
        mocks={"w": WAIT},
    ).start()
    sim.pause()
    (child,) = sim.children("sub")
    sim.resume().pause()
    sim.decide(sim.root_id, steps.ChildChanged(sim.task("sub").id, child.id, "RUNNING", by_parent=True))
    sim.settle()
    assert sim.state == "PAUSED"


@pytest.mark.parametrize("skip", [True, False])
def test_a_join_that_has_ended_keeps_what_it_saw_though_a_branch_to_it_is_run_again_and_leads_elsewhere(simulate, skip):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            a: {publish-on-error: {from_a: failed}, on-error: meet}
            other: {on-success: both}
            meet: {join: one, on-success: both, on-complete: fail}
            both: {join: all, publish: {saw: '<% $.get(from_a) %>'}}
        """,
        mocks={"a": [error(), ok()], "other": WAIT},
    ).start()
    assert (sim.state, sim.states()["both"]) == ("ERROR", "WAITING")
    sim.rerun(sim.task("a"), skip=skip).finish("other")
    assert sim.task("both").published == {"saw": "failed"}


def test_a_task_whose_item_is_run_again_counts_the_last_results_of_the_others_though_it_was_to_be_tried_anew(simulate):
    sim = simulate(
        """
        version: '2.0'
        main:
          tasks:
            sub: {with-items: i in <% range(2) %>, workflow: below, retry: {count: 1, delay: 10}, timeout: 5}
        below:
          tasks: {w: {action: std.noop}}
        """,
        mocks={"w": [error(), ok(), ok()]},
    ).start()
    assert sim.task("sub").state == "DELAYED"
    sim.advance(6)
    assert (sim.state, [child.accepted for child in sim.children("sub")]) == ("ERROR", [False, False])
    failed = next(child for child in sim.children("sub") if child.state == "ERROR")
    sim.rerun(sim.task("w", failed.id))
    assert (sim.state, [child.accepted for child in sim.children("sub")]) == ("SUCCESS", [True, True])
