"""with-items: one action or sub-workflow for each item."""

import pytest
from unit.engine.simulated import WAIT, Simulation, error, ok


def items(given: str, more: str = "", action: str = "std.echo output=<% $.i %>") -> str:
    return f"""
    version: '2.0'
    main:
      input: [list, {{other: []}}]
      tasks:
        t:
          with-items: {given}
          action: {action}
          publish: {{r: <% task().result %>}}
          publish-on-error: {{r: <% task().result %>}}
          {more}
    """


def test_results_are_in_the_order_of_the_items_whatever_the_order_of_the_ends(simulate):
    sim = simulate(items("i in <% $.list %>"), mocks={"t": WAIT}).start(given={"list": ["a", "b", "c"]})
    for index in (2, 0, 1):
        assert sim.state == "RUNNING"
        sim.finish("t", ok(f"result {index}"), index)
    assert sim.state == "SUCCESS"
    assert sim.output["r"] == ["result 0", "result 1", "result 2"]


def test_an_empty_list_succeeds_with_no_results(simulate):
    sim = simulate(items("i in <% $.list %>")).start(given={"list": []})
    assert sim.state == "SUCCESS"
    assert sim.output["r"] == []
    assert sim.calls == []


def test_one_item_gives_a_list_of_one_result(simulate):
    assert simulate(items("i in <% $.list %>")).start(given={"list": [5]}).output["r"] == [5]


def test_several_lists_go_in_step(simulate):
    sim = simulate(
        items("[i in <% $.list %>, 'k in <% $.other %>']", action='std.echo output="<% $.i %>-<% $.k %>"')
    ).start(given={"list": [1, 2], "other": ["x", "y"]})
    assert sim.output["r"] == ["1-x", "2-y"]


@pytest.mark.parametrize(
    ("given", "said"), [({"list": [1], "other": [1, 2]}, "same length"), ({"list": 5, "other": []}, "Iterable")]
)
def test_lists_that_cannot_be_walked_together_fail_the_execution(simulate, given, said):
    sim = simulate(items("[i in <% $.list %>, 'k in <% $.other %>']")).start(given=given)
    assert sim.state == "ERROR"
    assert said in sim.ex.state_info


def test_concurrency_bounds_how_many_run_at_once(simulate):
    sim = simulate(items("i in <% $.list %>", "concurrency: 2"), mocks={"t": WAIT}).start(given={"list": [*range(5)]})
    assert len(sim.waiting) == 2
    most = 0
    while sim.waiting:
        most = max(most, len(sim.waiting))
        sim.finish(next(reversed(sim.waiting)), ok("r"))
    assert most == 2
    assert sim.state == "SUCCESS"
    assert sim.output["r"] == ["r"] * 5


def test_a_failed_item_lets_the_others_run_and_then_fails_the_task(simulate):
    sim = simulate(items("i in <% $.list %>", "concurrency: 1"), mocks={"t": [ok(1), error("no"), ok(3)]}).start(
        given={"list": [*range(3)]}
    )
    assert sim.state == "ERROR"
    assert sim.task("t").state_info == "One or more actions had failed."
    assert sim.task("t").published == {"r": [1, "no", 3]}


def test_a_cancelled_item_cancels_the_task_at_once(simulate):
    from mistralish.actions import Result

    sim = simulate(items("i in <% $.list %>"), mocks={"t": WAIT}).start(given={"list": [1, 2]})
    sim.finish("t", Result(cancel=True), 0)
    assert sim.task("t").state == "CANCELLED"
    assert sim.state == "CANCELLED"
    sim.finish("t", ok("late"), 1)
    assert sim.state == "CANCELLED"


def test_rerun_without_reset_repeats_the_failed_items_only(simulate):
    sim = simulate(items("i in <% $.list %>"), mocks={"t": [ok(1), error(2), ok(3), ok("again")]}).start(
        given={"list": [*range(3)]}
    )
    assert sim.state == "ERROR"
    sim.rerun(sim.task("t"), reset=False)
    assert sim.state == "SUCCESS"
    assert sim.output["r"] == [1, "again", 3]
    assert len(sim.actions("t")) == 4


def test_rerun_with_reset_repeats_all_items(simulate):
    sim = simulate(items("i in <% $.list %>"), mocks={"t": [ok(1), error(2), ok(3), ok("again")]}).start(
        given={"list": [*range(3)]}
    )
    sim.rerun(sim.task("t"), reset=True)
    assert sim.output["r"] == ["again"] * 3
    assert len(sim.actions("t")) == 6


def test_rerun_keeps_to_the_concurrency(simulate):
    sim = simulate(items("i in <% $.list %>", "concurrency: 2"), mocks={"t": WAIT}).start(given={"list": [*range(4)]})
    while sim.waiting:
        sim.finish(next(iter(sim.waiting)), error())
    assert sim.state == "ERROR"
    sim.rerun(sim.task("t"), reset=False)
    assert len(sim.waiting) == 2
    while sim.waiting:
        assert len(sim.waiting) <= 2
        sim.finish(next(iter(sim.waiting)), ok("r"))
    assert sim.output["r"] == ["r"] * 4


def test_retry_repeats_all_items(simulate):
    sim = simulate(
        items("i in <% $.list %>", "retry: {count: 1, delay: 1}"), mocks={"t": [ok(1), error(), ok(3), ok(4)]}
    ).start(given={"list": [*range(2)]})
    assert sim.task("t").state == "DELAYED"
    sim.advance(1)
    assert sim.state == "SUCCESS"
    assert sim.output["r"] == [3, 4]


def test_items_may_be_sub_workflows(simulate):
    text = """
    version: '2.0'
    main:
      output: {r: <% $.r %>}
      tasks:
        t: {with-items: "i in [1, 2, 3]", workflow: below n=<% $.i %>, publish: {r: <% task().result %>}}
    below:
      input: [n]
      output: {n: <% $.n %>}
      tasks: {w: {action: std.async_noop}}
    """
    sim = simulate(text).start()
    for action_id in reversed(list(sim.waiting)):
        assert sim.state == "RUNNING"
        sim.finish(action_id)
    assert sim.state == "SUCCESS"
    assert sim.output == {"r": [{"n": 1}, {"n": 2}, {"n": 3}]}
    assert [c.runtime_context["index"] for c in sim.children("t")] == [0, 1, 2]


def test_sub_workflows_keep_to_the_concurrency(simulate):
    text = """
    version: '2.0'
    main:
      tasks:
        t: {with-items: "i in [1, 2, 3]", concurrency: 1, workflow: below}
    below:
      tasks: {w: {action: std.async_noop}}
    """
    sim = simulate(text).start()
    for _ in range(3):
        assert len(sim.waiting) == 1
        sim.finish(next(iter(sim.waiting)))
    assert sim.state == "SUCCESS"


def test_an_item_whose_action_is_not_there_fails_the_task(simulate):
    sim = simulate(
        items("i in <% $.list %>", action="no.such", more="on-error: u\n        u: {}").replace(
            "u: {}", "u: {action: std.noop}"
        )
    ).start(given={"list": [1]})
    assert sim.states() == {"t": "ERROR", "u": "SUCCESS"}


def test_ten_thousand_items_cost_one_decision_each_and_no_walk_over_the_others():
    sim = Simulation(items("i in <% $.list %>"), check=False, mocks={"t": WAIT})
    sim.start(given={"list": [*range(10_000)]})
    assert len(sim.waiting) == 10_000
    run = sim.run()
    task = next(iter(run.tasks.values()))
    before = sim.decisions
    assert task.children is not None
    task.children = _Unwalkable(task.children)
    for action_id in list(sim.waiting)[:-1]:
        sim.finish(action_id, ok(1))
    assert sim.decisions - before == 9_999
    task.children = dict(task.children)
    sim.finish(next(iter(sim.waiting)), ok(1))
    assert sim.state == "SUCCESS"
    assert sim.output["r"] == [1] * 10_000


class _Unwalkable(dict):
    """A dictionary that may be asked for one entry, but not walked over."""

    def _refuse(self, *args):
        raise AssertionError("walked over all items")

    values = items = _refuse


def test_a_join_that_is_started_again_while_its_items_run_waits_for_them(simulate):
    sim = simulate(
        """
    version: '2.0'
    main:
      tasks:
        a: {action: std.noop, on-success: j}
        b: {action: std.async_noop, on-success: j}
        j: {join: one, with-items: "i in [1, 2]", action: std.sleep}
    """
    ).start()
    sim.finish("b")
    assert sim.task("j").state == "RUNNING"
    sim.finish("j", error(), 0)
    sim.finish("j", error(), 1)
    assert sim.task("j").state == "ERROR"
